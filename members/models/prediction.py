from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool


class MemberPrediction(models.Model):
    """What one model says of one member. `segmentation` writes it and knows the models; here a model is a number.

    A member without a row was not scored: the model has nothing to say of them. All rows of a model were
    computed at one instant, by one version; both stand with the model.
    """

    pk = models.CompositePrimaryKey("member_id", "predictor_id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="predictions", db_index=False)
    predictor_id = models.IntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    value = models.FloatField(_("预测值"), null=True)  # null: no finite answer, such as "never"
    percentile = models.SmallIntegerField(_("百分位"), null=True)  # 1 … 100: of those scored, how many are below
    code = models.SmallIntegerField(null=True)  # the class, of models that tell classes apart
    more = ArrayField(models.FloatField(null=True), null=True)  # further numbers, in the order the model declares

    class Meta:
        verbose_name = _("预测")
        indexes = [
            models.Index(fields=["predictor_id", "value", "member"], include=("percentile", "code"), name="prediction_value")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} by {self.predictor_id}: {self.value}"
