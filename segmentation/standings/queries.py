"""What pages, programs and other nouns read of schemes."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from django.core.cache import cache
from django.db.models import F, Q, QuerySet
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from members import versions
from members.models import Member, MemberStanding, Pool
from scrm.jobs.models import JobRun
from scrm.lib import formats, sql
from segmentation.models import Scheme
from segmentation.standings.families import Code, Family, Words, family, is_known

T = TypeVar("T")
PAGE = 25
KEPT = 3600
MANY, LARGEST = 10, 7  # of more classes than that, a card shows the largest
DUE = ("overdue", "week", "month")  # when the next step is expected


def schemes(pool: Pool, *, archived: bool = False) -> QuerySet[Scheme]:
    """Schemes of a pool, those of a family together."""
    return Scheme.objects.filter(pool=pool, is_active=not archived).select_related("pool", "actor").order_by("family", "pk")


def family_of(scheme: Scheme) -> Family | None:
    """How a scheme sorts; None when nobody declares its family any more."""
    return family(scheme.family) if is_known(scheme.family) else None


def chosen(scheme: Scheme) -> Any:
    """The settings the standings were computed with; before that, those wanted."""
    return family(scheme.family).settings.model_validate(scheme.applied or scheme.settings)


def codes(scheme: Scheme) -> list[Code]:
    """The classes of a scheme as it stands, from low to high."""
    return list(family(scheme.family).codes(chosen(scheme))) if is_known(scheme.family) else []


def listed(scheme: Scheme) -> list[Code]:
    """The classes of a scheme as lists show them."""
    return family(scheme.family).listed(chosen(scheme)) if is_known(scheme.family) else []


def labels(scheme: Scheme) -> dict[int, str | Promise]:
    """Code -> what people read."""
    return {code.number: code.label for code in codes(scheme)}


def value_text(scheme: Scheme, value: int | None) -> str:
    """MemberStanding.value as people read it."""
    about = family_of(scheme)
    if value is None or about is None or not about.unit:
        return ""
    ways: dict[str, Callable[[int], str]] = {
        "money": formats.money,
        "count": formats.full,
        "score": formats.full,
        "days": lambda n: _("%(n)s 天") % {"n": formats.full(n)},
        "number": lambda n: f"{n / 100:,.1f}",
    }
    return ways[about.unit](value)


# -- How many ------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Class:
    """One class of a scheme: how many stand in it, what their values add up to; how many it had before."""

    code: Code
    members: int
    share: float
    value: int | None = None
    value_share: float | None = None
    before: int | None = None

    @property
    def change(self) -> int | None:
        return None if self.before is None else self.members - self.before


def _kept(pool: Pool, name: str, key: object, make: Callable[[], T]) -> T:
    """An answer that holds until standings change."""
    known = versions.versions(pool.pk)
    full = f"standings:{name}:{pool.pk}:{key}:{known['standings']}:{known.get('members')}"
    found: T | None = cache.get(full)
    if found is None:
        found = make()
        cache.set(full, found, KEPT)
    return found


def held(scheme: Scheme, name: str, make: Callable[[], list[dict[str, Any]]]) -> dict[int, dict[str, Any]]:
    """What is said of one scheme by its codes; held until standings change."""
    return {row["code"]: row for row in _kept(scheme.pool, name, scheme.pk, make)}


def kept(scheme: Scheme, name: str, file: str, given: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    """Rows of a statement about one scheme by their code; held until standings change."""
    return held(scheme, name, lambda: sql.rows(f"segmentation/{file}", dict(given)))


def counts(pool: Pool, pks: Sequence[int]) -> dict[int, dict[int, tuple[int, int | None]]]:
    """Scheme -> code -> (members, sum of values)."""

    def count() -> dict[int, dict[int, tuple[int, int | None]]]:
        found: dict[int, dict[int, tuple[int, int | None]]] = defaultdict(dict)
        for row in sql.rows("segmentation/standings/count_codes", {"schemes": list(pks)}):
            found[row["scheme_id"]][row["code"]] = (row["members"], int(row["value"]) if row["value"] is not None else None)
        return dict(found)

    return _kept(pool, "counts", ".".join(map(str, pks)), count)


def distribution(scheme: Scheme, found: Mapping[int, tuple[int, int | None]] | None = None) -> list[Class]:
    """The classes as lists show them, with their sizes."""
    if found is None:
        found = counts(scheme.pool, [scheme.pk]).get(scheme.pk, {})
    return classes(listed(scheme), found)


def classes(
    known: Sequence[Code], found: Mapping[int, tuple[int, int | None]], before: Mapping[int, int] | None = None
) -> list[Class]:
    """Sizes as shares of all who stand somewhere."""
    everybody = sum(members for members, _value in found.values())
    whole = sum(value or 0 for _members, value in found.values())
    rows = []
    for code in known:
        members, value = found.get(code.number, (0, None))
        part = (value or 0) / whole if whole > 0 else None
        share = members / everybody if everybody else 0.0
        rows.append(Class(code, members, share, value, part, None if before is None else before.get(code.number, 0)))
    return rows


@dataclass(frozen=True)
class Card:
    """A scheme as the list shows it."""

    scheme: Scheme
    title: Words
    icon: str
    classes: list[Class]
    members: int

    @property
    def shown(self) -> list[Class]:
        """All of a few; the largest of many, in their order."""
        if len(self.classes) <= MANY:
            return self.classes
        largest = sorted(self.classes, key=lambda row: -row.members)[:LARGEST]
        return [row for row in self.classes if row in largest]

    @property
    def rest(self) -> list[Class]:
        return [row for row in self.classes if row not in self.shown]

    @property
    def rest_members(self) -> int:
        return sum(row.members for row in self.rest)


def cards(pool: Pool, *, archived: bool = False) -> list[Card]:
    """Schemes with their sizes."""
    found = [scheme for scheme in schemes(pool, archived=archived) if is_known(scheme.family)]
    sizes = counts(pool, [scheme.pk for scheme in found]) if found else {}
    return [_card(scheme, sizes.get(scheme.pk, {})) for scheme in found]


def _card(scheme: Scheme, sizes: Mapping[int, tuple[int, int | None]]) -> Card:
    about, rows = family(scheme.family), distribution(scheme, sizes)
    return Card(scheme, about.title, about.icon, rows, sum(row.members for row in rows))


def open_job(scheme: Scheme) -> JobRun | None:
    """The run that is to apply its settings, if one waits or goes on."""
    from segmentation.recalculation.services import KIND as WHOLE
    from segmentation.standings.services import KIND

    mine = Q(kind=KIND, params__scheme=scheme.pk) | Q(kind=WHOLE)
    return JobRun.objects.filter(mine, pool_id=scheme.pool_id, status__in=JobRun.OPEN).order_by("-id").first()


# -- Over time -----------------------------------------------------------------------------------
def sizes_by_day(scheme: Scheme) -> list[tuple[date, dict[int, int]]]:
    """Each day on which anything changed, and the sizes at its end."""
    given = {"pool_id": scheme.pool_id, "kind": scheme.kind, "zone": scheme.pool.time_zone}
    running: Counter[int] = Counter()
    days: dict[date, dict[int, int]] = {}
    for row in _kept(scheme.pool, "days", scheme.pk, lambda: sql.rows("segmentation/standings/count_daily_moves", given)):
        running[row["code"]] += int(row["members"])
        days[row["day"]] = dict(running)
    return list(days.items())


@dataclass(frozen=True)
class Matrix:
    """Who went from which class to which between two instants; null is outside of the scheme."""

    since: datetime
    until: datetime
    heads: list[Code]
    rows: list[tuple[Code | None, list[int], int]]  # from, to each of the heads and to nowhere, all of them
    entered: list[int]  # from nowhere to each of the heads
    moved: int
    stayed: int
    rose: int
    fell: int


def migrations(scheme: Scheme, since: datetime, until: datetime) -> Matrix:
    """The movements between two instants, from the history."""
    given = {"pool_id": scheme.pool_id, "kind": scheme.kind, "since": since, "until": until}
    key = f"{scheme.pk}:{since.timestamp()}:{until.timestamp()}"
    found = _kept(scheme.pool, "moves", key, lambda: sql.rows("segmentation/standings/count_migrations", given))
    cells = {(row["from_code"], row["to_code"]): row["members"] for row in found}
    heads = listed(scheme)
    rank = {code.number: place for place, code in enumerate(codes(scheme))}
    rows: list[tuple[Code | None, list[int], int]] = []
    for code in heads:
        row = [cells.get((code.number, each), 0) for each in [*(head.number for head in heads), None]]
        rows.append((code, row, sum(row)))
    ups = _moves(cells, lambda a, b: rank[b] > rank[a], rank)
    downs = _moves(cells, lambda a, b: rank[b] < rank[a], rank)
    stayed = sum(members for (a, b), members in cells.items() if a == b)
    entered = [cells.get((None, head.number), 0) for head in heads]
    return Matrix(since, until, heads, rows, entered, sum(cells.values()) - stayed, stayed, ups, downs)


def _moves(cells: Mapping[tuple[Any, Any], int], test: Callable[[int, int], bool], rank: Mapping[int, int]) -> int:
    return sum(members for (a, b), members in cells.items() if a in rank and b in rank and test(a, b))


def largest(found: Matrix, limit: int = 15) -> list[tuple[Code | None, Code | None, int]]:
    """The movements most members made: from, to (None: nowhere), how many; who stayed is not told."""
    known = {head.number: head for head in found.heads}
    ways = [each for each in moves(found) if each["from_code"] != each["to_code"]]
    ways.sort(key=lambda each: -each["members"])
    return [(known.get(each["from_code"]), known.get(each["to_code"]), each["members"]) for each in ways[:limit]]


def moves(found: Matrix) -> list[dict[str, Any]]:
    """The cells of a matrix that are not empty."""
    numbers: list[int | None] = [head.number for head in found.heads]
    cells = [(code.number if code else None, [*numbers, None], row) for code, row, _all in found.rows]
    cells.append((None, numbers, found.entered))
    return [
        {"from_code": start, "to_code": end, "members": n}
        for start, ends, row in cells
        for end, n in zip(ends, row, strict=True)
        if n
    ]


# -- Who -----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Standing:
    """Where a member stands in a scheme, in words."""

    scheme: Scheme
    row: MemberStanding
    code: Code
    value: str
    ahead: Words
    reasons: Sequence[tuple[str, str]] = ()  # of one member only: (what, how much)

    @property
    def title(self) -> Words:
        return family(self.scheme.family).title

    @property
    def ends(self) -> bool:
        return family(self.scheme.family).ends


def shown(scheme: Scheme, row: MemberStanding, known: Mapping[int, Code]) -> Standing:
    """A standing with its words."""
    about = family(scheme.family)
    code = known.get(row.code) or Code(row.code, str(row.code))
    ahead = about.ahead(chosen(scheme), scheme.edges, row)
    return Standing(scheme, row, code, value_text(scheme, row.value), ahead)


def of_member(member: Member, as_of: datetime) -> list[Standing]:
    """Where a member stands in every scheme kept up, and why."""
    rows = {row.scheme_id: row for row in MemberStanding.objects.filter(member=member)}
    found = [scheme for scheme in schemes(member.pool).filter(pk__in=rows) if is_known(scheme.family)]
    told = [shown(scheme, rows[scheme.pk], {code.number: code for code in codes(scheme)}) for scheme in found]
    return [replace(each, reasons=family(each.scheme.family).reasons(each.scheme, member, as_of)) for each in told]


@dataclass(frozen=True)
class People:
    """One page of members in a class, and where the next begins."""

    rows: list[Standing]
    next: str


def people(scheme: Scheme, *, code: int | None = None, due: str = "", as_of: datetime, after: str = "") -> People:
    """Members in a class, the nearest to the next one first; or those whose next step is expected, by date."""
    rows = MemberStanding.objects.filter(scheme_id=scheme.pk, pool_id=scheme.pool_id).select_related("member")
    rows = rows.filter(code=code) if code is not None else rows
    rows, key = (_expected(rows, due, as_of), "expected_at") if due in DUE else (rows, "value")
    found = list(_after(rows, key, after)[: PAGE + 1])
    known = {each.number: each for each in codes(scheme)}
    more = _mark(found[PAGE - 1], key) if len(found) > PAGE else ""
    return People([shown(scheme, row, known) for row in found[:PAGE]], more)


def _expected(rows: QuerySet[MemberStanding], due: str, as_of: datetime) -> QuerySet[MemberStanding]:
    if due == "overdue":
        return rows.filter(expected_at__lte=as_of)
    return rows.filter(expected_at__gt=as_of, expected_at__lte=as_of + timedelta(days=7 if due == "week" else 30))


def _after(rows: QuerySet[MemberStanding], key: str, mark: str) -> QuerySet[MemberStanding]:
    """From the mark of the last one of a page on; numbers fall, dates rise."""
    order = F("value").desc(nulls_last=True) if key == "value" else F("expected_at").asc()
    rows = rows.order_by(order, "member_id")
    number, _dot, pk = mark.partition(".")
    if not pk.isdecimal() or len(pk) > 18 or (number and not number.removeprefix("-").isdecimal()) or len(number) > 18:
        return rows
    if key == "expected_at":
        at = datetime.fromtimestamp(int(number) / 1_000_000, tz=UTC) if number and len(number) < 17 else None
        return rows.filter(Q(expected_at__gt=at) | Q(expected_at=at, member_id__gt=int(pk))) if at else rows
    if number == "":
        return rows.filter(value=None, member_id__gt=int(pk))
    return rows.filter(Q(value__lt=int(number)) | Q(value=int(number), member_id__gt=int(pk)) | Q(value=None))


def _mark(row: MemberStanding, key: str) -> str:
    if key == "value":
        return f"{'' if row.value is None else row.value}.{row.member_id}"
    assert row.expected_at is not None
    return f"{round(row.expected_at.timestamp() * 1_000_000)}.{row.member_id}"


def expected(scheme: Scheme, as_of: datetime) -> dict[str, int] | None:
    """How many are due when; None when the family expects nothing."""
    found = sql.row("segmentation/standings/count_expected", {"scheme_id": scheme.pk, "as_of": as_of})
    return found if found and MemberStanding.objects.filter(scheme_id=scheme.pk, expected_at__isnull=False).exists() else None


def said(lines: Iterable[tuple[Words, Words]]) -> list[tuple[str, str]]:
    """Words in the language of the moment."""
    return [(str(what), str(much)) for what, much in lines]


def told(scheme: Scheme) -> list[tuple[str, str]]:
    """What holds now, for people."""
    about = family_of(scheme)
    return said(about.told(chosen(scheme), scheme.edges)) if about and scheme.applied is not None else []
