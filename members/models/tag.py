from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool


class TagGroup(models.Model):
    """Tags that belong together; of an exclusive group a member has at most one."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    name = models.CharField(_("标签组"), max_length=40)
    color = models.CharField(_("颜色"), max_length=10, default="blue")
    is_exclusive = models.BooleanField(_("互斥"), default=False)

    class Meta:
        verbose_name = _("标签组")
        constraints = [models.UniqueConstraint(fields=["pool", "name"], name="one_tag_group_per_name")]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A label of the pool."""

    class Source(models.TextChoices):
        MANUAL = "manual", _("手工")
        RULE = "rule", _("规则")
        MODEL = "model", _("模型")
        SEGMENT = "segment", _("分群")

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    group = models.ForeignKey(TagGroup, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(_("标签"), max_length=40)
    source = models.CharField(_("来源"), max_length=10, choices=Source.choices, default=Source.MANUAL)

    class Meta:
        verbose_name = _("标签")
        constraints = [models.UniqueConstraint(fields=["group", "name"], name="one_tag_per_name")]

    def __str__(self) -> str:
        return self.name


class MemberTag(models.Model):
    """A member carries a tag."""

    pk = models.CompositePrimaryKey("member_id", "tag_id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tags", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="carriers", db_index=False)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)

    class Meta:
        indexes = [models.Index(fields=["tag", "member"], name="member_tag_tag")]

    def __str__(self) -> str:
        return f"{self.member_id} #{self.tag_id}"
