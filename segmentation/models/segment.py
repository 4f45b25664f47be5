from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Pool


class Segment(models.Model):
    """A named part of a pool."""

    class Kind(models.TextChoices):
        LIVE = "live", _("动态分群")
        SNAPSHOT = "snapshot", _("快照")
        LIST = "list", _("静态名单")

    class Status(models.TextChoices):
        NEW = "new", _("未计算")
        BUILDING = "building", _("计算中")
        READY = "ready", _("就绪")
        FAILED = "failed", _("失败")

    class Cadence(models.TextChoices):
        MINUTES = "minutes", _("每隔几分钟")
        HOURLY = "hourly", _("每小时")
        DAILY = "daily", _("每天")
        MANUAL = "manual", _("手动")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    name = models.CharField(_("名称"), max_length=80)
    note = models.CharField(_("说明"), max_length=200, blank=True)
    kind = models.CharField(_("类型"), max_length=10, choices=Kind.choices, default=Kind.LIVE)
    version = models.IntegerField(default=1)  # the current SegmentVersion
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    error = models.TextField(blank=True)
    size = models.BigIntegerField(_("人数"), null=True)
    as_of = models.DateTimeField(_("计算时间"), null=True)
    failed_at = models.DateTimeField(null=True)
    revision = models.BigIntegerField(default=0, db_default=0)  # grows with every change of who is in it
    cadence = models.CharField(
        _("更新频率"), max_length=10, choices=Cadence.choices, default=Cadence.MINUTES, db_default="minutes"
    )
    every = models.SmallIntegerField(_("间隔（分钟）"), default=5, db_default=5)
    daily_at = models.TimeField(_("每天几点"), null=True, blank=True)  # on the clock of the pool
    next_at = models.DateTimeField(null=True)  # when it is computed again; empty: at the next look
    is_archived = models.BooleanField(default=False)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("分群")
        constraints = [models.UniqueConstraint(fields=["pool", "name"], name="one_segment_per_name")]
        indexes = [
            models.Index(fields=["next_at"], name="segment_due", condition=models.Q(kind="live", is_archived=False)),
        ]

    def __str__(self) -> str:
        return self.name


class SegmentVersion(models.Model):
    """A rule as it was saved once; never changed."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="versions")
    n = models.IntegerField()
    rule = models.JSONField()
    restored_from = models.IntegerField(null=True)  # it brought back the rule of this version
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "n"], name="one_rule_per_version")]

    def __str__(self) -> str:
        return f"{self.segment_id} v{self.n}"


class SegmentSnapshot(models.Model):
    """Who was in the segment at an instant: a roaring bitmap of member ids."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="snapshots")
    version = models.IntegerField()
    as_of = models.DateTimeField()
    size = models.BigIntegerField()
    bitmap = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["segment", "as_of"], name="one_snapshot_per_instant")]

    def __str__(self) -> str:
        return f"{self.segment_id} {self.as_of:%F %T}: {self.size}"
