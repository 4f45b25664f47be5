"""One condition as form fields: `<id>.fact`, `<id>.op`, `<id>.value` …, read from a form, written as JSON, and back.

A row may be unfinished; only its JSON is judged, by the parser. Filters are `<id>.f0.field` and so on.
"""

import re
import secrets
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.http import QueryDict

from scrm.lib.formats import CURRENCIES
from segmentation.rules.anchors import ANCHORS
from segmentation.rules.catalog import FILTER_BARE, Fact, Filter, Unknown, fact
from segmentation.rules.parse import MAX_FILTERS

FIRST_FACT = "last_order_at"
MONEY = ("money", "amount")
# What people type around a number: separators of thousands, any sign of money.
SIGNS = sorted({*CURRENCIES, *CURRENCIES.values(), "￥", "$", "元"}, key=len, reverse=True)
UNCOUNTED = re.compile(rf"[,，\s]|{'|'.join(map(re.escape, SIGNS))}")
NUMBER = re.compile(r"^-?\d{1,16}(\.\d{1,20})?$")
PART = re.compile(r'\s*(?:"((?:[^"]|"")*)"\s*|([^,，、]*))(?:[,，、]|$)')
WINDOW_KINDS = ("last", "next", "ago", "period", "dates", "since")
WINDOW_FIELDS = ("kind", "n", "unit", "far", "near", "period", "from", "to", "since", "days")


def uid() -> str:
    return "n" + secrets.token_hex(3)


@dataclass
class Narrow:
    """One filter of a condition as it stands in the form."""

    about: Filter
    op: str = ""
    values: list[str] = field(default_factory=list)
    name: str = ""
    find: str = ""

    def __post_init__(self) -> None:
        if self.op not in self.about.operators:
            self.op, self.values = self.about.operators[0], []

    @property
    def listed(self) -> bool:
        return self.op in ("in", "not_in") and self.about.kind != "property"

    @property
    def takes_value(self) -> bool:
        return self.op not in FILTER_BARE

    @property
    def money(self) -> bool:
        return self.about.kind == "money"


@dataclass
class Row:
    """One condition as it stands in the form: raw texts."""

    fact: str = FIRST_FACT
    op: str = ""
    values: list[str] = field(default_factory=list)
    of: list[str] = field(default_factory=list)
    window: dict[str, str] = field(default_factory=dict)
    find: str = ""
    find_of: str = ""
    id: str = field(default_factory=uid)
    window_of: list[str] = field(default_factory=list)
    filters: list[Narrow] = field(default_factory=list)
    then: dict[str, str] = field(default_factory=dict)
    then_of: list[str] = field(default_factory=list)
    kind = "row"

    def __post_init__(self) -> None:
        try:
            self.about: Fact = fact(self.fact)
        except Unknown:
            self.fact, self.op = FIRST_FACT, ""
            self.about = fact(FIRST_FACT)
        if self.op not in self.about.operators:
            self.op, self.values = self.about.operators[0], []
        if self.about.kind == "date" and self.takes_window and not self.window:
            self.window = {
                "kind": "next" if self.about.yearly else "last",
                "n": "30" if self.about.yearly else "90",
                "unit": "days",
            }
        if self.about.then and not self.then:
            self.then = {"n": "7", "unit": "days"}
        if self.about.filtered and not self.filters:
            self.narrow()

    def narrow(self) -> None:
        """One more filter, of the first field that has none yet."""
        taken = {each.about.key for each in self.filters}
        free = [each for each in self.about.filters if each.key not in taken or each.kind == "property"]
        if free and len(self.filters) < MAX_FILTERS:
            self.filters.append(Narrow(free[0]))

    @property
    def takes_window(self) -> bool:
        return self.about.takes_window(self.op)

    @property
    def takes_value(self) -> bool:
        return self.about.takes_value(self.op)

    @property
    def listed(self) -> bool:
        """Whether its value is picked from a list."""
        return self.about.kind in ("choice", "set", "list") or (self.about.kind == "text" and self.op in ("in", "not_in"))

    @property
    def window_kind(self) -> str:
        return self.window.get("kind", "")

    @property
    def money(self) -> bool:
        return self.about.kind in MONEY


# -- Form to row ---------------------------------------------------------------------------------
def decode(data: QueryDict, key: str) -> Row:
    """The row a form holds; what belongs to a fact that was just exchanged is dropped."""
    about, old = data.get(f"{key}.fact", FIRST_FACT), data.get(f"{key}.was", "")
    if old and old != about:
        return Row(about, id=key)
    texts = {name: data.get(f"{key}.w{name}", "") for name in WINDOW_FIELDS}
    return Row(
        about,
        data.get(f"{key}.op", ""),
        _filled(data, f"{key}.value"),
        _filled(data, f"{key}.of"),
        {name: text for name, text in texts.items() if text} if texts["kind"] in WINDOW_KINDS else {},
        data.get(f"{key}.find", "")[:60],
        data.get(f"{key}.findof", "")[:60],
        key,
        _filled(data, f"{key}.wof"),
        _narrows(data, key, about),
        {name: text for name in ("n", "unit") if (text := data.get(f"{key}.t{name}", ""))},
        _filled(data, f"{key}.tof"),
    )


def _filled(data: QueryDict, name: str) -> list[str]:
    return [value for value in data.getlist(name) if value.strip()]


def _narrows(data: QueryDict, key: str, about: str) -> list[Narrow]:
    try:
        known = fact(about)
    except Unknown:
        return []
    found = [_narrowed(data, f"{key}.f{n}", known) for n in data.getlist(f"{key}.f")[:MAX_FILTERS]]
    return [each for each in found if each is not None]


def _narrowed(data: QueryDict, name: str, about: Fact) -> Narrow | None:
    chosen, old = data.get(f"{name}.field", ""), data.get(f"{name}.was", "")
    one = about.filter(chosen)
    if one is None:
        return None
    if old and old != chosen:
        return Narrow(one)
    called = data.get(f"{name}.name", "").strip()
    return Narrow(one, data.get(f"{name}.op", ""), _filled(data, f"{name}.value"), called, data.get(f"{name}.find", "")[:60])


# -- Row to JSON ---------------------------------------------------------------------------------
def condition(row: Row) -> dict[str, Any]:
    made: dict[str, Any] = {"fact": row.fact, "op": row.op}
    if row.takes_value and row.values:
        made["value"] = _value(row)
    if row.about.subject and row.of:
        made["of"] = [_whole(text) for text in row.of] if row.about.subject.numeric else row.of
    if row.filters:
        made["where"] = [_where(each) for each in row.filters]
    if row.about.then:
        made["then"] = {"of": row.then_of} if row.about.then == "asked" else {}
        made["then"] |= {"within": _whole(row.then.get("n", "")), "unit": row.then.get("unit", "days")}
    if row.takes_window and row.window:
        made["window"] = _window(row.window, row.window_of)
    return made


def _value(row: Row) -> Any:
    if row.listed:
        return [_whole(text) for text in row.values] if row.about.numeric else row.values
    if row.about.kind == "text":
        return row.values[0]
    numbers = [_number(text, row.money) for text in row.values]
    return numbers[:2] if row.op == "between" else numbers[0]


def _where(each: Narrow) -> dict[str, Any]:
    made: dict[str, Any] = {"field": each.about.key, "op": each.op}
    if each.about.kind == "property":
        made["name"] = each.name
    if not each.takes_value or not each.values:
        return made
    if each.listed:
        return made | {"value": [_whole(text) for text in each.values] if each.about.numeric else each.values}
    if each.op == "in":
        return made | {"value": _parts(each.values[0])}
    if each.op in ("is", "is_not", "contains"):
        return made | {"value": each.values[0]}
    numbers = [_number(text, each.money) for text in each.values]
    return made | {"value": numbers[:2] if each.op == "between" else numbers[0]}


def _parts(text: str) -> list[str]:
    """Values written one after the other; one that holds a comma stands in quotation marks."""
    found = [quoted.replace('""', '"') if quoted else plain.strip() for quoted, plain in PART.findall(text)]
    return [part for part in found if part]


def _part(value: str) -> str:
    """A value as `_parts` reads it."""
    return value if _parts(value) == [value] else '"{}"'.format(value.replace('"', '""'))


def _whole(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d{1,12}", text) else text


def _number(text: str, money: bool) -> int | float | str:
    """What was typed as a number, money in minor units; the text itself when it is none."""
    plain = UNCOUNTED.sub("", text)
    if not NUMBER.match(plain):
        return text
    found = Decimal(plain).scaleb(2 if money else 0)
    return int(found) if found == found.to_integral_value() else float(found)


def _window(window: dict[str, str], of: list[str]) -> dict[str, Any]:
    match window.get("kind"):
        case "last" | "next" as kind:
            return {kind: _whole(window.get("n", "")), "unit": window.get("unit", "days")}
        case "ago":
            return {"ago": [_whole(window.get("far", "")), _whole(window.get("near", ""))]}
        case "period":
            return {"period": window.get("period", "this_month")}
        case "since":
            return _since(window, of)
    return {name: window[name] for name in ("from", "to") if window.get(name)} or {"from": None, "to": None}


def _since(window: dict[str, str], of: list[str]) -> dict[str, Any]:

    anchor = window.get("since", "last_order")
    made: dict[str, Any] = {"since": anchor}
    if anchor in ANCHORS and ANCHORS[anchor].source:
        made["of"] = of
    return made | ({"days": _whole(window["days"])} if window.get("days") else {})


# -- JSON to row ---------------------------------------------------------------------------------
def drafted(node: dict[str, Any]) -> Row:
    """The row of a kept condition, for editing."""
    about, then = fact(node["fact"]), node.get("then") or {}
    row = Row(
        about.key,
        node["op"],
        _texts(node.get("value"), about.kind in MONEY),
        [str(each) for each in node.get("of", [])],
        _drawn(node.get("window")),
        window_of=list((node.get("window") or {}).get("of", [])),
        then={"n": str(then["within"]), "unit": then.get("unit", "days")} if then else {},
        then_of=list(then.get("of", [])),
    )
    row.filters = [_undone(about, each) for each in node.get("where", [])]
    return row


def _undone(about: Fact, where: dict[str, Any]) -> Narrow:
    one = about.filter(where["field"])
    assert one is not None
    texts = _texts(where.get("value"), one.kind == "money")
    joined = [", ".join(map(_part, texts))] if one.kind == "property" and where["op"] == "in" else texts
    return Narrow(one, where["op"], joined, where.get("name", ""))


def _texts(value: Any, money: bool) -> list[str]:
    values = [] if value is None else list(value) if isinstance(value, list | tuple) else [value]
    return [_shown(each, money) for each in values]


def _shown(value: Any, money: bool) -> str:
    if isinstance(value, str):
        return value
    exact = f"{Decimal(str(value)).scaleb(-2 if money else 0):f}"
    return exact.rstrip("0").rstrip(".") if "." in exact else exact


def _drawn(window: dict[str, Any] | None) -> dict[str, str]:
    if not window:
        return {}
    for kind in ("last", "next"):
        if kind in window:
            return {"kind": kind, "n": str(window[kind]), "unit": window.get("unit", "days")}
    if "ago" in window:
        return {"kind": "ago", "far": str(window["ago"][0]), "near": str(window["ago"][1])}
    if "period" in window:
        return {"kind": "period", "period": window["period"]}
    if "since" in window:
        return {"kind": "since", "since": window["since"], **({"days": str(window["days"])} if window.get("days") else {})}
    return {"kind": "dates", **{name: day for name, day in window.items() if day}}
