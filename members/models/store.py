from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from members.models.pool import Pool


class Store(models.Model):
    """A shop of the pool. Orders name it by its code; a code only orders know is a store not yet registered."""

    pool = models.ForeignKey(Pool, on_delete=models.PROTECT)
    code = models.CharField(_("门店编码"), max_length=40)
    name = models.CharField(_("门店名称"), max_length=80)
    city = models.CharField(_("城市"), max_length=30, blank=True)
    province = models.CharField(_("省份"), max_length=30, blank=True)
    region = models.CharField(_("大区"), max_length=40, blank=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_constraint=False,
        related_name="+",
        verbose_name=_("店长"),
    )
    opened_on = models.DateField(_("开业日期"), null=True, blank=True)
    closed_on = models.DateField(_("闭店日期"), null=True, blank=True)
    is_active = models.BooleanField(_("营业中"), default=True)
    is_registered = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("门店")
        constraints = [models.UniqueConstraint(fields=["pool", "code"], name="one_store_per_code")]

    def __str__(self) -> str:
        return self.name
