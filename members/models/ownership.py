from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool
from members.models.store import Store


class StaffProfile(models.Model):
    """Somebody who looks after members of a pool: where, since when, and until when.

    Stands beside PoolAccess: a shopping guide may have no login, and who has left keeps the profile.
    """

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="staff_profiles")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, related_name="staff_profiles"
    )
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.SET_NULL, related_name="staff", verbose_name=_("所属门店")
    )
    job_title = models.CharField(_("职务"), max_length=40, blank=True)
    wecom_userid = models.CharField(_("企业微信账号"), max_length=64, blank=True)
    # As identities are kept: found by a keyed hash, shown by a hint. No phone of staff may tie two members together.
    phone_hash = models.BinaryField(max_length=16, null=True)
    phone_sealed = models.BinaryField(null=True)
    phone_hint = models.CharField(max_length=40, blank=True)
    is_on_duty = models.BooleanField(_("在职"), default=True)
    joined_on = models.DateField(_("入职日期"), null=True, blank=True)
    left_on = models.DateField(_("离职日期"), null=True, blank=True)
    capacity = models.IntegerField(_("可服务会员数"), null=True, blank=True)

    class Meta:
        verbose_name = _("员工档案")
        constraints = [models.UniqueConstraint(fields=["pool", "user"], name="one_profile_per_pool")]
        indexes = [models.Index(fields=["pool", "phone_hash"], name="staff_phone", condition=models.Q(phone_hash__isnull=False))]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.pool_id}"


class OwnershipRule(models.Model):
    """Who is given the members that nobody looks after yet."""

    class Mode(models.TextChoices):
        NONE = "none", _("不自动分配")
        STORE = "store", _("按归属门店分给门店员工")
        WORKLOAD = "workload", _("分给名下会员最少的员工")

    pool = models.OneToOneField(Pool, primary_key=True, on_delete=models.CASCADE)
    mode = models.CharField(_("分配方式"), max_length=10, choices=Mode.choices, default=Mode.NONE)
    watermark = models.BigIntegerField(default=0)  # members up to this id had their turn

    def __str__(self) -> str:
        return f"{self.pool_id} {self.mode}"


class Handover(models.Model):
    """Members that change hands together: one's work passed on, or people given to somebody in bulk."""

    class Kind(models.TextChoices):
        ASSIGN = "assign", _("批量分配")
        ON_DUTY = "on_duty", _("在职继承")
        LEFT = "left", _("离职继承")

    class Split(models.TextChoices):
        EVEN = "even", _("平均分配")
        STORE = "store", _("按门店分配")
        CAPACITY = "capacity", _("按余量分配")

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    kind = models.CharField(_("方式"), max_length=10, choices=Kind.choices)
    from_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    split = models.CharField(_("分配方式"), max_length=10, choices=Split.choices, default=Split.EVEN)
    reason = models.CharField(_("原因"), max_length=200)
    chosen = models.JSONField(default=dict)  # a query string of the member list, or ids
    targets = models.JSONField(default=list)  # ids of users; [null] takes the owner away
    is_frozen = models.BooleanField(default=False)  # who goes to whom has been written down
    moved = models.BigIntegerField(default=0)
    skipped = models.BigIntegerField(default=0)  # changed hands between being chosen and being moved
    job_id = models.BigIntegerField(null=True)
    undo_job_id = models.BigIntegerField(null=True)
    undone_at = models.DateTimeField(null=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("会员移交")
        indexes = [models.Index(fields=["pool", "-id"], name="handover_pool")]

    def __str__(self) -> str:
        return f"#{self.pk}"


class HandoverShare(models.Model):
    """What one of the receivers is to get, frozen when the work begins: a restart goes on with the same people."""

    handover = models.ForeignKey(Handover, on_delete=models.CASCADE, related_name="shares")
    place = models.SmallIntegerField()
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )
    members = models.BinaryField()  # a serialised bitmap
    planned = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["handover", "place"], name="one_share_per_place")]

    def __str__(self) -> str:
        return f"{self.handover_id}/{self.place}"


class OwnerChange(models.Model):
    """A member was given to somebody, or taken from them; append-only."""

    class How(models.IntegerChoices):
        MANUAL = 1, _("手工")
        IMPORT = 2, _("导入")
        RULE = 3, _("自动分配")
        HANDOVER = 4, _("移交")
        UNDO = 5, _("撤销移交")

    pk = models.CompositePrimaryKey("member_id", "id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="owner_changes", db_index=False)
    id = models.BigIntegerField()  # from members_ownerchange_id_seq
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, db_index=False, db_constraint=False)
    from_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    to_user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    how = models.SmallIntegerField(choices=How.choices, default=How.MANUAL)
    reason = models.CharField(max_length=200, blank=True)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    handover = models.ForeignKey(Handover, null=True, on_delete=models.SET_NULL, db_index=False)

    class Meta:
        verbose_name = _("归属变更")
        indexes = [
            models.Index(fields=["handover", "member"], name="owner_change_handover", condition=models.Q(handover__isnull=False))
        ]

    def __str__(self) -> str:
        return f"{self.member_id}: {self.from_user_id} → {self.to_user_id}"
