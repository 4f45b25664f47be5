"""Value tiers: head, waist and tail by the share of the whole each carries."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import Field, model_validator

from members.attributes.queries import fields_of
from members.touching import VALUES
from scrm.lib import formats
from scrm.lib.problems import Problem
from segmentation.standings import columns
from segmentation.standings.columns import Column
from segmentation.standings.families import Ask, Code, Family, Settings, Statement, Words, refuse, register

TAIL, WAIST, HEAD = 1, 2, 3
KNOWN = (
    "(SELECT f.member_id, {value} AS value, {due} AS due FROM {facts} AS f INNER JOIN {scope} AS w ON w.member_id = f.member_id)"
)


class ValueSettings(Settings):
    """What a member is worth, and how much the tiers are to carry."""

    measure: Literal["total", "window", "attribute"] = "total"
    window_days: Annotated[int, Field(ge=7, le=3650)] = 365  # for "window"
    attribute: Annotated[str, Field(max_length=40)] = ""  # for "attribute": the key of a number of the pool's own fields
    cut: Literal["carried", "members"] = "carried"
    head: Annotated[int, Field(ge=1, le=98)] = 80  # per cent of the value (or of the members) that is head
    waist: Annotated[int, Field(ge=2, le=99)] = 95  # … that is head or waist

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.head >= self.waist:
            raise refuse("waist", gettext_lazy("腰部的界限须大于头部。"))
        if self.measure == "attribute" and not self.attribute:
            raise refuse("attribute", gettext_lazy("请选择作为会员价值的数字字段。"))
        return self


@register
class Value(Family):
    key: ClassVar[str] = "value"
    title: ClassVar[Words] = gettext_lazy("价值层")
    about: ClassVar[Words] = gettext_lazy("按累计贡献分头部、腰部、尾部，并给出各层实际占比")
    icon: ClassVar[str] = "chart-pie"
    settings: ClassVar[type[Settings]] = ValueSettings
    unit: ClassVar[Any] = "money"
    value_label: ClassVar[Words] = gettext_lazy("会员价值")

    def follows(self, settings: Any) -> frozenset[str]:
        return frozenset({VALUES} if settings.measure == "attribute" else ())

    def codes(self, settings: Any) -> Sequence[Code]:
        return [
            Code(TAIL, gettext_lazy("尾部"), "slate"),
            Code(WAIST, gettext_lazy("腰部"), "blue"),
            Code(HEAD, gettext_lazy("头部"), "green"),
        ]

    def columns(self, ask: Ask) -> Sequence[Column]:
        return _window(ask) if _is_another_window(ask) else ()

    def gather(self, ask: Ask) -> Statement | None:
        chosen: ValueSettings = ask.settings
        if chosen.measure != "attribute":
            return None
        return Statement("standings/gather_attribute", {"attribute": chosen.attribute}, is_for_both=True)

    def measure(self, ask: Ask) -> Statement | None:
        chosen: ValueSettings = ask.settings
        values = {"head": chosen.head, "waist": chosen.waist, "by_members": chosen.cut == "members"}
        return Statement("standings/measure_value", values, {"valued": self._valued(ask)})

    def compute(self, ask: Ask) -> Statement:
        values = {name: ask.edges.get(name) for name in ("head_from", "waist_from")}
        return Statement("standings/sort_by_value", values, {"valued": self._valued(ask)})

    def _valued(self, ask: Ask) -> pg.Composable:
        """A relation (member_id, value, due), whose slots the running fills."""
        if ask.settings.measure == "attribute":
            value, due, relation = "f.value", "f.due", "{gathered}"
        elif _is_another_window(ask):
            amount, oldest = _window(ask)
            due = f"f.{oldest.name} + interval '{ask.settings.window_days} days'"
            value, relation = f"f.{amount.name}", "{orders}"
        elif ask.settings.measure == "window":
            value, due, relation = "f.window_amount", "f.window_due", "{facts}"
        else:
            value, due, relation = "f.amount_total", "NULL::timestamptz", "{facts}"
        return pg.SQL(KNOWN.replace("{value}", value).replace("{due}", due).replace("{facts}", relation))

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        return {name: int(found[name]) if found[name] is not None else None for name in found}

    def refuse(self, settings: Any, pool: Any) -> None:
        numbers = [field.key for field in fields_of(pool) if field.kind == "number"]
        if settings.measure == "attribute" and settings.attribute not in numbers:
            said = _("没有这个数字字段：%(key)s") % {"key": settings.attribute}
            raise Problem("unknown_field", said, {"attribute": [said]})

    def outside(self, settings: Any) -> Words:
        return gettext_lazy("字段没有填写，或不大于 0") if settings.measure == "attribute" else super().outside(settings)

    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        if not edges.get("members"):
            return [(gettext_lazy("还没有可分层的会员"), "")]
        whole, everybody = edges["total"], edges["members"]
        rows: list[tuple[Words, Words]] = []
        for name, label in (("head", gettext_lazy("头部")), ("waist", gettext_lazy("腰部")), ("tail", gettext_lazy("尾部"))):
            said = (
                _("前 %(members)s 的会员贡献 %(share)s，起点 %(from)s")
                if name == "head"
                else _("%(members)s 的会员贡献 %(share)s，起点 %(from)s")
            )
            shares = {"members": formats.percent(edges[f"{name}_members"] / everybody, 1)}
            shares |= {"share": formats.percent(edges[f"{name}_value"] / whole, 1) if whole else "–"}
            rows.append((label, said % {**shares, "from": formats.money(edges.get(f"{name}_from") or 0)}))
        return rows

    def ahead(self, settings: Any, edges: Mapping[str, Any], standing: Any) -> Words:
        target = {TAIL: "waist_from", WAIST: "head_from"}.get(standing.code)
        if target is None or edges.get(target) is None:
            return ""
        label = self.codes(settings)[standing.code].label
        return _("再增加 %(amount)s 进入%(tier)s") % {
            "amount": formats.money(max(edges[target] - (standing.value or 0), 0)),
            "tier": label,
        }


def _is_another_window(ask: Ask) -> bool:
    """A window that the facts of the run do not have."""
    return ask.settings.measure == "window" and ask.settings.window_days != ask.window_days


def _window(ask: Ask) -> tuple[Column, Column]:
    """What was spent in the window, and its oldest order."""
    found = columns.windowed(ask.settings.window_days, ask.as_of)
    return found["amount"], found["oldest"]
