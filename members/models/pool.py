from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from scrm.staff.permissions import Role


class Pool(models.Model):
    """A brand's or region's set of members. Access is granted per pool, days are in its time zone."""

    name = models.CharField(_("名称"), max_length=60)
    slug = models.SlugField(_("地址"), unique=True)
    time_zone = models.CharField(_("时区"), max_length=40, default="Asia/Shanghai")
    currency = models.CharField(_("货币"), max_length=3, default="CNY")
    is_demo = models.BooleanField(default=False)
    settings = models.JSONField(default=dict)  # RFM and lifecycle choices, contact policy, sender
    color = models.CharField(_("颜色"), max_length=10, default="blue", db_default="blue")
    is_archived = models.BooleanField(_("已归档"), default=False, db_default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = _("会员池")

    def __str__(self) -> str:
        return self.name

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class PoolAccess(models.Model):
    """What one person is in one pool."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False, related_name="accesses")
    pool = models.ForeignKey(Pool, on_delete=models.CASCADE, related_name="accesses")
    role = models.CharField(_("角色"), max_length=10, choices=Role.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "pool"], name="one_role_per_pool")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role} in {self.pool_id}"


class Channel(models.Model):
    """Where members and orders come from. The same list for every pool; ids are small and fixed."""

    id = models.SmallIntegerField(primary_key=True)
    code = models.CharField(max_length=30, unique=True)
    name = models.CharField(max_length=40)
    name_en = models.CharField(max_length=40)

    class Meta:
        verbose_name = _("渠道")
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name if (get_language() or "").startswith("zh") else self.name_en


class DataVersion(models.Model):
    """Counts changes of one kind of data in one pool: cached bitmaps of older versions are stale."""

    pool = models.ForeignKey(Pool, on_delete=models.CASCADE)
    domain = models.CharField(max_length=20)  # members, orders, events, tags, state, consents, deliveries
    version = models.BigIntegerField(default=1)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["pool", "domain"], name="one_version_per_domain")]

    def __str__(self) -> str:
        return f"{self.pool_id} {self.domain} {self.version}"
