from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool


class NotRetired(models.Manager[Any]):
    """Only what still stands. Keys to a retired row lead to it all the same: history tells its name."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().filter(retired_at=None)


class TagGroup(models.Model):
    """Tags that belong together; of an exclusive group a member has at most one."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    name = models.CharField(_("标签组"), max_length=40)
    color = models.CharField(_("颜色"), max_length=10, default="blue")
    is_exclusive = models.BooleanField(_("互斥"), default=False)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    place = models.SmallIntegerField(_("排序"), default=0, db_default=0)
    note = models.CharField(_("说明"), max_length=200, blank=True, default="", db_default="")
    retired_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[NotRetired] = NotRetired()
    everything: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        verbose_name = _("标签组")
        constraints = [
            models.UniqueConstraint(fields=["pool", "name"], condition=models.Q(retired_at=None), name="one_standing_tag_group")
        ]

    def __str__(self) -> str:
        return self.name


class Tag(models.Model):
    """A label of the pool. Deleted and merged ones stay as retired rows, for the sake of their history."""

    class Source(models.TextChoices):
        MANUAL = "manual", _("手工")
        RULE = "rule", _("规则")
        MODEL = "model", _("模型")
        SEGMENT = "segment", _("分群")

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    group = models.ForeignKey(TagGroup, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(_("标签"), max_length=40)
    source = models.CharField(_("来源"), max_length=10, choices=Source.choices, default=Source.MANUAL)
    place = models.SmallIntegerField(_("排序"), default=0, db_default=0)  # in an exclusive group the first rule that matches wins
    note = models.CharField(_("说明"), max_length=200, blank=True, default="", db_default="")
    valid_days = models.SmallIntegerField(_("有效天数"), null=True, blank=True)  # from tagging; of a kept tag, from leaving
    valid_until = models.DateField(_("有效至"), null=True, blank=True)  # the last day, in the pool's zone
    retired_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    objects: ClassVar[NotRetired] = NotRetired()
    everything: ClassVar[models.Manager[Any]] = models.Manager()

    class Meta:
        verbose_name = _("标签")
        constraints = [
            models.UniqueConstraint(fields=["group", "name"], condition=models.Q(retired_at=None), name="one_standing_tag")
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_kept(self) -> bool:
        """Whether the system puts it on and takes it off."""
        return self.source != self.Source.MANUAL


class MemberTag(models.Model):
    """A member carries a tag."""

    pk = models.CompositePrimaryKey("member_id", "tag_id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tags", db_index=False)
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="carriers", db_index=False)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    due = models.DateTimeField(null=True)  # when it falls off

    class Meta:
        indexes = [
            models.Index(fields=["tag", "member"], name="member_tag_tag"),
            models.Index(fields=["due"], name="member_tag_due", condition=models.Q(due__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} #{self.tag_id}"


class TagChange(models.Model):
    """A tag was put on a member or taken off; append-only. What was tagged before this was kept has no row."""

    class What(models.IntegerChoices):
        ON = 1, _("打上")
        OFF = 2, _("取下")
        PROLONGED = 3, _("延长有效期")

    class How(models.IntegerChoices):
        MANUAL = 1, _("手工")
        BULK = 2, _("批量操作")
        RULE = 3, _("规则")
        MODEL = 4, _("模型")
        SEGMENT = 5, _("分群")
        EXPIRED = 6, _("到期")
        RIVAL = 7, _("同组互斥")
        MERGED = 8, _("标签合并")
        UNDONE = 9, _("撤销")
        DELETED = 10, _("删除标签")
        JOINED = 11, _("会员合并")

    pk = models.CompositePrimaryKey("member_id", "id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="tag_changes", db_index=False, db_constraint=False)
    id = models.BigIntegerField()  # from members_tagchange_id_seq
    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="changes", db_index=False, db_constraint=False)
    what = models.SmallIntegerField(choices=What.choices)
    how = models.SmallIntegerField(choices=How.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, db_index=False, related_name="+"
    )
    ref = models.BigIntegerField(null=True)  # the bulk act, run or merge that did it; of RIVAL the tag that came instead

    class Meta:
        verbose_name = _("标签记录")
        indexes = [models.Index(fields=["tag", "at"], name="tag_change_tag")]

    def __str__(self) -> str:
        return f"{self.member_id} #{self.tag_id} {self.what}"


class TagRun(models.Model):
    """A kept tag was brought in line with what keeps it: how many carry it since, and what spoke for them."""

    tag = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="runs")
    how = models.SmallIntegerField(choices=TagChange.How.choices)
    as_of = models.DateTimeField()
    size = models.BigIntegerField()
    gained = models.BigIntegerField()
    lost = models.BigIntegerField()
    ms = models.IntegerField()
    evidence = models.JSONField(default=dict)

    class Meta:
        indexes = [models.Index(fields=["tag", "-as_of"], name="tag_run_latest")]

    def __str__(self) -> str:
        return f"#{self.tag_id} {self.as_of:%F %T}: {self.size}"


class TagMerge(models.Model):
    """Two tags became one; can be taken back for a day."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    source = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="merges_away")
    target = models.ForeignKey(Tag, on_delete=models.CASCADE, related_name="merges_in")
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    job_id = models.BigIntegerField(null=True)
    done_at = models.DateTimeField(null=True)
    carriers = models.BigIntegerField(default=0)
    moved = models.BigIntegerField(default=0)  # of them, who did not carry the target yet
    rewritten = models.JSONField(default=list)  # what named the source and names the target now
    undone_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"#{self.source_id} → #{self.target_id}"


class MergedTag(models.Model):
    """A row of a merged tag as it was, until the merge can no longer be taken back."""

    pk = models.CompositePrimaryKey("member_id", "merge_id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False)
    merge = models.ForeignKey(TagMerge, on_delete=models.CASCADE, related_name="rows")
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, db_index=False, related_name="+"
    )
    due = models.DateTimeField(null=True)
    had = models.BooleanField()  # carried the target already

    def __str__(self) -> str:
        return f"{self.member_id} of merge {self.merge_id}"
