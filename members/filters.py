"""What the member list can be narrowed by. Built-in facets: members/facets.py; other rooms and upper apps bring theirs:

    filters.register("segment", _("分群"), ids=members_of, describe=name_of, options=segments_of)  # a set of ids per value

    @filters.offer  # facets of a pool: typed controls that become conditions
    def attributes(pool: Pool) -> list[Facet]:
        return [Range("a_income", "收入", "number", where=…, group="attributes"), Choice("a_level", …), Text("a_hobby", …)]

A value that nobody knows narrows to nobody and is told as a problem, in words; it is never left out in silence.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members.models import Pool
from scrm.lib.formats import decimal, money
from scrm.lib.problems import Problem
from scrm.lib.registry import Registry

NONE = "none"
Option = tuple[Any, Any]  # value, label
Chip = tuple[str, str, str]  # key, value, label
Wrong = tuple[str, str]  # key, sentence
SHOWN = 40  # characters of a value that a sentence repeats

# The parts of the filter panel, in their order.
GROUPS = {
    "person": gettext_lazy("基本资料"),
    "attributes": gettext_lazy("自定义属性"),
    "tags": gettext_lazy("标签"),
    "state": gettext_lazy("生命周期与消费"),
    "reach": gettext_lazy("触达与授权"),
    "people": gettext_lazy("归属"),
    "source": gettext_lazy("来源"),
    "other": gettext_lazy("其他"),
}


@dataclass
class Reading:
    """What one facet made of an address."""

    where: Q | None = None
    ids: BitMap | None = None
    chips: list[Chip] = field(default_factory=list)
    wrong: list[Wrong] = field(default_factory=list)


class Facet(Protocol):
    """One thing to narrow by: it reads its own keys from the address, and names the control of the panel."""

    @property
    def key(self) -> str: ...
    @property
    def label(self) -> Any: ...
    @property
    def group(self) -> str: ...
    @property
    def control(self) -> str: ...
    @property
    def keys(self) -> tuple[str, ...]: ...
    def read(self, params: QueryDict, pool: Pool) -> Reading: ...


def unknown(key: str, label: Any, value: str) -> Wrong:
    """The sentence for a value nobody knows."""
    return key, _("筛选「%(label)s」里没有「%(value)s」，请重新选择") % {"label": label, "value": value[:SHOWN]}


def unreadable(key: str, label: Any, value: str, unit: str) -> Wrong:
    """The sentence for an end of a range that cannot be read."""
    wanted = {"day": _("日期（如 2026-01-31）"), "whole": _("整数")}.get(unit, _("数字"))
    return key, _("筛选「%(label)s」要填%(wanted)s，「%(value)s」不是") % {
        "label": label,
        "wanted": wanted,
        "value": value[:SHOWN],
    }


@dataclass(frozen=True)
class Choice:
    """Some values of a list; `where` says what several mean together (any of them, unless said otherwise).

    `of_pool(values, pool)` says it instead where that depends on the pool: its days, say.
    """

    key: str
    label: Any
    options: Callable[[Pool], Sequence[Option]]
    where: Callable[[list[str]], Q] = lambda values: Q(pk__in=[])
    sift: bool = False  # a box to search the options with
    group: str = "other"
    said: Any = "%(option)s"  # how a chip reads; lazy text
    of_pool: Callable[[list[str], Pool], Q] | None = None
    control = "choice"

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)

    def read(self, params: QueryDict, pool: Pool) -> Reading:
        """Nothing that exists was chosen: nobody, not everybody."""
        values = list(dict.fromkeys(value for value in params.getlist(self.key) if value))
        if not values:
            return Reading()
        known = {str(value): str(label) for value, label in self.options(pool)}
        chosen = [value for value in values if value in known]
        chips = [(self.key, value, str(self.said) % {"option": known[value], "label": self.label}) for value in chosen]
        wrong = [unknown(self.key, self.label, value) for value in values if value not in known]
        chips += [(self.key, value, f"{self.label}: {value[:SHOWN]}?") for value in values if value not in known]
        meant = (self.of_pool(chosen, pool) if self.of_pool else self.where(chosen)) if chosen else Q(pk__in=[])
        return Reading(meant, None, chips, wrong)


@dataclass(frozen=True)
class Range:
    """From … to, either end open. `unit`: whole, number, money (typed in yuan, given on as minor units), day."""

    key: str
    label: Any
    unit: str
    where: Callable[[Any, Any, Pool], Q]
    group: str = "other"
    suffix: Any = ""  # what stands behind a number
    control = "range"

    @property
    def ends(self) -> tuple[str, str]:
        return f"{self.key}_min", f"{self.key}_max"

    @property
    def keys(self) -> tuple[str, ...]:
        return self.ends

    def read(self, params: QueryDict, pool: Pool) -> Reading:
        """The condition and a chip per end; what cannot be read as a number or a day is said."""
        found, bounds = Reading(), list[Any]()
        for end, sign in zip(self.ends, ("≥", "≤"), strict=True):
            text = params.get(end, "").strip()
            value = self._value(text) if text else None
            bounds.append(value)
            if value is not None:
                found.chips.append((end, params.get(end, ""), f"{self.label} {sign} {self._shown(value)}"))
            elif text:
                found.wrong.append(unreadable(end, self.label, text, self.unit))
                found.chips.append((end, params.get(end, ""), f"{self.label} {sign} {text[:SHOWN]}?"))
        if bounds != [None, None]:
            found.where = self.where(bounds[0], bounds[1], pool)
        if found.wrong:
            found.where = Q(pk__in=[])
        return found

    def _value(self, text: str) -> Any:
        try:
            if self.unit == "day":
                return date.fromisoformat(text)
            number = float(text) if self.unit in ("number", "money") else int(text)
            if not abs(number) < 2**53:
                return None
            return round(number * 100) if self.unit == "money" else number
        except (ValueError, OverflowError):
            return None

    def _shown(self, value: Any) -> str:
        if self.unit == "money":
            return money(value, 0)
        return f"{decimal(value, 6) if isinstance(value, float) else value}{self.suffix}"


@dataclass(frozen=True)
class Text:
    """A text to be found in something."""

    key: str
    label: Any
    where: Callable[[str, Pool], Q]
    group: str = "other"
    placeholder: Any = ""
    control = "text"

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)

    def read(self, params: QueryDict, pool: Pool) -> Reading:
        text = " ".join(params.get(self.key, "").split())[:120]
        if not text:
            return Reading()
        return Reading(self.where(text, pool), None, [(self.key, params.get(self.key, ""), f"{self.label}: {text}")])


@dataclass(frozen=True)
class Extra:
    """A filter that knows its members as a set of ids: what it is called, whom a value selects, how a value reads.

    Several values mean any of them. With `options` it stands in the filter panel, otherwise only in addresses.
    """

    key: str
    label: Any
    ids: Callable[[Pool, str], BitMap]
    describe: Callable[[Pool, str], str]
    options: Callable[[Pool], Sequence[Option]] | None = None
    group: str = "other"
    sift: bool = True

    @property
    def control(self) -> str:
        return "choice" if self.options else ""

    @property
    def keys(self) -> tuple[str, ...]:
        return (self.key,)

    def read(self, params: QueryDict, pool: Pool) -> Reading:
        values = list(dict.fromkeys(value for value in params.getlist(self.key) if value))
        found = Reading(ids=BitMap() if values else None)
        for value in values:
            try:
                members = self.ids(pool, value)
                words = f"{self.label}: {self.describe(pool, value)}"
            except Problem as refused:  # it is there, but cannot be worked out: the sentence says why
                found.chips.append((self.key, value, f"{self.label}: {value[:SHOWN]}?"))
                found.wrong.append((self.key, refused.message))
                continue
            except (ValueError, OverflowError):
                found.chips.append((self.key, value, f"{self.label}: {_('不存在')}"))
                found.wrong.append(unknown(self.key, self.label, value))
                continue
            found.ids = members if found.ids is None else found.ids | members
            found.chips.append((self.key, value, words))
        return found


extras: Registry[Extra] = Registry("member filter")
Provider = Callable[[Pool], Sequence[Facet]]
providers: list[Provider] = []


def register(
    key: str,
    label: Any,
    ids: Callable[[Pool, str], BitMap],
    describe: Callable[[Pool, str], str] | None = None,
    *,
    options: Callable[[Pool], Sequence[Option]] | None = None,
    group: str = "other",
) -> None:
    """Declare `?key=value`: `ids(pool, value)` are the member ids it selects.

    It raises ValueError for nonsense, Problem for what is there but cannot be worked out.
    """
    extras.register(key)(Extra(key, label, ids, describe or (lambda _pool, value: value), options, group))


def offer(provider: Provider) -> Provider:
    """Declare facets that depend on the pool; keys are the provider's own (`a_…` custom attributes, `store`, `community` …)."""
    providers.append(provider)
    return provider


def offered(pool: Pool) -> list[Facet]:
    """Everything that is not built in."""
    return [facet for provider in providers for facet in provider(pool)] + [extra for _key, extra in extras.items()]
