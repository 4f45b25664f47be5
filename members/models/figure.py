from django.db import models

from members.models.pool import Pool


class PoolTarget(models.Model):
    """What a pool wants to have reached by the end of a month; what is not set has no target."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="targets")
    month = models.DateField()  # its first day
    members = models.BigIntegerField(null=True)
    active = models.BigIntegerField(null=True)
    revenue = models.BigIntegerField(null=True)  # minor units, of that month

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "month"], name="one_target_per_month")]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.month:%Y-%m}"


class DailyFigure(models.Model):
    """A count as it stood on one day of the pool, kept because the past cannot be asked again.

    `source` is a channel; 0 stands for the whole pool, -1 for members without a channel.
    """

    WHOLE, NOWHERE = 0, -1

    pk = models.CompositePrimaryKey("pool_id", "day", "source", "name")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    source = models.SmallIntegerField()
    name = models.CharField(max_length=80)  # members, field.birthday, identity.phone, stale.180 …
    value = models.BigIntegerField()
    at = models.DateTimeField()  # when it was counted

    class Meta:
        indexes = [models.Index(fields=["pool", "name", "day"], name="figure_pool_name_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.source} {self.name} {self.value}"
