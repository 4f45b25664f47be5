from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Pool, Tag
from segmentation.models.segment import Segment


class TagRule(models.Model):
    """What keeps a tag: a rule, or a segment. The tag stands in line with it as of `as_of`."""

    class Cadence(models.TextChoices):
        NIGHTLY = "nightly", _("每晚")
        CHANGES = "changes", _("数据变化后")
        ASKED = "asked", _("只在要求时")

    class Status(models.TextChoices):
        NEW = "new", _("未计算")
        BUILDING = "building", _("计算中")
        READY = "ready", _("就绪")
        FAILED = "failed", _("失败")

    tag = models.OneToOneField(Tag, on_delete=models.CASCADE, related_name="rule")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    rule = models.JSONField(default=dict)
    segment = models.ForeignKey(Segment, null=True, on_delete=models.PROTECT, related_name="kept_tags")
    recipe = models.CharField(max_length=40, blank=True)  # of the gallery, "key" or "key.value"
    cadence = models.CharField(_("更新"), max_length=10, choices=Cadence.choices, default=Cadence.NIGHTLY)
    is_paused = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.NEW)
    error = models.TextField(blank=True)
    seen = models.JSONField(default=dict)  # versions of the pool's data when it was computed last
    size = models.BigIntegerField(null=True)
    gained = models.BigIntegerField(null=True)
    lost = models.BigIntegerField(null=True)
    ms = models.IntegerField(null=True)
    as_of = models.DateTimeField(null=True)
    job_id = models.BigIntegerField(null=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("标签规则")

    def __str__(self) -> str:
        return f"rule of {self.tag_id}"
