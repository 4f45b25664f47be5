from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Pool


class RecalculationRun(models.Model):
    """One pass of the chain over a pool. A full run that is not finished is owed: it will be run again."""

    class Mode(models.TextChoices):
        FULL = "full", _("全量")
        TICK = "tick", _("增量")
        PART = "part", _("单个方案")

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    mode = models.CharField(_("方式"), max_length=4, choices=Mode.choices)
    as_of = models.DateTimeField(_("计算时点"))
    until = models.DateTimeField(null=True)  # the state is right up to here; moved on by ticks with nothing to do
    scheme_id = models.IntegerField(null=True)  # the only one of a run that computed no more
    settings = models.JSONField(default=dict)  # what the full run was told
    edges = models.JSONField(default=dict)  # what it measured; ticks keep them
    backtest = models.JSONField(null=True)  # of a full run: what the stages of an earlier day were worth
    steps = models.JSONField(default=list)  # [{"step": …, "rows": …, "ms": …}]
    job_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("重算")
        indexes = [models.Index(fields=["pool", "-id"], name="recalculation_pool")]

    def __str__(self) -> str:
        return f"{self.mode} {self.pool_id} {self.as_of:%F %T}"
