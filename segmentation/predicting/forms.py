"""Forms of a model's page. Settings are asked for as the model declares them."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from members.models import Pool, TagGroup
from scrm.lib import formats
from segmentation.predicting.declaring import Model
from segmentation.predicting.services import Threshold

LABELS = {
    "horizon_days": _("周期（天）"),
    "level": _("品类层级"),
    "groups": _("分几群"),
    "fresh_days": _("上市多少天内算新品"),
    "within_days": _("触达后多少天内算活动"),
    "deep_percent": _("优惠至少百分之几算活动"),
    "event_kinds": _("当天有哪些互动算活动"),
}
CHOICES = {"category": _("品类"), "subcategory": _("子品类")}
HELP = {
    "horizon_days": _("向前预测多少天；窗口也以它为单位。改动在下次训练后生效。"),
    "event_kinds": _("行为代码，用逗号分开；留空则不看互动。"),
    "groups": _("填 0 由稳定性决定，或指定 2 到 8 群。"),
}


class SettingsForm(forms.Form):
    """A number for each number of the model's Settings, a choice for each choice."""

    def __init__(self, declared: Model, given: Any = None, *, initial: dict[str, Any] | None = None) -> None:
        super().__init__(given, initial=initial)
        for name, about in declared.settings.model_json_schema()["properties"].items():
            self.fields[name] = _field(name, about)

    @property
    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if value not in (None, "")}


def _field(name: str, about: dict[str, Any]) -> forms.Field:
    more: dict[str, Any] = {
        "label": LABELS.get(name, about.get("title", name)),
        "help_text": HELP.get(name, about.get("description", "")),
    }
    if "enum" in about:
        return forms.ChoiceField(choices=[(each, CHOICES.get(each, each)) for each in about["enum"]], **more)
    if about.get("type") == "boolean":
        return forms.BooleanField(required=False, **more)
    kind = forms.IntegerField if about.get("type") == "integer" else forms.FloatField
    if about.get("type") in ("integer", "number"):
        return kind(min_value=about.get("minimum"), max_value=about.get("maximum"), **more)
    return forms.CharField(required=False, **more)


class ExpandForm(forms.Form):
    name = forms.CharField(label=_("名单名称"), max_length=80)
    n = forms.IntegerField(label=_("人数"), min_value=1, max_value=1_000_000, initial=1000)


class TagForm(forms.Form):
    group = forms.ModelChoiceField(label=_("标签组"), queryset=TagGroup.objects.none(), empty_label=None)
    name = forms.CharField(label=_("标签"), max_length=40)
    by = forms.ChoiceField(label=_("按"), choices=[("percentile", _("百分位")), ("value", _("预测值"))])
    op = forms.ChoiceField(label=_("条件"), choices=[("gte", _("至少")), ("lte", _("至多"))])
    value = forms.FloatField(label=_("门槛"))

    def __init__(self, pool: Pool, declared: Model, given: Any = None, **more: Any) -> None:
        super().__init__(given, **more)
        self.unit = declared.unit
        groups: Any = self.fields["group"]
        groups.queryset = TagGroup.objects.filter(pool=pool).order_by("place", "name")
        self.fields["value"].help_text = HINTS.get(declared.unit, HINTS["number"])

    @property
    def threshold(self) -> Threshold:
        """Values in the model's own unit: shares of one, minor units of money."""
        found = self.cleaned_data
        value = found["value"] * ({"share": 0.01, "money": 100}.get(self.unit, 1) if found["by"] == "value" else 1)
        return Threshold(by=found["by"], op=found["op"], value=value)


HINTS: dict[str, Any] = {
    "share": _("百分位 1–100；按预测值时填百分数，如 60 即 60%"),
    "money": formats.with_sign(_("百分位 1–100；按预测值时填金额（%(sign)s）")),
    "days": _("百分位 1–100；按预测值时填天数"),
    "number": _("百分位 1–100；按预测值时填数值"),
}


def shown_threshold(threshold: dict[str, Any] | None, unit: str) -> dict[str, Any]:
    """A kept threshold as the form asks for it."""
    if not threshold:
        return {"by": "percentile", "op": "gte", "value": 90}
    scale = {"share": 100, "money": 0.01}.get(unit, 1) if threshold["by"] == "value" else 1
    return threshold | {"value": round(threshold["value"] * scale, 4)}
