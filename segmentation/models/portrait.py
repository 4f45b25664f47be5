from django.db import models

from members.models import Pool


class PortraitCut(models.Model):
    """A pool cut up by what one statement says of its members: a bitmap per value, kept until its data changes.

    `values` is [[value, length of its bitmap in `packed`], …]; a value is a choice, a text or the two ends of a band.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    key = models.CharField(max_length=80)
    stamp = models.BinaryField(max_length=32)  # hash of the statement and of the versions of the data it read
    as_of = models.DateTimeField()  # when it was last known to be true
    ms = models.FloatField()
    values = models.JSONField()
    packed = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "key"], name="one_cut_per_key")]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.key}"
