from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member
from members.models.pool import Channel, Pool
from members.models.store import Store


class CommunityPolicy(models.Model):
    """What a pool expects of its groups: names of layers, targets of the score, thresholds of the alert."""

    pool = models.OneToOneField(Pool, primary_key=True, on_delete=models.CASCADE)
    layers = models.JSONField(default=list)  # names, in order; empty: the product's own
    good_active_share = models.FloatField(_("活跃率目标"), default=0.20)
    good_message_rate = models.FloatField(_("人均每日消息目标"), default=0.30)
    least_active_share = models.FloatField(_("活跃率下限"), default=0.05)
    least_message_rate = models.FloatField(_("人均每日消息下限"), default=0.02)
    most_net_loss = models.FloatField(_("四周净流失上限"), default=0.10)
    least_life_days = models.IntegerField(_("预期寿命下限（天）"), default=30)
    least_score = models.IntegerField(_("健康分下限"), default=30)
    warnings = models.SmallIntegerField(_("同时出现几项才预警"), default=2)
    least_age_days = models.SmallIntegerField(_("建群多少天后开始预警"), default=14)

    def __str__(self) -> str:
        return f"communities of {self.pool_id}"


class Community(models.Model):
    """A group chat we run."""

    class Carrier(models.TextChoices):
        WECOM = "wecom", _("企业微信群")
        WECHAT = "wechat", _("微信群")
        MINI = "mini_program", _("小程序社群")
        OTHER = "other", _("其他")

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    external_id = models.CharField(_("群 ID"), max_length=80)
    name = models.CharField(_("群名称"), max_length=80)
    carrier = models.CharField(_("载体"), max_length=20, choices=Carrier.choices, default=Carrier.WECOM)
    channel = models.ForeignKey(
        Channel, null=True, blank=True, on_delete=models.PROTECT, db_constraint=False, verbose_name=_("来源渠道")
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
        verbose_name=_("群主"),
    )
    store = models.ForeignKey(
        Store, null=True, blank=True, on_delete=models.SET_NULL, related_name="communities", verbose_name=_("门店")
    )
    layer = models.CharField(_("分层"), max_length=30, blank=True)
    capacity = models.IntegerField(_("人数上限"), default=500)
    created_at = models.DateTimeField(_("建群时间"))
    dissolved_at = models.DateTimeField(_("解散时间"), null=True, blank=True)

    class Meta:
        verbose_name = _("社群")
        constraints = [models.UniqueConstraint(fields=["pool", "external_id"], name="one_community_per_external_id")]

    def __str__(self) -> str:
        return self.name


class CommunityEvent(models.Model):
    """Somebody joined, left or spoke: the truth that stays and days are worked out from.

    `id` is a hash of the sender's own id, so that a repeat is the same row; order of arrival does not matter.
    """

    class Kind(models.IntegerChoices):
        JOIN = 1, _("入群")
        LEAVE = 2, _("退群")
        MESSAGE = 3, _("发言")

    pk = models.CompositePrimaryKey("member_id", "community_id", "at", "id")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, db_constraint=False, related_name="+", db_index=False)
    community = models.ForeignKey(Community, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField()
    id = models.BigIntegerField()
    kind = models.SmallIntegerField(choices=Kind.choices)
    nick = models.CharField(max_length=80, blank=True)
    invited_by = models.CharField(max_length=80, blank=True)
    how = models.CharField(max_length=20, blank=True)  # scan, invite, roster …

    class Meta:
        verbose_name = _("社群动态")
        indexes = [models.Index(fields=["community", "at"], name="community_event_at")]

    def __str__(self) -> str:
        return f"{self.member_id} {self.kind} {self.community_id} {self.at:%F %T}"


class CommunityMember(models.Model):
    """One stay of a member in a group, from joining to leaving; worked out from the events."""

    pk = models.CompositePrimaryKey("member_id", "community_id", "n")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="communities", db_index=False)
    community = models.ForeignKey(Community, on_delete=models.CASCADE, related_name="stays", db_index=False)
    n = models.SmallIntegerField()  # first, second … stay
    joined_at = models.DateTimeField()
    is_join_known = models.BooleanField(default=True)  # else only the leaving was reported
    left_at = models.DateTimeField(null=True)
    nick = models.CharField(_("群昵称"), max_length=80, blank=True)
    invited_by = models.CharField(_("邀请人"), max_length=80, blank=True)
    how = models.CharField(_("入群方式"), max_length=20, blank=True)

    class Meta:
        verbose_name = _("群成员")
        indexes = [
            models.Index(fields=["community", "joined_at", "member"], name="stay_joined"),
            models.Index(fields=["community", "left_at"], name="stay_left", condition=models.Q(left_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.member_id} in {self.community_id}"


class CommunityDay(models.Model):
    """What went on in a group on one day of the pool: counted from events, or as a file reported it."""

    pk = models.CompositePrimaryKey("community_id", "day")
    community = models.ForeignKey(Community, on_delete=models.CASCADE, related_name="days", db_index=False)
    day = models.DateField()
    messages = models.IntegerField(default=0)
    senders = models.IntegerField(default=0)
    joins = models.IntegerField(default=0)
    leaves = models.IntegerField(default=0)
    is_reported = models.BooleanField(default=False)  # messages and senders are a report's, not counted

    def __str__(self) -> str:
        return f"{self.community_id} {self.day}"


class CommunityHealth(models.Model):
    """A group's figures as of the last computation; null: not enough data to say."""

    community = models.OneToOneField(Community, primary_key=True, on_delete=models.CASCADE, related_name="health")
    as_of = models.DateTimeField()
    members = models.IntegerField(default=0)
    active = models.IntegerField(default=0)
    is_active_at_least = models.BooleanField(default=False)  # reports name no senders: a lower bound
    active_share = models.FloatField(null=True)
    messages = models.IntegerField(default=0)
    message_rate = models.FloatField(null=True)
    joins = models.IntegerField(default=0)
    leaves = models.IntegerField(default=0)
    member_days = models.FloatField(default=0)
    leave_rate = models.FloatField(null=True)
    leave_low = models.FloatField(null=True)
    leave_high = models.FloatField(null=True)
    trend = models.FloatField(null=True)  # relative change of messages a week
    trend_low = models.FloatField(null=True)
    trend_high = models.FloatField(null=True)
    life_days = models.FloatField(null=True)
    life_low = models.FloatField(null=True)
    life_high = models.FloatField(null=True)
    life_note = models.CharField(max_length=20, blank=True)  # a code: why there is no expected life
    score = models.SmallIntegerField(null=True)
    parts = models.JSONField(default=dict)  # part of the score -> 0 … 1
    warnings = models.JSONField(default=list)  # codes of what is below its threshold
    is_dying = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"health of {self.community_id}"


class CommunityAlert(models.Model):
    """A group was found dying: raised once, and again only after it had recovered."""

    community = models.ForeignKey(Community, on_delete=models.CASCADE, related_name="alerts")
    raised_at = models.DateTimeField()
    warnings = models.JSONField(default=list)
    cleared_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, db_constraint=False, related_name="+"
    )

    class Meta:
        verbose_name = _("社群预警")
        constraints = [
            models.UniqueConstraint(fields=["community"], name="one_open_alert", condition=models.Q(cleared_at__isnull=True))
        ]

    def __str__(self) -> str:
        return f"{self.community_id} {self.raised_at:%F}"
