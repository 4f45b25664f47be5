"""A rule as a sentence, in Chinese or English, whatever the language of the moment."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from segmentation.rules import happenings
from segmentation.rules.anchors import ANCHORS
from segmentation.rules.ast import All, AnyOf, Condition, Not, Where, Window
from segmentation.rules.catalog import Choice, Fact, Filter, Subject, Text, fact
from segmentation.rules.periods import AHEAD, PERIODS, UNITS

Names = Callable[[str, Any], str]  # (source of choices, value) -> what people call it
SHOWN = 6
PLAIN_SOURCES = frozenset({"cities", "provinces", "channels", "staff", "stages", "rfm_groups", "stores", "home_stores"})

COMPARED = {
    "gte": Text("不少于 {x}{unit}", "at least {x}{unit}"),
    "gt": Text("多于 {x}{unit}", "more than {x}{unit}"),
    "lte": Text("不超过 {x}{unit}", "at most {x}{unit}"),
    "lt": Text("少于 {x}{unit}", "fewer than {x}{unit}"),
    "eq": Text("正好 {x}{unit}", "exactly {x}{unit}"),
    "between": Text("在 {x} 到 {y}{unit}之间", "between {x} and {y}{unit}"),
}
SAID = {
    "in": Text("{label}是{x}", "{label} is {x}"),
    "not_in": Text("{label}不是{x}", "{label} is not {x}"),
    "is": Text("{label}是{x}", "{label} is {x}"),
    "is_not": Text("{label}不是{x}", "{label} is not {x}"),
    "contains": Text("{label}包含{x}", "{label} contains {x}"),
    "not_contains": Text("{label}不含{x}", "{label} does not contain {x}"),
    "starts_with": Text("{label}以{x}开头", "{label} starts with {x}"),
    "known": Text("{label}已知", "{label} is known"),
    "unknown": Text("{label}未知", "{label} is not known"),
    "within": Text("{label}在{window}", "{label} was {window}"),
    "not_within": Text("{label}不在{window}", "{label} was not {window}"),
}
WHERE = {
    "in": Text("{label}是{x}", "{label} {x}"),
    "not_in": Text("{label}不是{x}", "{label} not {x}"),
    "is": Text("{label}是{x}", "{label} is {x}"),
    "is_not": Text("{label}不是{x}", "{label} is not {x}"),
    "contains": Text("{label}包含{x}", "{label} contains {x}"),
    "yes": Text("{label}", "{label}"),
    "no": Text("没有{label}", "not {label}"),
    "known": Text("有{label}", "{label} is known"),
    "unknown": Text("没有{label}", "{label} is not known"),
}
TRUE = {"yes": Text("{label}为真", "{label} is true"), "no": Text("{label}为假", "{label} is false")}
EVERYBODY = Text("全部会员", "all members")
HAN, LATIN = "[\u3400-\u9fff]", "[A-Za-z0-9]"
MEET = re.compile(f"(?<={HAN})(?={LATIN})|(?<={LATIN})(?={HAN})")
OPEN, CLOSE = "\ue000", "\ue001"  # around what people named: it is said as they write it, spaces only go before and after
NAMED = re.compile(f"{OPEN}(.*?){CLOSE}", re.DOTALL)


def explain(node: Any, language: str, names: Names | None = None, currency: str = "¥") -> str:
    """The sentence of a rule."""
    teller = _Teller("zh" if language.startswith("zh") else "en", names or (lambda _source, value: str(value)), currency)
    return teller.spaced(teller.whole(node))


@dataclass(frozen=True)
class Wanted:
    """A condition taken apart: what was looked at, what was asked of it, and how a value of it is said."""

    looked_at: str
    asked: str
    say: Callable[[Any], str]


def wanted(condition: Condition, language: str, names: Names, currency: str = "¥") -> Wanted:
    """What a condition looks at and wants, for showing beside the value that was found."""
    teller = _Teller("zh" if language.startswith("zh") else "en", names, currency)
    about = fact(condition.fact)
    looked_at, asked = teller.looked_at(about, condition), teller.demand(about, condition)
    return Wanted(teller.spaced(looked_at), teller.spaced(asked), partial(teller.told, about))


class _Teller:
    def __init__(self, language: str, names: Names, currency: str) -> None:
        self.zh = language == "zh"
        self.language, self.called, self.currency = language, names, currency

    def names(self, source: str, value: Any) -> str:
        return self.kept(self.called(source, value))

    def kept(self, name: Any) -> str:
        """Marked as a name: never spaced inside."""
        return f"{OPEN}{name}{CLOSE}"

    def spaced(self, told: str) -> str:
        """The pieces joined: Chinese has a space beside Latin letters and digits, names stay as people wrote them."""
        if not self.zh:
            return NAMED.sub(r"\1", told)
        parts = [part if n % 2 else MEET.sub(" ", part) for n, part in enumerate(NAMED.split(told)) if part]
        return _met(parts)

    def text(self, found: Text) -> str:
        return found.said(self.language)

    def whole(self, node: Any) -> str:
        return self.text(EVERYBODY) if node == All() else self.node(node, top=True)

    def node(self, node: Any, *, top: bool = False) -> str:
        match node:
            case Condition():
                return self.condition(node)
            case Not(child):
                return f"{'排除' if self.zh else 'excluding '}{self.bracketed(self.node(child, top=True))}"
            case All(found) | AnyOf(found):
                word = (("，且" if self.zh else ", and "), ("，或" if self.zh else ", or "))[isinstance(node, AnyOf)]
                told = word.join(self.node(child) for child in found)
                return told if top or len(found) == 1 else self.bracketed(told)
        raise TypeError(node)

    def bracketed(self, told: str) -> str:
        return f"（{told}）" if self.zh else f"({told})"

    def condition(self, condition: Condition) -> str:
        about = fact(condition.fact)
        if condition.op in ("known", "unknown"):
            return self.stated(about, condition)
        tell = {"set": self.chosen, "count": self.counted, "sample": self.sample, "list": self.listed}.get(
            about.kind, self.stated
        )
        return tell(about, condition)

    # -- Kinds of conditions ---------------------------------------------------------------------
    def stated(self, about: Fact, condition: Condition) -> str:
        label, window = self.phrase(about, condition), self.window(condition.window)
        if about.kind == "date":
            told = self.said(condition.op, label=label, window=self.inside(window, condition.window))
            return told.replace(" was ", " is ", 1) if about.ahead and not self.zh else told
        if condition.op in SAID:
            return self.said(condition.op, label=label, x=self.value(about, condition.value))
        compared = self.compared(about, condition)
        if self.zh:
            return f"{window}{label}{compared}"
        return " ".join(part for part in (label, window, "is", compared) if part)

    def inside(self, told: str, window: Window | None) -> str:
        """A window after 在: 在近 90 天内, 在 2026-01-01 以来."""
        if self.zh and window and (window.last or window.ahead):
            return f"{told}内"
        return f" {told}" if self.zh and told[:1].isdigit() else told

    def counted(self, about: Fact, condition: Condition) -> str:
        window = self.window(condition.window)
        if condition.op in ("any", "none"):
            deed = self.filled(self.text(about.deed or about.label), about, condition)
            no = condition.op == "none"
            if self.zh:
                return f"{window}{'没' if no else ''}{deed}"
            return f"has {'not ' if no else ''}{deed} {window}".rstrip()
        phrase, compared = self.phrase(about, condition), self.compared(about, condition)
        return f"{window}{phrase}{compared}" if self.zh else f"has {compared} {phrase} {window}".rstrip()

    def chosen(self, about: Fact, condition: Condition) -> str:
        told = about.deny if condition.op == "none" else about.deed
        joint = "all" if condition.op == "all" else "any"
        found = self.named(self.text(told or about.label), about).replace(
            "{of}", self.listing(about, about.source, condition.value, joint)
        )
        found += self.narrowed(about, condition)
        if condition.window is None:
            return found
        window = self.window(condition.window)
        return f"{window}{found}" if self.zh else f"{found} {window}"

    def sample(self, about: Fact, condition: Condition) -> str:
        return f"随机抽取 {condition.value:g}% 的会员" if self.zh else f"a random {condition.value:g}% of members"

    def listed(self, about: Fact, condition: Condition) -> str:
        n = f"{len(condition.value):,}"
        no = condition.op == "none"
        if self.zh:
            return f"{'不在' if no else '在'}指定的 {n} 位会员中"
        return f"is {'not ' if no else ''}one of {n} given members"

    # -- Taken apart, beside a value -------------------------------------------------------------
    def looked_at(self, about: Fact, condition: Condition) -> str:
        """ "orders in the last 90 days"."""
        phrase = self.phrase(about, condition)
        if condition.window is None or about.kind == "date":
            return phrase
        window = self.window(condition.window)
        return f"{window}{phrase}" if self.zh else f"{phrase} {window}"

    def demand(self, about: Fact, condition: Condition) -> str:
        """ "at least 2"; the whole sentence where it cannot be taken apart."""
        op = condition.op
        if about.kind == "count" and op in ("any", "none"):
            return self.text(COMPARED["gte" if op == "any" else "lt"]).format(x=1, unit="")
        if op in COMPARED:
            return self.compared(about, condition)
        if op in SAID and about.kind in ("choice", "text", "date"):
            told = self.stated(about, condition)
            label = self.phrase(about, condition)
            return told.removeprefix(label).strip() or told
        return self.condition(condition)

    def told(self, about: Fact, value: Any) -> str:
        """A value as people read it, on its own."""
        return self.spaced(self.found(about, value))

    def found(self, about: Fact, value: Any) -> str:
        if value is None or value == "":
            return "未知" if self.zh else "unknown"
        if about.kind in ("count", "amount", "money", "number"):
            return f"{self.number(about, float(value))}{self.unit(about)}".strip()
        if isinstance(value, list):
            return self.listing(about, about.source, tuple(value), "all") if value else ("无" if self.zh else "none")
        if about.kind == "choice":
            return self.listing(about, about.source, (value,), "any")
        return f"{value:%Y-%m-%d %H:%M}" if isinstance(value, datetime) else self.kept(value)

    # -- Parts -----------------------------------------------------------------------------------
    def said(self, op: str, **parts: str) -> str:
        return self.text(SAID[op]).format(**{"label": "", "x": "", "window": "", **parts})

    def phrase(self, about: Fact, condition: Condition) -> str:
        return self.filled(self.text(about.phrase or about.label), about, condition)

    def filled(self, told: str, about: Fact, condition: Condition) -> str:
        """`[…]` is said only when something was chosen; `{of}` is what."""
        told = self.followed(self.named(told, about), about, condition)
        if not condition.of or about.subject is None:
            told = re.sub(r"\[[^\]]*\]", "", told)
        else:
            told = re.sub(r"[\[\]]", "", told).replace("{of}", self.subject(about.subject, condition.of))
        return told + self.narrowed(about, condition)

    def followed(self, told: str, about: Fact, condition: Condition) -> str:
        """What has to follow, and how soon."""
        if condition.then is None:
            return told
        unit = self.text(UNITS[condition.then.unit])
        n = condition.then.within
        told = told.replace("{within}", f"{n} {unit}" if self.zh else _counted(n, unit))
        source = about.subject.source if about.subject else ""
        named = [self.quoted(source, self.happening(source, each)) for each in condition.then.of]
        return told.replace("{then}", self.joined(named, "any")) if named else told

    def happening(self, source: str, value: Any) -> str:
        special = happenings.SPECIAL.get(value)
        return self.text(special[0]) if special else self.names(source, value)

    def narrowed(self, about: Fact, condition: Condition) -> str:
        """The filters, in brackets."""
        if not condition.where:
            return ""
        told = ("，" if self.zh else ", ").join(self.where(about, each) for each in condition.where)
        return f"（{told}）" if self.zh else f" ({told})"

    def where(self, about: Fact, where: Where) -> str:
        one = about.filter(where.field)
        assert one is not None
        label = (
            (f"「{self.kept(where.name)}」" if self.zh else f"“{where.name}”") if one.kind == "property" else self.text(one.label)
        )
        if where.op in COMPARED:
            return f"{label}{self.limits(one, where)}" if self.zh else f"{label} {self.limits(one, where)}"
        told = TRUE.get(where.op) if one.kind == "property" else None
        return self.text(told or WHERE[where.op]).format(label=label, x=self.compared_with(one, where.value))

    def limits(self, one: Filter, where: Where) -> str:
        ends = where.value if isinstance(where.value, tuple) else (where.value, where.value)
        low, high = (f"{self.currency}{_trimmed(end / 100)}" if one.kind == "money" else _trimmed(end) for end in ends)
        told = self.text(COMPARED[where.op]).replace("fewer than", "less than")
        return told.format(x=low, y=high, unit=" " if self.zh and where.op == "between" else "")

    def compared_with(self, one: Filter, value: Any) -> str:
        if isinstance(value, tuple):
            return self.chosen_of(one.choices, one.source, value, "any")
        return "" if value is None else f"「{self.kept(value)}」" if self.zh else f"“{value}”"

    def named(self, told: str, about: Fact) -> str:
        """The name the pool gave its own field or scheme."""
        if about.scheme:
            return told.replace("{name}", self.names("schemes", about.scheme))
        return told.replace("{name}", self.names("own_fields", about.attribute)) if about.attribute else told

    def subject(self, subject: Subject, of: Sequence[Any]) -> str:
        if subject.single:
            return self.names(subject.source, of[0])
        return self.joined([self.quoted(subject.source, self.happening(subject.source, value)) for value in of], "any")

    def value(self, about: Fact, value: Any) -> str:
        if isinstance(value, tuple):
            return self.listing(about, about.source, value, "any")
        return f"「{self.kept(value)}」" if self.zh else f"“{value}”"

    def listing(self, about: Fact, source: str, values: Sequence[Any], joint: str) -> str:
        return self.chosen_of(about.choices, source, values, joint)

    def chosen_of(self, choices: Sequence[Choice], source: str, values: Sequence[Any], joint: str) -> str:
        static = {choice.value: self.text(choice.label) for choice in choices}
        return self.joined([static[v] if v in static else self.quoted(source, self.names(source, v)) for v in values], joint)

    def quoted(self, source: str, name: str) -> str:
        if source in PLAIN_SOURCES:
            return name
        return f"「{name}」" if self.zh else f"“{name}”"

    def joined(self, items: list[str], joint: str) -> str:
        if len(items) > SHOWN:
            head, n = items[: SHOWN - 1], len(items)
            return f"{'、'.join(head)}等 {n} 项" if self.zh else f"{', '.join(head)} and {n - len(head)} more"
        if len(items) < 2:
            return "".join(items)
        word = {"any": ("或", " or "), "all": ("和", " and ")}[joint][not self.zh]
        return ("、" if self.zh else ", ").join(items[:-1]) + word + items[-1]

    def compared(self, about: Fact, condition: Condition) -> str:
        ends = condition.value if isinstance(condition.value, tuple) else (condition.value, condition.value)
        told = self.text(COMPARED[condition.op])
        if condition.op == "lt" and about.kind != "count":
            told = told.replace("fewer than", "less than")
        unit = "" if about.kind == "count" and not self.zh else self.unit(about)
        if self.zh and condition.op == "between":
            unit = unit or " "
        return told.format(x=self.number(about, ends[0]), y=self.number(about, ends[-1]), unit=unit)

    def number(self, about: Fact, value: float) -> str:
        if about.kind in ("money", "amount"):
            return f"{self.currency}{_trimmed(value / 100)}"
        return _trimmed(value)

    def unit(self, about: Fact) -> str:
        if about.unit is None or about.kind in ("money", "amount"):
            return ""
        return f" {self.text(about.unit)}"

    def window(self, window: Window | None) -> str:
        if window is None:
            return ""
        if window.last is not None:
            unit = self.text(UNITS[window.unit])
            return f"近 {window.last} {unit}" if self.zh else f"in the last {_plural(window.last, unit)}"
        if window.ago is not None:
            far, near = window.ago
            return f"{near}～{far} 天前" if self.zh else f"{near} to {far} days ago"
        if window.ahead is not None:
            unit = self.text(UNITS[window.unit])
            return f"未来 {window.ahead} {unit}" if self.zh else f"in the next {_plural(window.ahead, unit)}"
        if window.period is not None:
            return self.text((PERIODS | AHEAD)[window.period])
        if window.since is not None:
            return self.since(window)
        return self.dates(window)

    def since(self, window: Window) -> str:
        anchor = ANCHORS[window.since or ""]
        of = self.joined([self.quoted(anchor.source, self.names(anchor.source, each)) for each in window.of], "any")
        begun = self.text(anchor.label).replace("{of}", of)
        if window.days is None:
            return f"{begun}以来" if self.zh else f"since {begun}"
        return f"{begun}后 {window.days} 天内" if self.zh else f"within {_counted(window.days, 'days')} after {begun}"

    def dates(self, window: Window) -> str:
        start, end = window.start, window.end
        if start and end:
            return f"{start} 至 {end} " if self.zh else f"from {start} to {end}"
        if start:
            return f"{start} 以来" if self.zh else f"since {start}"
        return f"{end} 及以前" if self.zh else f"up to {end}"


def _met(parts: Sequence[str]) -> str:
    told = ""
    for part in parts:
        told += " " + part if told and MEET.search(told[-1] + part[0]) else part
    return told


def _plural(n: int, unit: str) -> str:
    return unit.removesuffix("s") if n == 1 else f"{n} {unit}"


def _counted(n: int, unit: str) -> str:
    return f"{n} {unit.removesuffix('s') if n == 1 else unit}"


def _trimmed(value: float) -> str:
    return f"{value:,.2f}".rstrip("0").rstrip(".")
