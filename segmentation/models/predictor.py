from django.conf import settings as django
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Pool, Tag


class Predictor(models.Model):
    """A declared model (`segmentation.predicting.models`) in one pool: whether it is on, what it is told, whom it tags."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    key = models.CharField(_("模型"), max_length=30)
    settings = models.JSONField(default=dict)
    is_on = models.BooleanField(_("每晚更新"), default=False)
    version = models.ForeignKey("ModelVersion", null=True, on_delete=models.SET_NULL, related_name="+")  # whose scores stand
    scored_as_of = models.DateTimeField(null=True)
    scored = models.IntegerField(default=0)
    spread = models.JSONField(default=list)  # of the scores: [[from, to, members], …]
    job_id = models.BigIntegerField(null=True)  # the latest training or scoring
    tag = models.ForeignKey(Tag, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="predictors")
    threshold = models.JSONField(null=True)  # {"by": "percentile" | "value", "op": "gte" | "lte", "value": …}
    tagged = models.IntegerField(null=True)
    tagged_as_of = models.DateTimeField(null=True)
    tag_note = models.CharField(max_length=300, blank=True)  # why nobody is tagged
    actor = models.ForeignKey(django.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("预测模型")
        constraints = [models.UniqueConstraint(fields=["pool", "key"], name="one_predictor_per_key")]

    def __str__(self) -> str:
        return f"{self.key} of {self.pool_id}"


class ModelVersion(models.Model):
    """One training of a model: on what, how good it was on purchases it had not seen, and what it has learnt.

    Never changed once it is ready. What was learnt is `params` (JSON) and `artefact` (arrays, read without running code).
    """

    class Status(models.TextChoices):
        TRAINING = "training", _("训练中")
        READY = "ready", _("可用")
        LACKING = "lacking", _("数据不足")
        FAILED = "failed", _("失败")

    predictor = models.ForeignKey(Predictor, on_delete=models.CASCADE, related_name="versions")
    number = models.IntegerField()
    status = models.CharField(_("状态"), max_length=10, choices=Status.choices, default=Status.TRAINING)
    as_of = models.DateTimeField()  # nothing after it was looked at
    settings = models.JSONField(default=dict)
    seed = models.IntegerField(default=0)
    window = models.JSONField(default=dict)  # {"from": …, "cutoffs": […], "held_out": […], "horizon_days": …}
    sizes = models.JSONField(default=dict)  # {"members": …, "trained": …, "held_out": …, "base": …}
    metrics = models.JSONField(
        default=list
    )  # [{"key", "value", "low", "high", "baseline", "change", "change_low", "change_high"}]
    beats = models.BooleanField(null=True)  # the baseline, beyond chance; null: nothing to compare with
    calibration = models.JSONField(default=list)  # [{"predicted", "actual", "low", "high", "members"}]
    importance = models.JSONField(default=list)  # [{"feature", "value"}]
    items = models.JSONField(default=list)  # what codes and further numbers mean: labels
    params = models.JSONField(default=dict)
    artefact = models.BinaryField(null=True)
    error = models.TextField(blank=True)
    job_id = models.BigIntegerField(null=True)
    actor = models.ForeignKey(django.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    started_at = models.DateTimeField()
    ms = models.IntegerField(null=True)

    class Meta:
        verbose_name = _("模型版本")
        constraints = [models.UniqueConstraint(fields=["predictor", "number"], name="one_model_version_per_number")]

    def __str__(self) -> str:
        return f"#{self.number} of {self.predictor_id}"
