"""Campaigns: a journey graph in versions, its layers, its executions and who took part."""

import secrets

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Member, Pool
from segmentation.models import Segment
from touchpoints.models import Connector, Content


def fresh_salt() -> str:
    """Sixteen characters that make the hash of one campaign its own."""
    return secrets.token_hex(8)


class Campaign(models.Model):
    """What a marketer launches. A one-off send is the shortest journey."""

    class Status(models.TextChoices):
        DRAFT = "draft", _("草稿")
        SCHEDULED = "scheduled", _("已排期")
        RUNNING = "running", _("进行中")
        PAUSED = "paused", _("已暂停")
        FINISHED = "finished", _("已结束")
        CANCELLED = "cancelled", _("已取消")
        MISSED = "missed", _("已错过")

    OPEN = (Status.DRAFT, Status.SCHEDULED, Status.RUNNING, Status.PAUSED)

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    name = models.CharField(_("名称"), max_length=80)
    note = models.CharField(_("说明"), max_length=200, blank=True)
    template = models.CharField(_("模板"), max_length=40, blank=True)  # key of the gallery
    status = models.CharField(_("状态"), max_length=10, choices=Status.choices, default=Status.DRAFT)
    segment = models.ForeignKey(Segment, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("目标分群"))
    connector = models.ForeignKey(Connector, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("发送渠道"))
    holdout_percent = models.SmallIntegerField(_("对照组比例"), default=10)
    salt = models.CharField(max_length=16, default=fresh_salt)  # makes the hash of this campaign its own
    goal_days = models.IntegerField(_("目标窗口（天）"), default=14)  # goal: an order within these days
    unit_cost = models.BigIntegerField(_("每条成本"), default=0)  # minor units
    scheduled_at = models.DateTimeField(_("发送时间"), null=True, blank=True)  # null: as soon as it is launched
    launched_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    is_historic = models.BooleanField(default=False)  # brought in with its results, never sent by us
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = _("活动")
        indexes = [models.Index(fields=["pool", "-created_at"], name="campaign_pool_created")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_draft(self) -> bool:
        return self.status == self.Status.DRAFT


class Layer(models.Model):
    """A part of the audience with its own content; the first layer that matches a member wins."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="layers")
    position = models.SmallIntegerField()
    name = models.CharField(_("分层"), max_length=40)
    rule = models.JSONField(null=True)  # null: everybody left
    content = models.ForeignKey(Content, null=True, on_delete=models.PROTECT)

    class Meta:
        ordering = ["position"]
        constraints = [
            # Deferred, so that layers can change places in one transaction.
            models.UniqueConstraint(
                fields=["campaign", "position"], name="one_layer_per_position", deferrable=models.Deferrable.DEFERRED
            )
        ]

    def __str__(self) -> str:
        return self.name


class JourneyVersion(models.Model):
    """A validated graph (entry → nodes → exits); never changed, members inside keep theirs."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="versions")
    n = models.IntegerField()
    graph = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "n"], name="one_graph_per_version")]

    def __str__(self) -> str:
        return f"{self.campaign_id} v{self.n}"


class Run(models.Model):
    """One execution. Its slot is unique, so that two beats or two clicks make one."""

    class Phase(models.TextChoices):
        WAITING = "waiting", _("等待")
        ENTERING = "entering", _("圈选入组")
        ADVANCING = "advancing", _("执行中")
        DONE = "done", _("已完成")
        MISSED = "missed", _("已错过")
        CANCELLED = "cancelled", _("已取消")

    OPEN = (Phase.WAITING, Phase.ENTERING, Phase.ADVANCING)

    campaign = models.ForeignKey(Campaign, on_delete=models.PROTECT, related_name="runs")
    slot = models.DateTimeField()
    version = models.ForeignKey(JourneyVersion, on_delete=models.PROTECT)
    phase = models.CharField(max_length=10, choices=Phase.choices, default=Phase.WAITING)
    entered = models.BigIntegerField(default=0)
    entered_at = models.DateTimeField(null=True)  # when the audience was frozen
    finished_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)  # why it was missed or stopped
    summary = models.JSONField(default=dict)  # figures of the campaign list as of `summary["at"]`
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "slot"], name="one_run_per_slot")]
        indexes = [
            models.Index(fields=["slot"], name="run_open", condition=models.Q(phase__in=["waiting", "entering", "advancing"]))
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.slot:%F %T}"


class Participant(models.Model):
    """A member inside a run: which arm and layer, at which node, due when."""

    class Arm(models.IntegerChoices):
        HOLDOUT = 0, _("对照组")
        TREATED = 1, _("触达组")
        BOTH = 2, _("两组都在")  # two members of different arms were merged: left out of the comparison

    pk = models.CompositePrimaryKey("member_id", "run_id")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="participations", db_index=False)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="participants", db_index=False)
    arm = models.SmallIntegerField(choices=Arm.choices)
    # A layer can only be deleted from a draft, which has no participants: no scan of them to prove it.
    layer = models.ForeignKey(Layer, null=True, on_delete=models.DO_NOTHING, db_index=False, db_constraint=False)
    entered_at = models.DateTimeField()
    node = models.CharField(max_length=40)
    due_at = models.DateTimeField(null=True)  # null: left the journey
    redeemed_at = models.DateTimeField(null=True)  # used the campaign's coupon

    class Meta:
        indexes = [
            models.Index(fields=["run", "arm"], name="participant_run_arm"),
            models.Index(fields=["run", "node", "due_at"], name="participant_due", condition=models.Q(due_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.run_id} at {self.node}"
