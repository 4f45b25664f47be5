from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.importing import ImportRun
from members.models.member import Identity, Member
from members.models.pool import Channel, Pool


class Guard(models.Model):
    """A value that says nothing about who somebody is: a shop's telephone, a cashier's, one that too many carry.

    While it is guarded it stands in no registry: nobody is found by it and nobody is joined by it. One that
    a person has allowed stays here too, so that it is never guarded again.
    """

    class Reason(models.TextChoices):
        STAFF = "staff", _("员工号码")
        BLOCKED = "blocked", _("黑名单")
        SHARED = "shared", _("多人共用")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(_("类型"), max_length=20, choices=Identity.Kind.choices)
    value_hash = models.BinaryField(max_length=16)
    value = models.CharField(max_length=120, blank=True)
    sealed = models.BinaryField(null=True)
    hint = models.CharField(_("内容"), max_length=40, blank=True)
    reason = models.CharField(_("原因"), max_length=10, choices=Reason.choices)
    note = models.CharField(_("说明"), max_length=200, blank=True)
    is_allowed = models.BooleanField(default=False)
    met = models.IntegerField(default=0)  # different values of one kind it was seen with when it was guarded
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("共用标识")
        constraints = [models.UniqueConstraint(fields=["pool", "kind", "value_hash"], name="one_guard_per_value")]

    def __str__(self) -> str:
        return f"{self.kind} {self.hint}"


class GuardedUse(models.Model):
    """A member whose rows carried a guarded value."""

    pk = models.CompositePrimaryKey("member", "guard")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, db_constraint=False, db_index=False, related_name="guarded")
    guard = models.ForeignKey(Guard, on_delete=models.CASCADE, related_name="uses")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.member_id} {self.guard_id}"


class Meeting(models.Model):
    """Two values that stood in one row: what the guard counts, whatever the order rows arrive in.

    Eight bytes of each fingerprint: enough to tell values apart, too few to look anybody up.
    """

    pk = models.CompositePrimaryKey("pool", "kind", "value", "other_kind", "other")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, db_constraint=False, db_index=False)
    kind = models.SmallIntegerField()
    value = models.BigIntegerField()
    other_kind = models.SmallIntegerField()
    other = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.kind}:{self.value} {self.other_kind}:{self.other}"


class Review(models.Model):
    """Two members who may be one person, or one who may be several: for a person to decide."""

    class Reason(models.TextChoices):
        ASKED = "asked", _("规则要求人工确认")
        SHARED = "shared", _("凭共用标识合并过")
        DUPLICATE = "duplicate", _("查重发现")
        CONFLICT = "conflict", _("身份冲突")

    class Status(models.TextChoices):
        OPEN = "open", _("待处理")
        MERGED = "merged", _("已合并")
        APART = "apart", _("不是同一人")
        IGNORED = "ignored", _("已忽略")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False)
    one_id = models.BigIntegerField()  # the smaller number
    two_id = models.BigIntegerField(null=True)
    reason = models.CharField(_("原因"), max_length=10, choices=Reason.choices)
    cause_kind = models.CharField(max_length=20, blank=True)
    cause_hash = models.BinaryField(max_length=16, null=True)
    evidence = models.JSONField(default=dict)  # line, hint, signals …
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.SET_NULL, related_name="reviews")
    status = models.CharField(_("状态"), max_length=10, choices=Status.choices, default=Status.OPEN)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    decided_at = models.DateTimeField(null=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("待确认身份")
        constraints = [
            models.UniqueConstraint(fields=["pool", "one_id", "two_id"], name="one_review_per_pair", nulls_distinct=False)
        ]
        indexes = [models.Index(fields=["pool", "status", "-id"], name="review_pool_status")]

    def __str__(self) -> str:
        return f"{self.one_id} ? {self.two_id}"


class MatchCount(models.Model):
    """How the people of one import were recognised: counted when they were, with who they are."""

    class Outcome(models.TextChoices):
        MATCHED = "matched", _("认出的老会员")
        NEW = "new", _("新建")
        MERGED = "merged", _("合并掉的会员")
        CONFLICT = "conflict", _("冲突")
        GUARDED = "guarded", _("被拦截的标识")

    run = models.ForeignKey(ImportRun, on_delete=models.CASCADE, related_name="matches")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, db_index=False)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    kind = models.CharField(max_length=20, blank=True)  # the strongest identity that was known
    people = models.IntegerField()
    members = models.BinaryField(null=True)  # a roaring bitmap of their ids
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["pool", "at"], name="match_pool_at")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.outcome} {self.kind} {self.people}"


class Rehearsal(models.Model):
    """What recognising people would do, with nothing done: of a file (`run`), or of the whole pool."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    run = models.ForeignKey(ImportRun, null=True, on_delete=models.CASCADE, related_name="rehearsals")
    signals = models.JSONField(default=list)  # what was looked for in the whole pool
    job_id = models.BigIntegerField(null=True)
    result = models.JSONField(default=dict)  # counts, largest groups, what the guard stops
    groups = models.BinaryField(null=True)  # every group: packed pairs (group, member), eight bytes each
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.pool_id} {self.at:%F %T}"
