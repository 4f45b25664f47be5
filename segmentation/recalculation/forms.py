"""The settings page as people fill it in: days, orders, yuan, percent."""

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from scrm.lib.problems import Problem
from segmentation.recalculation.settings import Choices, checked

SCORES = (2, 3, 4, 5)
STAGES = ("silent", "sleeping", "lost")
STAGE_LABELS = {"silent": _("沉默期"), "sleeping": _("睡眠期"), "lost": _("流失期")}


class ChoicesForm(forms.Form):
    """RFM and lifecycle together: both are applied by the same run."""

    mode = forms.ChoiceField(
        label=_("分群方式"),
        widget=forms.RadioSelect,
        choices=[
            ("mean", _("高于全池平均值为高（推荐）")),
            ("quantile", _("按五等分打分，达到指定分值为高")),
            ("threshold", _("按自定义门槛打分，达到指定分值为高")),
        ],
    )
    window_days = forms.IntegerField(
        label=_("统计窗口（天）"), min_value=7, max_value=3650, help_text=_("F、M 只统计此窗口内的已支付订单")
    )
    high_from = forms.TypedChoiceField(
        label=_("几分起算高"), coerce=int, choices=[(n, n) for n in SCORES], help_text=_("仅用于五等分与自定义门槛")
    )
    stage_mode = forms.ChoiceField(
        label=_("阶段划分"),
        widget=forms.RadioSelect,
        choices=[("pool", _("按本会员池的购买节奏（推荐）")), ("fixed", _("按固定天数"))],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for n in SCORES:
            self.fields[f"r{n}"] = forms.IntegerField(label=_("R %(n)s 分：最近几天内") % {"n": n}, min_value=1, max_value=3650)
            self.fields[f"f{n}"] = forms.IntegerField(label=_("F %(n)s 分：至少几单") % {"n": n}, min_value=1, max_value=100_000)
            self.fields[f"m{n}"] = forms.DecimalField(
                label=_("M %(n)s 分：至少多少元") % {"n": n}, min_value=Decimal("0.01"), max_digits=12, decimal_places=2
            )
        for name in STAGES:
            label = STAGE_LABELS[name]
            self.fields[f"{name}_days"] = forms.IntegerField(
                label=_("%(stage)s：多少天未下单") % {"stage": label}, min_value=1, max_value=3650
            )
            self.fields[f"{name}_percent"] = forms.DecimalField(
                label=_("%(stage)s：超过百分之几复购会员的间隔") % {"stage": label},
                min_value=1,
                max_value=Decimal("99.9"),
                decimal_places=1,
            )

    @staticmethod
    def initial_of(choices: Choices) -> dict[str, Any]:
        """The form's values for these choices."""
        rfm, cycle = choices.rfm, choices.lifecycle
        values: dict[str, Any] = {
            "mode": rfm.mode,
            "window_days": rfm.window_days,
            "high_from": rfm.high_from,
            "stage_mode": cycle.mode,
        }
        for i, n in enumerate(SCORES):
            values |= {f"r{n}": rfm.r_days[i], f"f{n}": rfm.f_orders[i], f"m{n}": Decimal(rfm.m_amount[i]) / 100}
        for i, name in enumerate(STAGES):
            values |= {f"{name}_days": cycle.days[i], f"{name}_percent": round(Decimal(str(cycle.quantiles[i])) * 100, 1)}
        return values

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                self.choices = checked(self._document(given))
            except Problem as problem:
                raise forms.ValidationError(problem.message) from problem
        return given

    def _document(self, given: dict[str, Any]) -> dict[str, Any]:
        rfm = {
            "mode": given["mode"],
            "window_days": given["window_days"],
            "high_from": given["high_from"],
            "r_days": [given[f"r{n}"] for n in SCORES],
            "f_orders": [given[f"f{n}"] for n in SCORES],
            "m_amount": [int(given[f"m{n}"] * 100) for n in SCORES],
        }
        days = [given[f"{name}_days"] for name in STAGES]
        quantiles = [float(given[f"{name}_percent"] / 100) for name in STAGES]
        return {"rfm": rfm, "lifecycle": {"mode": given["stage_mode"], "days": days, "quantiles": quantiles}}

    @property
    def threshold_rows(self) -> list[tuple[int, list[forms.BoundField]]]:
        """The twelve limits as a table: one row per score, highest first."""
        return [(n, [self[f"{letter}{n}"] for letter in "rfm"]) for n in reversed(SCORES)]

    @property
    def stage_rows(self) -> list[tuple[str, forms.BoundField, forms.BoundField]]:
        """Per stage: fixed days and share."""
        return [(str(STAGE_LABELS[name]), self[f"{name}_days"], self[f"{name}_percent"]) for name in STAGES]
