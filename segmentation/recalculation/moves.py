"""Who went from which class to which between any two days: stages, lead stages, RFM groups and every scheme."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Min
from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.models import Pool, StateChange
from members.models.state import LeadStage, RfmGroup, Stage
from scrm.lib import sql
from scrm.lib.problems import Problem
from segmentation import bitmaps
from segmentation.models import Scheme
from segmentation.standings import queries as standings
from segmentation.standings.asked import end

OWN = {int(StateChange.Kind.STAGE): Stage, int(StateChange.Kind.RFM): RfmGroup, int(StateChange.Kind.LEAD): LeadStage}
GROUPS = (7, 5, 3, 1, 6, 4, 2, 0)  # as the glossary lists them
COLOURS: dict[int, dict[int, str]] = {
    1: {stage.value: f"@stage-{stage.name.lower()}" for stage in Stage},
    2: {group.value: f"@rfm-{group.name.lower()}" for group in RfmGroup},
    3: {1: "@stage-active", 2: "@chart-0", 3: "@stage-lead"},
}


@dataclass(frozen=True)
class Choice:
    """What may have moved: a kind of StateChange with its name and its codes in order."""

    kind: int
    label: str
    codes: Sequence[tuple[int, str]]
    family: str = ""

    def said(self, code: int | None) -> str:
        return _("无") if code is None else dict(self.codes).get(code, str(code))

    def colour(self, code: int | None) -> str:
        if code is None:
            return "@ink-3"
        found = COLOURS.get(2 if self.family == "rfm" else self.kind, {})
        places = [number for number, _label in self.codes]
        return found.get(code) or f"@chart-{places.index(code) % 8 if code in places else 7}"


def choices(pool: Pool) -> list[Choice]:
    """The product's own, and the schemes that are kept up."""
    groups = [(code, str(RfmGroup(code).label)) for code in GROUPS]
    own = [
        Choice(1, str(StateChange.Kind.STAGE.label), [(stage.value, str(stage.label)) for stage in Stage]),
        Choice(3, str(StateChange.Kind.LEAD.label), [(lead.value, str(lead.label)) for lead in LeadStage]),
        Choice(2, str(StateChange.Kind.RFM.label), groups),
    ]
    return own + [_of_scheme(scheme, groups) for scheme in standings.schemes(pool)]


def _of_scheme(scheme: Scheme, groups: list[tuple[int, str]]) -> Choice:
    codes = groups if scheme.family == "rfm" else [(code.number, str(code.label)) for code in standings.codes(scheme)]
    return Choice(scheme.kind, scheme.name, codes, scheme.family)


def choice(pool: Pool, kind: Any) -> Choice:
    """One of them; a Problem when there is none."""
    for each in choices(pool):
        if str(each.kind) == str(kind):
            return each
    raise Problem("unknown_kind", _("没有这种分类：%(kind)s") % {"kind": kind}, {"kind": [str(kind)]})


@dataclass(frozen=True)
class Span:
    """From the end of one day to the end of another, in the pool's days."""

    pool: Pool
    first: date
    last: date

    @property
    def since(self) -> datetime:
        return end(self.pool, self.first)

    @property
    def until(self) -> datetime:
        return end(self.pool, self.last)


def span(pool: Pool, first: str | None, last: str | None, as_of: datetime) -> Span:
    """Two days as sent; without them the last thirty. A Problem says what to mend."""
    today = as_of.astimezone(pool.zone).date()
    try:
        until = date.fromisoformat(last) if last else today
        since = date.fromisoformat(first) if first else until - timedelta(days=30)
    except ValueError as error:
        raise Problem("bad_date", _("日期须为年-月-日，如 2026-01-31。"), {"since": [str(error)]}) from error
    if since >= until:
        raise Problem("bad_dates", _("起始日期须早于结束日期。"), {"since": [_("起始日期须早于结束日期。")]})
    return Span(pool, since, until)


@dataclass(frozen=True)
class Cell:
    members: int
    url: str
    share: float  # of all who were in the row's class
    stayed: bool = False


@dataclass(frozen=True)
class Moves:
    """The matrix of one kind between two days; rows and columns in the kind's order, none last."""

    choice: Choice
    span: Span
    heads: list[tuple[int | None, str]]
    rows: list[tuple[str, int, list[Cell]]]  # from, how many, to each head
    sums: list[int]
    moved: int
    stayed: int
    known_since: datetime | None  # the history begins here
    flows: list[tuple[int | None, int | None, int]]


def moves(pool: Pool, kind: Any, between: Span) -> Moves:
    """Counted out of the history."""
    about = choice(pool, kind)
    given = {"pool_id": pool.pk, "kind": about.kind, "since": between.since, "until": between.until}
    found = [
        (row["from_code"], row["to_code"], row["members"]) for row in sql.rows("segmentation/standings/count_migrations", given)
    ]
    codes: list[int | None] = [code for code, _label in about.codes] + [None]
    cells = {(was, now): members for was, now, members in found}
    used = [code for code in codes if any(code in (was, now) for was, now, _n in found)] or codes[:-1]
    begin = StateChange.objects.filter(pool=pool, kind=about.kind).aggregate(first=Min("at"), last=Max("at"))
    stayed = sum(members for was, now, members in found if was == now)
    return Moves(
        about,
        between,
        [(code, about.said(code)) for code in used],
        [_row(about, between, code, used, cells) for code in used],
        [sum(cells.get((was, now), 0) for was in used) for now in used],
        sum(members for _was, _now, members in found) - stayed,
        stayed,
        begin["first"],
        sorted(found, key=lambda flow: -flow[2]),
    )


def _row(
    about: Choice, between: Span, was: int | None, used: list[int | None], cells: dict[Any, int]
) -> tuple[str, int, list[Cell]]:
    total = sum(cells.get((was, now), 0) for now in used)
    row = [(now, cells.get((was, now), 0)) for now in used]
    made = [Cell(n, address(about.kind, was, now, between), n / total if total else 0.0, was == now) for now, n in row]
    return about.said(was), total, made


def address(kind: int, was: int | None, now: int | None, between: Span) -> str:
    """The member list narrowed to who went this way."""
    from django.urls import reverse

    code = ["-" if each is None else str(each) for each in (was, now)]
    return f"{reverse('members:list')}?went={kind}~{code[0]}~{code[1]}~{between.first}~{between.last}"


# -- ?went=2~7~1~2026-09-01~2026-11-01: champions on the one day, to win back on the other ---------


def _read(pool: Pool, value: str) -> tuple[Choice, int | None, int | None, Span]:
    kind, was, now, first, last = value.split("~")
    codes = [None if text == "-" else int(text) for text in (was, now)]
    return choice(pool, kind), codes[0], codes[1], Span(pool, date.fromisoformat(first), date.fromisoformat(last))


def movers(pool: Pool, value: str) -> BitMap:
    """Whom the filter `went` selects."""
    about, was, now, between = _read(pool, value)
    given = {"pool_id": pool.pk, "kind": about.kind, "since": between.since, "until": between.until}
    (found,) = bitmaps.fetch(sql.text("segmentation/list_migrated"), {**given, "from_code": was, "to_code": now})
    return found


def say_movers(pool: Pool, value: str) -> str:
    """The filter `went` in words."""
    about, was, now, between = _read(pool, value)
    return _("%(label)s：%(first)s 的%(start)s → %(last)s 的%(end)s") % {
        "label": about.label,
        "first": between.first,
        "last": between.last,
        "start": about.said(was),
        "end": about.said(now),
    }
