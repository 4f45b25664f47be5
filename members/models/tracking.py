from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.pool import Channel, Pool


class Site(models.Model):
    """A web shop or page whose visits are recorded by the tracking script."""

    class Consent(models.TextChoices):
        ASKED = "asked", _("先征得同意")  # nothing is stored or sent before scrm("consent", true)
        GIVEN = "given", _("已在别处征得同意")  # the site asks by itself before it loads the script

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    name = models.CharField(_("名称"), max_length=60)
    key = models.CharField(max_length=24, unique=True)  # public: it stands in the page
    sealed = models.BinaryField()  # the secret that signs who a visitor is
    origins = models.JSONField(_("网址"), default=list)  # https://shop.example, exactly as browsers send it
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.PROTECT, verbose_name=_("渠道"))
    consent = models.CharField(_("同意方式"), max_length=10, choices=Consent.choices, default=Consent.ASKED)
    is_active = models.BooleanField(_("启用"), default=True)
    created_at = models.DateTimeField()
    heard_at = models.DateTimeField(_("最近收到"), null=True)

    class Meta:
        verbose_name = _("网站")
        constraints = [models.UniqueConstraint(fields=["pool", "name"], name="one_site_per_name")]

    def __str__(self) -> str:
        return self.name


class VisitorEvent(models.Model):
    """What a visitor did whom nobody knows yet; moved to the member's events once somebody does.

    A visitor is the fingerprint of the identity `visitor_id` it may become.
    """

    pk = models.CompositePrimaryKey("pool_id", "visitor_hash", "occurred_at", "id")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, db_index=False)
    visitor_hash = models.BinaryField(max_length=16)
    occurred_at = models.DateTimeField()
    id = models.BigIntegerField()
    site = models.ForeignKey(Site, on_delete=models.CASCADE, db_index=False)
    channel = models.ForeignKey(Channel, null=True, on_delete=models.PROTECT, db_index=False)
    kind = models.CharField(max_length=40)
    properties = models.JSONField(default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["site", "-occurred_at"], name="visitor_event_site"),
            models.Index(fields=["occurred_at"], name="visitor_event_at"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.occurred_at:%F %T}"
