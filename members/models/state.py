from django.db import models
from django.db.models.functions import Least
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Pool


class Stage(models.IntegerChoices):
    LEAD = 0, _("潜客")
    ACTIVE = 1, _("活跃期")
    SILENT = 2, _("沉默期")
    SLEEPING = 3, _("睡眠期")
    LOST = 4, _("流失期")


class LeadStage(models.IntegerChoices):
    """What a member without a purchase is like; null for buyers."""

    NEW = 1, _("新潜客")
    ENGAGED = 2, _("互动潜客")
    COLD = 3, _("沉寂潜客")


class RfmGroup(models.IntegerChoices):
    """Bits: recency high 4, frequency high 2, monetary high 1."""

    CHAMPIONS = 7, _("重要价值")
    IMPORTANT_DEVELOP = 5, _("重要发展")
    IMPORTANT_KEEP = 3, _("重要保持")
    IMPORTANT_WINBACK = 1, _("重要挽留")
    GENERAL_VALUE = 6, _("一般价值")
    GENERAL_DEVELOP = 4, _("一般发展")
    GENERAL_KEEP = 2, _("一般保持")
    GENERAL_WINBACK = 0, _("一般挽留")


class MemberState(models.Model):
    """Everything computed about one member. `segmentation` writes it, every app may read it.

    Only rows whose value changed are written. A member without orders has no scores (null) and is a
    lead; a member merged into another has no row.
    """

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.CASCADE, related_name="state")
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    order_count = models.IntegerField(_("订单数"), default=0)
    amount_total = models.BigIntegerField(_("累计消费"), default=0)
    first_order_at = models.DateTimeField(_("首次下单"), null=True)
    last_order_at = models.DateTimeField(_("最近下单"), null=True)
    interval_days = models.FloatField(_("平均购买间隔（天）"), null=True)
    window_count = models.IntegerField(_("窗口内订单数"), default=0)
    window_amount = models.BigIntegerField(_("窗口内消费"), default=0)
    r = models.SmallIntegerField(_("R 分"), null=True)
    f = models.SmallIntegerField(_("F 分"), null=True)
    m = models.SmallIntegerField(_("M 分"), null=True)
    rfm_group = models.SmallIntegerField(_("RFM 分组"), choices=RfmGroup.choices, null=True)
    stage = models.SmallIntegerField(_("生命周期"), choices=Stage.choices, default=Stage.LEAD)
    lead = models.SmallIntegerField(_("潜客阶段"), choices=LeadStage.choices, null=True)
    stage_due = models.DateTimeField(_("阶段到期"), null=True)  # when the stage changes if nothing happens
    facts_due = models.DateTimeField(null=True)  # when the next order leaves the window, or comes out of the future

    class Meta:
        verbose_name = _("会员状态")
        indexes = [
            models.Index(fields=["pool", "rfm_group"], name="state_rfm"),
            models.Index(fields=["pool", "stage"], name="state_stage"),
            models.Index("pool", Least("stage_due", "facts_due"), name="state_due"),
            # Who crossed an edge of recency between two instants; and the orders of the member list, which looks for a
            # stage or a group along them: what stands beside the key is read without going to the table.
            models.Index(fields=["pool", "last_order_at", "member"], include=("stage", "rfm_group"), name="state_last_order"),
            models.Index(fields=["pool", "amount_total", "member"], include=("stage", "rfm_group"), name="state_amount"),
            models.Index(fields=["pool", "order_count", "member"], include=("stage", "rfm_group"), name="state_orders"),
        ]

    def __str__(self) -> str:
        return f"state of {self.member_id}"


class StateChange(models.Model):
    """One change of stage, RFM group or standing in a scheme; append-only, so migrations are a GROUP BY.

    A member's first value comes from null and a lost one goes to null: the latest row up to a date is the
    state at that date. Counts of migrations leave rows with a null out.
    """

    class Kind(models.IntegerChoices):
        """The product's own; the kinds of schemes begin at MemberStanding.KIND."""

        STAGE = 1, _("生命周期")
        RFM = 2, _("RFM 分组")
        LEAD = 3, _("潜客阶段")

    pk = models.CompositePrimaryKey("member_id", "kind", "at")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="changes", db_index=False)
    kind = models.IntegerField()
    at = models.DateTimeField()
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    from_code = models.SmallIntegerField(null=True)
    to_code = models.SmallIntegerField(null=True)

    class Meta:
        indexes = [models.Index(fields=["pool", "kind", "at"], name="change_pool_at")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.from_code}→{self.to_code}"


class TouchedMember(models.Model):
    """Members with facts newer than their state; the minute run takes them from here."""

    member = models.OneToOneField(Member, primary_key=True, on_delete=models.CASCADE, db_constraint=False, related_name="+")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)

    def __str__(self) -> str:
        return f"touched {self.member_id}"
