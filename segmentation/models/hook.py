from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from segmentation.models.segment import Segment


class SegmentHook(models.Model):
    """An address of another system that is told who entered and who left a segment."""

    segment = models.ForeignKey(Segment, on_delete=models.CASCADE, related_name="hooks")
    url = models.CharField(_("地址"), max_length=500)
    sealed = models.BinaryField()  # the secret requests are signed with
    tells_entered = models.BooleanField(_("有人进入时"), default=True)
    tells_left = models.BooleanField(_("有人离开时"), default=True)
    is_active = models.BooleanField(default=True)
    problem = models.CharField(max_length=200, blank=True)  # why it was switched off, or what failed last
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("分群通知")

    def __str__(self) -> str:
        return f"{self.segment_id} → {self.url}"


class SegmentNotice(models.Model):
    """One request that is owed to a hook: a batch of members who entered or left at one change."""

    class Way(models.TextChoices):
        ENTERED = "entered", _("进入")
        LEFT = "left", _("离开")

    class Status(models.TextChoices):
        WAITING = "waiting", _("待发送")
        SENT = "sent", _("已送达")
        FAILED = "failed", _("已放弃")

    hook = models.ForeignKey(SegmentHook, on_delete=models.CASCADE, related_name="notices")
    revision = models.BigIntegerField()  # of the segment: which change this tells
    way = models.CharField(max_length=7, choices=Way.choices)
    part = models.IntegerField()
    parts = models.IntegerField()
    as_of = models.DateTimeField()
    size = models.IntegerField()
    bitmap = models.BinaryField()
    status = models.CharField(max_length=7, choices=Status.choices, default=Status.WAITING)
    attempts = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField()
    code = models.SmallIntegerField(null=True)  # the HTTP status of the last answer
    answer = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("分群通知记录")
        constraints = [models.UniqueConstraint(fields=["hook", "revision", "way", "part"], name="one_notice_per_change")]
        indexes = [models.Index(fields=["hook", "id"], name="notice_waiting", condition=models.Q(status="waiting"))]

    def __str__(self) -> str:
        return self.key

    @property
    def key(self) -> str:
        """What the receiver drops repeats by: the same however often it is sent."""
        return f"seg_{self.hook_id}_{self.revision}_{self.way}_{self.part}"
