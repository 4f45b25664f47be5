"""The settings pages as people fill them in: days, orders, yuan, percent."""

import re
from abc import ABCMeta, abstractmethod
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.forms import DeclarativeFieldsMetaclass
from django.utils.translation import gettext_lazy as _

from scrm.lib import formats
from scrm.lib.problems import Problem
from segmentation.recalculation.settings import Choices, RfmSettings, checked

SCORES = (2, 3, 4, 5)
STAGES = ("silent", "sleeping", "lost")
STAGE_LABELS = {"silent": _("沉默期"), "sleeping": _("睡眠期"), "lost": _("流失期")}
Rows = list[tuple[Any, list[forms.BoundField]]]


class _FormType(DeclarativeFieldsMetaclass, ABCMeta):
    """Forms that leave something to be said by those made from them."""


class PartForm(forms.Form, metaclass=_FormType):
    """One part of what a pool chose; the other part stays as it is."""

    part = ""

    def __init__(self, *args: Any, kept: Choices, **kwargs: Any) -> None:
        self.kept = kept
        kwargs.setdefault("initial", self.initial_of(kept))
        super().__init__(*args, **kwargs)

    @classmethod
    @abstractmethod
    def initial_of(cls, choices: Choices) -> dict[str, Any]:
        """The form's values for these choices."""

    @abstractmethod
    def document(self, given: dict[str, Any]) -> dict[str, Any]:
        """Settings of the part out of clean values."""

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.errors:
            try:
                self.choices = checked(self.kept.model_dump() | {self.part: self.document(given)})
            except Problem as problem:
                raise forms.ValidationError(problem.message) from problem
        return given


class RfmFields(forms.Form):
    """How RFM scores and groups are cut."""

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

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for n in SCORES:
            self.fields[f"r{n}"] = forms.IntegerField(label=_("R %(n)s 分：最近几天内") % {"n": n}, min_value=1, max_value=3650)
            self.fields[f"f{n}"] = forms.IntegerField(label=_("F %(n)s 分：至少几单") % {"n": n}, min_value=1, max_value=100_000)
            self.fields[f"m{n}"] = forms.DecimalField(
                label=_("M %(n)s 分：至少多少（%(sign)s）") % {"n": n, "sign": formats.currency_sign()},
                min_value=Decimal("0.01"),
                max_digits=12,
                decimal_places=2,
            )

    @property
    def threshold_rows(self) -> Rows:
        """The twelve limits as a table: one row per score, highest first."""
        return [(n, [self[f"{letter}{n}"] for letter in "rfm"]) for n in reversed(SCORES)]


def rfm_initial(rfm: RfmSettings) -> dict[str, Any]:
    """The fields' values for these settings."""
    values: dict[str, Any] = {"mode": rfm.mode, "window_days": rfm.window_days, "high_from": rfm.high_from}
    for i, n in enumerate(SCORES):
        values |= {f"r{n}": rfm.r_days[i], f"f{n}": rfm.f_orders[i], f"m{n}": Decimal(rfm.m_amount[i]) / 100}
    return values


def rfm_document(given: dict[str, Any]) -> dict[str, Any]:
    """Settings out of the fields' clean values."""
    return {
        "mode": given["mode"],
        "window_days": given["window_days"],
        "high_from": given["high_from"],
        "r_days": [given[f"r{n}"] for n in SCORES],
        "f_orders": [given[f"f{n}"] for n in SCORES],
        "m_amount": [int(given[f"m{n}"] * 100) for n in SCORES],
    }


class RfmForm(PartForm, RfmFields):
    """The pool's own RFM."""

    part = "rfm"

    @classmethod
    def initial_of(cls, choices: Choices) -> dict[str, Any]:
        return rfm_initial(choices.rfm)

    def document(self, given: dict[str, Any]) -> dict[str, Any]:
        return rfm_document(given)


class LifecycleForm(PartForm):
    """Stages after and before the first order."""

    part = "lifecycle"
    stage_mode = forms.ChoiceField(
        label=_("阶段划分"),
        widget=forms.RadioSelect,
        choices=[
            ("model", _("按今后不再购买的可能（推荐）")),
            ("pool", _("按本会员池的购买节奏")),
            ("category", _("按主购品类的复购节奏")),
            ("fixed", _("按固定天数")),
        ],
    )
    horizon_days = forms.IntegerField(
        label=_("观察期（天）"), required=False, min_value=7, max_value=730, help_text=_("留空则取约两个购买间隔")
    )
    keep_days = forms.IntegerField(
        label=_("分界保持（天）"), min_value=0, max_value=365, help_text=_("期内不重新测定，人数变化才看得出；0 为每晚重测")
    )
    split = forms.BooleanField(label=_("区分首购前的阶段"), required=False)
    new_days = forms.IntegerField(label=_("新潜客：加入几天内"), min_value=1, max_value=3650)
    engaged_days = forms.IntegerField(label=_("互动潜客：最近几天内"), min_value=1, max_value=3650)
    engaged_events = forms.IntegerField(label=_("互动潜客：至少几次行为"), min_value=1, max_value=1000)
    event_kinds = forms.CharField(
        label=_("算作互动的行为"), required=False, max_length=400, help_text=_("留空为所有行为；多个以逗号分隔，如 view, click")
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in STAGES:
            self._add(name, STAGE_LABELS[name])

    def _add(self, name: str, stage: Any) -> None:
        self.fields[f"{name}_days"] = forms.IntegerField(
            label=_("%(stage)s：多少天未下单") % {"stage": stage}, min_value=1, max_value=3650
        )
        percent: dict[str, Any] = {"min_value": 1, "max_value": Decimal("99.9"), "decimal_places": 1}
        self.fields[f"{name}_percent"] = forms.DecimalField(
            label=_("%(stage)s：超过百分之几复购会员的间隔") % {"stage": stage}, **percent
        )
        self.fields[f"{name}_share"] = forms.DecimalField(
            label=_("%(stage)s：可能性高于百分之几的会员") % {"stage": stage}, required=False, **percent
        )

    @classmethod
    def initial_of(cls, choices: Choices) -> dict[str, Any]:
        cycle, lead = choices.lifecycle, choices.lifecycle.lead
        values: dict[str, Any] = {
            "stage_mode": cycle.mode,
            "horizon_days": cycle.horizon_days,
            "keep_days": cycle.keep_days,
            **lead.model_dump(include={"split", "new_days", "engaged_days", "engaged_events"}),
            "event_kinds": ", ".join(lead.event_kinds),
        }
        for i, name in enumerate(STAGES):
            values |= {f"{name}_days": cycle.days[i], f"{name}_percent": _percent(cycle.quantiles[i])}
            values[f"{name}_share"] = _percent(cycle.shares[i]) if cycle.shares else None
        return values

    def document(self, given: dict[str, Any]) -> dict[str, Any]:
        lead = {name: given[name] for name in ("split", "new_days", "engaged_days", "engaged_events")}
        lead["event_kinds"] = list(dict.fromkeys(re.findall(r"[^\s,，、;；]+", given["event_kinds"])))
        shares = [given[f"{name}_share"] for name in STAGES]
        return {
            "mode": given["stage_mode"],
            "days": [given[f"{name}_days"] for name in STAGES],
            "quantiles": [float(given[f"{name}_percent"] / 100) for name in STAGES],
            "shares": [float(share / 100) if share else 0.0 for share in shares] if any(shares) else None,
            "horizon_days": given["horizon_days"],
            "keep_days": given["keep_days"],
            "lead": lead,
        }

    @property
    def stage_rows(self) -> Rows:
        """Per stage: the quantile of the chance, the quantile of the rhythm, the fixed days."""
        kinds = ("share", "percent", "days")
        return [(str(STAGE_LABELS[name]), [self[f"{name}_{kind}"] for kind in kinds]) for name in STAGES]


def _percent(share: float) -> Decimal:
    return round(Decimal(str(share)) * 100, 1)
