"""The form of a weight score: rows of what earns points, rows of bonuses, decay and bands."""

import re
import unicodedata
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.attributes.queries import fields_of
from members.models import Channel, Pool
from scrm.lib import formats, sql
from segmentation.standings.evidence import NAMES
from segmentation.standings.forms import KINDS, SettingsForm, form_of, kinds_of
from segmentation.standings.score import ScoreSettings
from segmentation.standings.score_items import BONUSES, COMPARED, compared

EMPTY = ("", gettext_lazy("（不用）"))
ACTS = ("event", "order", "spoke", "received", "opened", "clicked")
TYPED = {">=": "gte", "<=": "lte", "＝": "is"}  # what keyboards have for them
PER = (
    ("time", gettext_lazy("每次")),
    ("day", gettext_lazy("每天一次")),
    ("yuan", formats.with_sign(gettext_lazy("每 %(sign)s100"))),
)
SEVERAL = gettext_lazy("多个用空格分开")
NARROWING = ("kinds", "conditions", "categories", "channels", "least")  # shown when asked for


class ItemForm(forms.Form):
    """One row; an empty source is no item. What belongs to events or orders only is left out for others."""

    source = forms.ChoiceField(
        label=gettext_lazy("做了什么"), required=False, choices=[EMPTY, *((act, NAMES[act]) for act in ACTS)]
    )
    kinds = forms.MultipleChoiceField(
        label=gettext_lazy("行为类型"), required=False, widget=forms.SelectMultiple(attrs={"size": 3})
    )
    conditions = forms.CharField(
        label=gettext_lazy("属性条件"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": gettext_lazy("category = 母婴\nseconds ≥ 30")}),
    )
    categories = forms.MultipleChoiceField(
        label=gettext_lazy("品类"), required=False, widget=forms.SelectMultiple(attrs={"size": 3})
    )
    channels = forms.MultipleChoiceField(
        label=gettext_lazy("渠道"), required=False, widget=forms.SelectMultiple(attrs={"size": 3})
    )
    least = forms.DecimalField(
        label=formats.with_sign(gettext_lazy("满多少（%(sign)s）")),
        min_value=Decimal("0.01"),
        max_digits=12,
        decimal_places=2,
        required=False,
    )
    weight = forms.IntegerField(label=gettext_lazy("分值"), min_value=-10_000, max_value=10_000, required=False)
    per = forms.ChoiceField(label=gettext_lazy("计分"), choices=PER, required=False)

    def __init__(self, *args: Any, offered: dict[str, list[tuple[str, str]]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, choices in offered.items():
            self.fields[name].choices = choices  # type: ignore[attr-defined]

    @property
    def narrowing_errors(self) -> list[str]:
        """Faults that would stay hidden under the closed part of the row."""
        return [name for name in NARROWING if self.is_bound and self[name].errors]

    @property
    def said(self) -> str:
        """What narrows the row, in a line."""
        found = []
        for name in NARROWING:
            value = self[name].value()
            labels = dict(getattr(self.fields[name], "choices", ()))
            found += [str(labels.get(each, each)) for each in (value if isinstance(value, list | tuple) else [value]) if each]
        return formats.listed(found)

    def clean_conditions(self) -> list[dict[str, str]]:
        """Lines of "name = value"."""
        return [_condition(line.strip()) for line in self.cleaned_data["conditions"].splitlines() if line.strip()]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("source") and given.get("weight") is None:
            self.add_error("weight", _("请填写分值。"))
        return given

    def document(self) -> dict[str, Any] | None:
        """The item as it is kept; None for a row left empty."""
        data = self.cleaned_data
        if not data.get("source"):
            return None
        kept = {"source": data["source"], "weight": data["weight"], "per": data["per"] or "time"}
        if data["source"] == "event":
            return {**kept, "kinds": data["kinds"], "where": data["conditions"]}
        if data["source"] == "order":
            least = int(data["least"] * 100) if data["least"] else 0
            return {**kept, "categories": data["categories"], "channels": data["channels"], "least": least}
        return kept


def _condition(line: str) -> dict[str, str]:
    """A line such as "seconds >= 30": split at the leftmost sign, as the value may have others in it."""
    signs = TYPED | {str(said): op for op, said in COMPARED}
    # A word of letters stands by itself: "contains" is no part of a name.
    known = "|".join(rf"(?<!\S){sign}(?!\S)" if sign.isascii() and sign.isalpha() else re.escape(sign) for sign in signs)
    name, sign, value = (part.strip() for part in [*re.split(f"({known})", line, maxsplit=1), "", ""][:3])
    if name and value:
        op = signs[sign]
        return {"name": name, "op": op, "value": unicodedata.normalize("NFKC", value) if op in ("gte", "lte") else value}
    raise forms.ValidationError(_("看不懂的条件：%(line)s。请写成“属性 = 值”，可用 =、包含、≥、≤。") % {"line": line})


class BonusForm(forms.Form):
    """One row; an empty field is no bonus."""

    field = forms.ChoiceField(label=gettext_lazy("资料"), required=False, choices=[EMPTY, *BONUSES.items()])
    key = forms.ChoiceField(label=gettext_lazy("自定义字段"), required=False)
    values = forms.CharField(label=gettext_lazy("是其中之一"), required=False, max_length=800, help_text=SEVERAL)
    weight = forms.IntegerField(label=gettext_lazy("分值"), min_value=-10_000, max_value=10_000, required=False)

    def __init__(self, *args: Any, keys: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["key"].choices = [("", "—"), *keys]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for name in ("values", "weight"):
            if given.get("field") and given.get(name) in (None, ""):
                self.add_error(name, _("请填写此项。"))
        return given

    def document(self) -> dict[str, Any] | None:
        """The bonus as it is kept; None for a row left empty."""
        data = self.cleaned_data
        if not data.get("field"):
            return None
        key = data["key"] if data["field"] == "attribute" else ""
        return {"field": data["field"], "key": key, "values": data["values"].split(), "weight": data["weight"]}


Items = forms.formset_factory(ItemForm, extra=2, max_num=30)
Bonuses = forms.formset_factory(BonusForm, extra=2, max_num=20)


@form_of("score")
class ScoreForm(SettingsForm):
    template: ClassVar[str] = "standings/settings/score.html"
    window_days = forms.IntegerField(label=gettext_lazy("统计窗口（天）"), min_value=7, max_value=1830)
    decay = forms.ChoiceField(
        label=gettext_lazy("随时间衰减"),
        widget=forms.RadioSelect,
        choices=[
            ("backtest", gettext_lazy("由回测选半衰期（推荐）")),
            ("days", gettext_lazy("用下面的半衰期")),
            ("none", gettext_lazy("不衰减")),
        ],
    )
    half_life = forms.IntegerField(
        label=gettext_lazy("半衰期（天）"), min_value=1, max_value=1830, help_text=gettext_lazy("每过这么多天，分值减半")
    )
    cut = forms.ChoiceField(
        label=gettext_lazy("分档"),
        widget=forms.RadioSelect,
        choices=[("share", gettext_lazy("按人数占比，每晚重新测定")), ("points", gettext_lazy("按固定分数"))],
    )
    shares = forms.CharField(label=gettext_lazy("温热、高热、极高各占前（%）"), max_length=20, required=False, help_text=SEVERAL)
    points = forms.CharField(label=gettext_lazy("温热、高热、极高各从多少分起"), max_length=30, required=False, help_text=SEVERAL)

    def __init__(self, pool: Pool, *args: Any, **kwargs: Any) -> None:
        super().__init__(pool, *args, **kwargs)
        given: Mapping[str, Any] | None = self.data if self.is_bound else None
        started = (lambda name: None) if self.is_bound else self.initial.get
        categories = sql.rows("segmentation/list_categories", {"pool": pool.pk, "q": "", "limit": KINDS})
        offered = {"kinds": kinds_of(pool), "categories": [(row["value"], row["value"]) for row in categories]}
        offered["channels"] = [(channel.code, str(channel)) for channel in Channel.objects.order_by("pk")]
        keys = [(field.key, str(field)) for field in fields_of(pool)]
        self.items: Any = Items(given, initial=started("items"), prefix="items", form_kwargs={"offered": offered})
        self.bonuses: Any = Bonuses(given, initial=started("bonuses"), prefix="bonuses", form_kwargs={"keys": keys})

    @classmethod
    def initial_of(cls, settings: ScoreSettings) -> dict[str, Any]:
        items = [
            {**item.model_dump(), "conditions": _lines(item.where), "least": Decimal(item.least) / 100 if item.least else None}
            for item in settings.items
        ]
        bonuses = [{**bonus.model_dump(), "values": " ".join(bonus.values)} for bonus in settings.bonuses]
        edges = {name: " ".join(map(str, getattr(settings, name))) for name in ("shares", "points")}
        return {**settings.model_dump(), **edges, "items": items, "bonuses": bonuses}

    def clean_shares(self) -> list[int]:
        return self._three("shares")

    def clean_points(self) -> list[int]:
        return self._three("points")

    def _three(self, name: str) -> list[int]:
        parts = self.cleaned_data[name].split()
        if not parts:
            return list(getattr(ScoreSettings(), name))
        if len(parts) != 3 or not all(part.isdecimal() and len(part) < 10 for part in parts):
            raise forms.ValidationError(_("请填写三个整数，用空格分开。"))
        return [int(part) for part in parts]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if not (self.items.is_valid() and self.bonuses.is_valid()):
            raise forms.ValidationError(_("有一行没有填对，请看标红的地方。"))
        return given

    def document(self) -> dict[str, Any]:
        rows = {
            name: [found for form in formset.forms if form.cleaned_data and (found := form.document())]
            for name, formset in (("items", self.items), ("bonuses", self.bonuses))
        }
        return {**self.cleaned_data, **rows}


def _lines(where: Any) -> str:
    return "\n".join(map(compared, where))
