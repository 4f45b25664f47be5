"""Forms about pools."""

from datetime import date
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.attributes.queries import WORTH, fields_of
from members.models import AttributeField, Pool
from members.pools.services import Target
from members.tagging import COLORS
from scrm.lib.formats import CURRENCIES

USUAL = ["Asia/Shanghai", "Asia/Hong_Kong", "Asia/Taipei", "Asia/Singapore", "Asia/Tokyo", "Europe/London", "Europe/Paris"]
USUAL += ["America/New_York", "America/Los_Angeles", "UTC"]


class PoolForm(forms.Form):
    """What a pool is."""

    name = forms.CharField(label=gettext_lazy("名称"), max_length=60)
    slug = forms.CharField(
        label=gettext_lazy("地址"),
        max_length=40,
        help_text=gettext_lazy("浏览器地址里的一段，例如 /p/beauty/。改了以后旧链接不再有效。"),
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("时区"),
        help_text=gettext_lazy(
            "决定一天从什么时刻开始。改时区会让每天的数字重新归日，并重算生命周期和 RFM；订单和行为本身不变。"
        ),
    )
    currency = forms.ChoiceField(
        label=gettext_lazy("货币"), help_text=gettext_lazy("金额用这种货币的符号显示；已有金额不会换算。")
    )
    color = forms.ChoiceField(label=gettext_lazy("颜色"), choices=COLORS)

    def __init__(self, *args: Any, pool: Pool | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(available_timezones() - set(USUAL))
        self.fields["time_zone"].choices = [(zone, zone) for zone in [*USUAL, *zones]]  # type: ignore[attr-defined]
        self.fields["currency"].choices = [(code, f"{code} {sign}") for code, sign in CURRENCIES.items()]  # type: ignore[attr-defined]
        if pool is None:
            self.initial = {"time_zone": USUAL[0], "currency": "CNY", "color": "blue", **self.initial}
            return
        facts = {name: getattr(pool, name) for name in ("name", "slug", "time_zone", "currency", "color")}
        self.initial = {**facts, **self.initial}
        numbers = fields_of(pool).filter(kind=AttributeField.Kind.NUMBER)
        self.fields["worth"] = forms.ChoiceField(
            label=_("会员价值口径"),
            choices=[("", _("累计消费")), *((field.key, str(field)) for field in numbers)],
            required=False,
            initial=pool.settings.get(WORTH, ""),
            help_text=_(
                "不适合用消费衡量的业务（金融、奢侈品）可以改用一个数值字段，例如净资产；列表和 360° 页会以它为会员价值。"
            ),
        )


class TargetsForm(forms.Form):
    """Targets of some months, one row each."""

    def __init__(self, months: list[date], known: dict[date, Target], data: QueryDict | None = None) -> None:
        super().__init__(data)
        self.months = months
        for month in months:
            target = known.get(month, Target())
            revenue = None if target.revenue is None else f"{target.revenue / 100:.2f}".removesuffix(".00")
            self.fields[f"members:{month}"] = _whole(_("会员总数"), target.members)
            self.fields[f"active:{month}"] = _whole(_("活跃会员"), target.active)
            self.fields[f"revenue:{month}"] = forms.DecimalField(
                label=_("成交额"), required=False, min_value=0, max_digits=14, decimal_places=2, initial=revenue
            )

    def rows(self) -> list[tuple[date, list[Any]]]:
        """For the page: a month and its controls."""
        return [(month, [self[f"{name}:{month}"] for name in ("members", "active", "revenue")]) for month in self.months]

    def targets(self) -> dict[date, Target]:
        """What was filled in."""
        return {month: self._target(month) for month in self.months}

    def _target(self, month: date) -> Target:
        said = self.cleaned_data
        revenue = said[f"revenue:{month}"]
        return Target(said[f"members:{month}"], said[f"active:{month}"], None if revenue is None else round(revenue * 100))


def _whole(label: str, initial: int | None) -> forms.IntegerField:
    return forms.IntegerField(label=label, required=False, min_value=0, max_value=10**12, initial=initial)
