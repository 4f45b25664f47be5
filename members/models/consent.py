from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.member import Member


class ConsentBase(models.Model):
    class Carrier(models.TextChoices):
        """What a consent is for: the kind of message channel."""

        EMAIL = "email", _("邮件")
        SMS = "sms", _("短信")
        WECOM = "wecom", _("企业微信")
        MINI = "mini_program", _("小程序")
        PUSH = "push", _("App 推送")
        WEBHOOK = "webhook", _("Webhook")

    class Purpose(models.TextChoices):
        MARKETING = "marketing", _("营销")
        SERVICE = "service", _("服务通知")

    carrier = models.CharField(_("渠道"), max_length=20, choices=Carrier.choices)
    purpose = models.CharField(_("用途"), max_length=12, choices=Purpose.choices)
    granted = models.BooleanField(_("同意"))
    at = models.DateTimeField(_("时间"))
    source = models.CharField(_("来源"), max_length=60)  # import:12, unsubscribe link, staff …
    wording = models.CharField(_("文本版本"), max_length=60, blank=True)

    class Meta:
        abstract = True


class Consent(ConsentBase):
    """What holds now for a member, a carrier and a purpose."""

    pk = models.CompositePrimaryKey("member_id", "carrier", "purpose")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="consents", db_index=False)

    class Meta:
        # Who agreed to a carrier, without the rows.
        indexes = [
            models.Index(fields=["carrier", "purpose", "member"], condition=models.Q(granted=True), name="consent_granted")
        ]

    def __str__(self) -> str:
        return f"{self.member_id} {self.carrier}/{self.purpose}: {self.granted}"


class ConsentEntry(ConsentBase):
    """Every grant and withdrawal there ever was; append-only."""

    pk = models.CompositePrimaryKey("member_id", "carrier", "purpose", "at")
    member = models.ForeignKey(Member, on_delete=models.CASCADE, related_name="consent_entries", db_index=False)

    def __str__(self) -> str:
        return f"{self.member_id} {self.carrier}/{self.purpose}: {self.granted} at {self.at}"
