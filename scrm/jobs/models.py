"""Long work as rows: what is asked, how far it is, whose lease it runs under."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class JobRun(models.Model):
    """One piece of long work. Its state says what is left to do; a queue message only says "look"."""

    class Status(models.TextChoices):
        QUEUED = "queued", _("排队中")
        RUNNING = "running", _("进行中")
        PAUSED = "paused", _("已暂停")
        DONE = "done", _("已完成")
        FAILED = "failed", _("失败")
        CANCELLED = "cancelled", _("已取消")

    OPEN = (Status.QUEUED, Status.RUNNING, Status.PAUSED)

    pool_id = models.BigIntegerField(null=True)
    kind = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    key = models.CharField(max_length=120, null=True, unique=True)  # while open: one job per key
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    asked = models.CharField(max_length=10, blank=True)  # "pause" or "cancel", obeyed at the next checkpoint
    phase = models.CharField(max_length=60, blank=True)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(null=True)
    watermark = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    error = models.TextField(blank=True)
    attempts = models.IntegerField(default=0)
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["status", "lease_until"], name="job_open", condition=models.Q(status__in=["queued", "running"])),
            models.Index(fields=["pool_id", "-created_at"], name="job_pool_created"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk} {self.status}"

    @property
    def title(self) -> str:
        from scrm.jobs.kinds import kinds

        return str(kinds[self.kind].title) if self.kind in kinds else self.kind

    @property
    def is_open(self) -> bool:
        return self.status in self.OPEN

    @property
    def seconds(self) -> float | None:
        """How long it took, once it has ended."""
        return (self.finished_at - self.started_at).total_seconds() if self.finished_at and self.started_at else None

    @property
    def share(self) -> float | None:
        """Part done, 0…1, or None when the total is not known."""
        return min(1.0, self.done / self.total) if self.total else None
