"""Points: one account per member, an append-only ledger, and the rule that earns them.

Both sides of every posting stand in one row: the member's side is `amount`, the programme's side is
its negative, booked under the entry's kind. Triggers (migration 0002) keep what is said here true.
"""

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from members.models import Member, Pool


class EarningRule(models.Model):
    """Points for paid orders: `points` for each full `step` of the net amount. Versions never change.

    An order earns by the version in force when it was placed; `points` 0 means earning is off.
    """

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    n = models.IntegerField()
    starts_at = models.DateTimeField(_("生效时间"))
    points = models.IntegerField(_("每满一档得分"))
    step = models.BigIntegerField(_("每档金额"))  # minor units
    least = models.BigIntegerField(_("最低订单金额"), default=0)  # minor units
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("积分规则")
        constraints = [
            models.UniqueConstraint(fields=["pool", "n"], name="one_earning_rule_per_version"),
            models.CheckConstraint(condition=Q(points__gte=0, step__gt=0, least__gte=0), name="earning_rule_sane"),
        ]

    def __str__(self) -> str:
        return f"{self.pool_id} v{self.n}: {self.points}/{self.step}"


class Account(models.Model):
    """A member's points. `position` moves only when an entry is inserted.

    A returned order may take back points already spent: the position goes below zero, the balance
    stays at zero, and what is owed is repaid by the next points earned.
    """

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.PROTECT, related_name="points")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    position = models.BigIntegerField(default=0)
    seq = models.BigIntegerField(default=0)
    balance = models.GeneratedField(
        expression=Greatest(F("position"), Value(0)), output_field=models.BigIntegerField(), db_persist=True
    )
    debt = models.GeneratedField(
        expression=Greatest(-F("position"), Value(0)), output_field=models.BigIntegerField(), db_persist=True
    )

    class Meta:
        verbose_name = _("积分账户")

    def __str__(self) -> str:
        return f"{self.member_id}: {self.position}"


class Entry(models.Model):
    """One posting. The database numbers it and computes the position after it; it is never changed."""

    class Kind(models.TextChoices):
        EARN = "earn", _("订单获得")
        CLAWBACK = "clawback", _("退单扣回")
        SPEND = "spend", _("兑换")
        ADJUST = "adjust", _("人工调整")
        MERGE = "merge", _("合并转移")

    pk = models.CompositePrimaryKey("member_id", "seq")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="point_entries", db_index=False)
    seq = models.BigIntegerField()
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    amount = models.BigIntegerField(_("积分"))
    position_after = models.BigIntegerField()
    key = models.CharField(max_length=80)  # the business fact; the same one is never booked twice
    order_id = models.BigIntegerField(null=True)
    rule = models.ForeignKey(EarningRule, null=True, on_delete=models.PROTECT, db_index=False)
    reason = models.CharField(_("原因"), max_length=120, blank=True)
    at = models.DateTimeField(_("时间"))
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)

    class Meta:
        verbose_name = _("积分流水")
        constraints = [
            models.UniqueConstraint(fields=["member", "key"], name="one_entry_per_fact"),
            models.CheckConstraint(condition=~Q(amount=0), name="entry_moves_something"),
            models.CheckConstraint(
                condition=Q(position_after__gte=0) | Q(amount__gt=0) | Q(kind__in=["clawback", "merge"]),
                name="only_returns_make_debt",
            ),
        ]
        indexes = [
            models.Index(fields=["order_id"], name="entry_order", condition=Q(order_id__isnull=False)),
            models.Index(fields=["pool", "at"], name="entry_pool_at"),
        ]

    def __str__(self) -> str:
        return f"{self.member_id}/{self.seq} {self.amount:+d}"


class DueMember(models.Model):
    """Members whose orders changed since their points were last computed."""

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"points due for {self.member_id}"
