"""Reach: accounts at providers, content, and the outbox. Upper apps are known by opaque keys only."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models import Member, Pool


class Connector(models.Model):
    """One account at one provider: which connector class, its settings, its secrets (encrypted)."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    key = models.CharField(_("类型"), max_length=30)  # registry key: email_smtp, webhook, fake
    name = models.CharField(_("名称"), max_length=60)
    config = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True)  # encrypted JSON of the secrets
    is_active = models.BooleanField(_("启用"), default=True)
    is_sandbox = models.BooleanField(_("沙箱：只记录不发送"), default=False)
    # Circuit breaker: failing calls in a row, nothing leaves before `open_until`, the last trouble in words.
    failures = models.SmallIntegerField(default=0)
    open_until = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)
    rate_until = models.DateTimeField(null=True)  # sending permits are reserved up to here
    cursor = models.CharField(max_length=80, blank=True)  # how far receipts were polled
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("连接器")
        constraints = [models.UniqueConstraint(fields=["pool", "name"], name="one_connector_per_name")]

    def __str__(self) -> str:
        return self.name

    @property
    def carrier(self) -> str:
        """What kind of consent its messages need."""
        from touchpoints.connectors.registry import CONNECTORS

        return str(self.config.get("carrier") or CONNECTORS[self.key].caps.carrier)


class Content(models.Model):
    """What a message says. Immutable once a step uses it: editing makes a new row."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    carrier = models.CharField(_("渠道"), max_length=20)  # members.Consent.Carrier
    name = models.CharField(_("名称"), max_length=80)
    subject = models.CharField(_("主题"), max_length=200, blank=True)
    body = models.TextField(_("正文"))  # our placeholder language, e.g. {{member.name|default:"您"}}
    link = models.CharField(_("链接"), max_length=500, blank=True)
    obstacle = models.CharField(_("转化阻力"), max_length=20, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("内容")

    def __str__(self) -> str:
        return self.name


class Step(models.Model):
    """One send of one campaign (or test): what its deliveries share. `source` names who asked."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    source = models.CharField(max_length=120, unique=True)  # "campaign:42:run:1:node:send"
    connector = models.ForeignKey(Connector, on_delete=models.PROTECT)
    purpose = models.CharField(max_length=12, default="marketing")
    variables = models.JSONField(default=dict)  # values every message of the step shares: campaign.name, coupon.code
    is_paused = models.BooleanField(default=False)
    is_cancelled = models.BooleanField(default=False)
    due_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True)  # after this nothing more is sent
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("触达步骤")
        indexes = [models.Index(fields=["pool", "due_at"], name="step_pool_due")]

    def __str__(self) -> str:
        return self.source


class Delivery(models.Model):
    """One message to one member: unique per (member, step), the only queue there is."""

    class Status(models.IntegerChoices):
        PLANNED = 10, _("待发送")
        LEASED = 20, _("已领取")
        SENDING = 30, _("发送中")
        AWAITING = 35, _("待员工确认")
        ACCEPTED = 40, _("已发送")
        DELIVERED = 50, _("已送达")
        READ = 60, _("已打开")
        CLICKED = 70, _("已点击")
        UNKNOWN = 80, _("结果未知")
        FAILED = 90, _("失败")
        SUPPRESSED = 95, _("已抑制")
        CANCELLED = 99, _("已取消")

    pk = models.CompositePrimaryKey("member_id", "step_id")
    member = models.ForeignKey(Member, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="deliveries", db_index=False)
    pool = models.ForeignKey(Pool, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    content = models.ForeignKey(Content, null=True, on_delete=models.PROTECT, db_index=False)
    status = models.SmallIntegerField(choices=Status.choices, default=Status.PLANNED)
    reason = models.CharField(max_length=30, blank=True)  # why suppressed or failed: a code
    detail = models.CharField(max_length=200, blank=True)  # the provider's own words
    attempt = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField()
    day = models.DateField(null=True)  # the pool's day this counts for in the contact caps; null: exempt
    tried_at = models.DateTimeField(null=True)  # first intent; idempotency windows run from here
    unsure_since = models.DateTimeField(null=True)  # may have left already: only look-up or the same key may follow
    lease_token = models.UUIDField(null=True)
    lease_until = models.DateTimeField(null=True)
    provider_ref = models.CharField(max_length=80, blank=True)
    sent_at = models.DateTimeField(null=True)
    delivered_at = models.DateTimeField(null=True)
    opened_at = models.DateTimeField(null=True)
    clicked_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    # Whose number the message's key and links carry, where merging (or its undoing) has moved the row since.
    sent_as = models.BigIntegerField(null=True)

    class Meta:
        verbose_name = _("触达记录")
        indexes = [
            models.Index(fields=["step", "status"], name="delivery_step_status"),
            models.Index(fields=["step", "next_at"], name="delivery_open", condition=models.Q(status__in=[10, 20])),
            models.Index(fields=["lease_until"], name="delivery_sending", condition=models.Q(status=30)),
            models.Index(fields=["step", "unsure_since"], name="delivery_unknown", condition=models.Q(status=80)),
            models.Index(fields=["pool", "sent_at"], name="delivery_pool_sent", condition=models.Q(sent_at__isnull=False)),
            models.Index(fields=["sent_as", "step"], name="delivery_sent_as", condition=models.Q(sent_as__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.member_id}/{self.step_id} {self.status}"


class Receipt(models.Model):
    """What a provider or a reader's device reported, as it came; applied once, in any order."""

    digest = models.BinaryField(max_length=32, unique=True)  # repeats are the same row
    connector = models.ForeignKey(Connector, null=True, on_delete=models.PROTECT)
    member_id = models.BigIntegerField()
    step_id = models.BigIntegerField()
    kind = models.CharField(max_length=20)  # delivered, read, clicked, failed, unsubscribed …
    at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("回执")
        indexes = [models.Index(fields=["member_id", "step_id"], name="receipt_delivery")]

    def __str__(self) -> str:
        return f"{self.member_id}/{self.step_id} {self.kind}"


class Block(models.Model):
    """A member who must not be written to through a carrier, whatever they agreed to."""

    pk = models.CompositePrimaryKey("member_id", "carrier")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="blocks", db_index=False)
    carrier = models.CharField(_("渠道"), max_length=20)
    # The address that bounced; a new address lifts the block. Null: the person, whichever address.
    value_hash = models.BinaryField(max_length=16, null=True)
    reason = models.CharField(_("原因"), max_length=30)  # bounced, complained, staff
    source = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("黑名单")

    def __str__(self) -> str:
        return f"{self.member_id} {self.carrier}: {self.reason}"


class Recorded(models.Model):
    """What the fake provider and every sandbox received instead of the world: once per key."""

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="recorded")
    key = models.CharField(max_length=60)
    hint = models.CharField(max_length=60, blank=True)  # the address, masked
    subject = models.CharField(max_length=200, blank=True)
    body = models.TextField(blank=True)
    times = models.IntegerField(default=1)  # calls with this key: the provider kept one message
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("沙箱记录")
        constraints = [models.UniqueConstraint(fields=["connector", "key"], name="recorded_once_per_key")]

    def __str__(self) -> str:
        return f"{self.connector_id} {self.key}"


class Call(models.Model):
    """A request that came in from outside, raw: answered at once, read by the ticker."""

    class Kind(models.TextChoices):
        RECEIPTS = "receipts", _("回执")
        CAUGHT = "caught", _("本地接收")

    connector = models.ForeignKey(Connector, on_delete=models.CASCADE, related_name="calls")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    digest = models.BinaryField(max_length=32)
    headers = models.JSONField(default=dict)
    body = models.TextField()
    is_genuine = models.BooleanField(default=False)  # the signature fits
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=200, blank=True)

    class Meta:
        verbose_name = _("外部请求")
        constraints = [models.UniqueConstraint(fields=["connector", "digest"], name="call_once")]
        indexes = [
            models.Index(fields=["connector", "-received_at"], name="call_connector_at"),
            models.Index(fields=["id"], name="call_waiting", condition=models.Q(handled_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} for {self.connector_id} at {self.received_at:%F %T}"
