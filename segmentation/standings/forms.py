"""Settings of schemes as people fill them in: yuan, per cent, days. Each family has its form: `@form_of("value")`."""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import behaviour
from members.attributes.queries import fields_of
from members.models import Pool
from scrm.lib import formats, sql
from scrm.lib.registry import Registry
from segmentation.standings import evidence
from segmentation.standings.aipl import STEPS
from segmentation.standings.families import family

KINDS = 200


class SettingsForm(forms.Form):
    """Base: which fields there are is the family's; `document` makes settings of them."""

    template: ClassVar[str] = "standings/settings/plain.html"

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        self.pool = pool
        super().__init__(*args, **kwargs)

    @classmethod
    def initial_of(cls, settings: Any) -> dict[str, Any]:
        """The form's values for these settings."""
        return dict(settings.model_dump())

    def document(self) -> dict[str, Any]:
        """Settings as they are kept; `families.checked` has the last word."""
        return dict(self.cleaned_data)


_forms: Registry[type[SettingsForm]] = Registry("form of settings")


def form_of(key: str) -> Callable[[type[SettingsForm]], type[SettingsForm]]:
    """Declare the form of a family."""
    return _forms.register(key)


def settings_form(key: str) -> type[SettingsForm]:
    """The form of a family; one that declares none is written as JSON."""
    return dict(_forms.items()).get(key, JsonForm)


class NameForm(forms.Form):
    """What a scheme is called."""

    name = forms.CharField(label=gettext_lazy("名称"), max_length=80)
    note = forms.CharField(label=gettext_lazy("说明"), max_length=200, required=False)


class JsonForm(SettingsForm):
    settings = forms.JSONField(label=gettext_lazy("设置（JSON）"), widget=forms.Textarea(attrs={"rows": 14, "class": "code"}))

    @classmethod
    def initial_of(cls, settings: Any) -> dict[str, Any]:
        return {"settings": json.dumps(settings.model_dump(mode="json"), ensure_ascii=False, indent=2)}

    def document(self) -> dict[str, Any]:
        return dict(self.cleaned_data["settings"] or {})


def kinds_of(pool: Pool) -> list[tuple[str, str]]:
    """Kinds of events the pool has, and those everybody has."""
    found = sql.rows("segmentation/list_event_kinds", {"pool": pool.pk, "q": "", "limit": KINDS})
    keys = dict.fromkeys([*behaviour.KINDS, *(row["value"] for row in found)])
    return [(key, str(behaviour.name_of(key))) for key in keys]


@form_of("value")
class ValueForm(SettingsForm):
    measure = forms.ChoiceField(
        label=gettext_lazy("按什么衡量价值"),
        widget=forms.RadioSelect,
        choices=[
            ("total", gettext_lazy("累计实付金额")),
            ("window", gettext_lazy("最近一段时间的实付金额")),
            ("attribute", gettext_lazy("自定义数字字段（如净资产）")),
        ],
    )
    window_days = forms.IntegerField(label=gettext_lazy("统计窗口（天）"), min_value=7, max_value=3650)
    attribute = forms.ChoiceField(
        label=gettext_lazy("数字字段"), required=False, help_text=gettext_lazy("字段值的改动在每晚全量重算时生效")
    )
    cut = forms.ChoiceField(
        label=gettext_lazy("按什么切分"),
        widget=forms.RadioSelect,
        choices=[("carried", gettext_lazy("累计贡献占比（推荐）")), ("members", gettext_lazy("人数占比"))],
    )
    head = forms.IntegerField(label=gettext_lazy("头部到（%）"), min_value=1, max_value=98)
    waist = forms.IntegerField(
        label=gettext_lazy("头部加腰部到（%）"), min_value=2, max_value=99, help_text=gettext_lazy("其余为尾部")
    )

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(pool, *args, **kwargs)
        numbers = [(field.key, str(field)) for field in fields_of(pool) if field.kind == "number"]
        self.fields["attribute"].choices = [("", "—"), *numbers]  # type: ignore[attr-defined]


@form_of("usage")
class UsageForm(SettingsForm):
    sources = forms.MultipleChoiceField(
        label=gettext_lazy("哪些行为算活跃"),
        widget=forms.CheckboxSelectMultiple,
        choices=[(key, evidence.NAMES[key]) for key in ("event", "order", "spoke", "opened", "clicked")],
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("只看这些行为事件"),
        required=False,
        widget=forms.SelectMultiple(attrs={"size": 6}),
        help_text=gettext_lazy("不选表示全部行为事件"),
    )
    window_days = forms.IntegerField(label=gettext_lazy("统计窗口（天）"), min_value=2, max_value=366)
    lookback_days = forms.IntegerField(
        label=gettext_lazy("沉睡回看（天）"),
        min_value=3,
        max_value=1830,
        help_text=gettext_lazy("此期内活跃过、窗口内没有的算沉睡"),
    )
    cut = forms.ChoiceField(
        label=gettext_lazy("分界"),
        widget=forms.RadioSelect,
        choices=[("fixed", gettext_lazy("按下面的天数")), ("quantile", gettext_lazy("按活跃会员三等分，每晚重新测定"))],
    )
    regular = forms.IntegerField(label=gettext_lazy("中频：至少活跃几天"), min_value=2, max_value=366)
    frequent = forms.IntegerField(label=gettext_lazy("高频：至少活跃几天"), min_value=3, max_value=366)

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(pool, *args, **kwargs)
        self.fields["kinds"].choices = kinds_of(pool)  # type: ignore[attr-defined]


@form_of("ladder")
class LadderForm(SettingsForm):
    steps = forms.IntegerField(label=gettext_lazy("阶梯数"), min_value=2, max_value=10)
    same_day = forms.BooleanField(label=gettext_lazy("同一天的多个订单算一次购买"), required=False)


# -- AIPL ----------------------------------------------------------------------------------------
class EvidenceForm(forms.Form):
    """One row: an empty source is no evidence."""

    step = forms.TypedChoiceField(
        label=gettext_lazy("阶段"), coerce=int, choices=[(n, label) for n, (label, _t) in STEPS.items()]
    )
    source = forms.ChoiceField(
        label=gettext_lazy("证据"), required=False, choices=[("", gettext_lazy("（不用）")), *evidence.NAMES.items()]
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("行为类型"), required=False, widget=forms.SelectMultiple(attrs={"size": 7})
    )
    times = forms.IntegerField(label=gettext_lazy("至少几次"), min_value=1, max_value=1000, required=False)
    amount = forms.DecimalField(
        label=formats.with_sign(gettext_lazy("或满多少（%(sign)s）")),
        min_value=Decimal("0.01"),
        max_digits=13,
        decimal_places=2,
        required=False,
    )
    days = forms.IntegerField(label=gettext_lazy("近几天内"), min_value=1, max_value=3650, required=False)

    def __init__(self, *args: Any, kinds: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["kinds"].choices = kinds  # type: ignore[attr-defined]

    @property
    def said(self) -> str:
        """The kinds chosen, in a line."""
        labels = dict(self.fields["kinds"].choices)  # type: ignore[attr-defined]
        return formats.listed(labels.get(each, each) for each in self["kinds"].value() or [])

    def document(self) -> dict[str, Any] | None:
        """Evidence as it is kept; None for a row left empty."""
        data = self.cleaned_data
        if not data.get("source"):
            return None
        amount = int(data["amount"] * 100) if data["amount"] else 0
        facts = {"kinds": data["kinds"], "times": data["times"] or 1, "days": data["days"] or 0}
        return {"step": data["step"], "source": data["source"], "amount": amount, **facts}


Rows = forms.formset_factory(EvidenceForm, extra=3, max_num=24)


@form_of("aipl")
class AiplForm(SettingsForm):
    template: ClassVar[str] = "standings/settings/aipl.html"
    may_fall = forms.BooleanField(label=gettext_lazy("证据过期后回到较低的一步"), required=False)

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(pool, *args, **kwargs)
        given: Mapping[str, Any] | None = self.data if self.is_bound else None
        rows = self.initial.get("rows") if not self.is_bound else None
        self.rows: Any = Rows(given, initial=rows, prefix="evidence", form_kwargs={"kinds": kinds_of(pool)})

    @classmethod
    def initial_of(cls, settings: Any) -> dict[str, Any]:
        rows = [
            {**each.model_dump(), "amount": Decimal(each.amount) / 100 if each.amount else None, "days": each.days or None}
            for each in settings.evidence
        ]
        return {"may_fall": settings.may_fall, "rows": rows}

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not self.rows.is_valid():
            raise forms.ValidationError(_("有证据没有填对，请看标红的一行。"))
        return given

    def document(self) -> dict[str, Any]:
        found = [row.document() for row in self.rows.forms if row.cleaned_data]
        return {"may_fall": self.cleaned_data["may_fall"], "evidence": [each for each in found if each]}


def initial(key: str, settings: dict[str, Any] | None) -> dict[str, Any]:
    """Values of a family's form for kept settings, or for the usual ones."""
    about = family(key)
    chosen = about.settings.model_validate(settings) if settings is not None else about.settings()
    return settings_form(key).initial_of(chosen)
