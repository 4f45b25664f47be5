"""What the pages of data quality show."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from members.importing import codes
from members.models import DailyFigure, ImportRun, Pool
from members.quality import behind, figures
from scrm.lib import sql

REFUSED_WITHIN = timedelta(days=30)
TREND = timedelta(days=90)


@dataclass(frozen=True)
class Line:
    """One figure of one source: how many members, which share of the source, where its rows are."""

    name: str
    label: str
    members: int
    share: float | None
    url: str
    lacking_url: str = ""
    before: int | None = None
    total: int = 0

    @property
    def lacking(self) -> int:
        """Members of the source who do not have it."""
        return self.total - self.members

    @property
    def change(self) -> int | None:
        return None if self.before is None else self.members - self.before


@dataclass(frozen=True)
class Source:
    """A row of the overview: a channel and its worst shares."""

    id: int
    name: str
    members: int
    coverage: float | None
    reachable: float | None
    invalid: int
    duplicates: int
    stale: int
    conflicts: int
    refused: int


@dataclass(frozen=True)
class Refusal:
    """A code that imports refused rows for, and the latest import with such a row."""

    code: str
    sentence: str
    n: int
    latest: int


def counted_at(pool: Pool) -> datetime | None:
    """When the figures were last counted."""
    row = DailyFigure.objects.filter(pool=pool, name="members").order_by("-day").values_list("at", flat=True).first()
    return row


def latest(pool: Pool) -> dict[int, dict[str, int]]:
    """Source → figure → members, as last counted."""
    day = DailyFigure.objects.filter(pool=pool, name="members").order_by("-day").values_list("day", flat=True).first()
    return on(pool, day) if day else {}


def on(pool: Pool, day: date) -> dict[int, dict[str, int]]:
    """The figures of one day."""
    found: dict[int, dict[str, int]] = {}
    for source, name, members in DailyFigure.objects.filter(pool=pool, day=day).values_list("source", "name", "value"):
        found.setdefault(source, {})[name] = members
    return {source: rows for source, rows in found.items() if "members" in rows}


def refusals(pool: Pool, as_of: datetime) -> dict[int, list[Refusal]]:
    """Source → refused rows of the last thirty days by code, the most frequent first."""
    found: dict[int, list[Refusal]] = {}
    for row in sql.rows("members/quality/count_refusals", {"pool": pool.pk, "since": as_of - REFUSED_WITHIN}):
        said = Refusal(row["code"], codes.sentence(row["code"]), row["n"], row["latest"])
        found.setdefault(row["source"], []).append(said)
    return found


def sources(pool: Pool, as_of: datetime) -> list[Source]:
    """Every source with members or refused rows, the largest first; the whole pool before them."""
    counts, bad = latest(pool), refusals(pool, as_of)
    if counts:
        bad[DailyFigure.WHOLE] = [each for rows in bad.values() for each in rows]
    known = set(counts) | set(bad)
    rows = [_source(each, counts.get(each, {}), sum(one.n for one in bad.get(each, []))) for each in known]
    return sorted(rows, key=lambda row: (row.id != DailyFigure.WHOLE, -row.members))


def _source(source: int, counts: dict[str, int], refused: int) -> Source:
    members = counts.get("members", 0)
    fields = [n for name, n in counts.items() if name.startswith("field.")]
    return Source(
        source,
        behind.source_name(source),
        members,
        sum(fields) / (members * len(fields)) if members and fields else None,
        counts.get("identity.any", 0) / members if members else None,
        sum(n for name, n in counts.items() if name.startswith("invalid.")),
        counts.get(figures.DUPLICATES, 0),
        counts.get(f"stale.{figures.USUAL_STALE}", 0),
        counts.get("conflict.overruled", 0) + counts.get("review.conflict", 0),
        refused,
    )


# -- One source ----------------------------------------------------------------------------------
SECTIONS = ("field", "identity", "invalid", "duplicate", "stale", "conflict")


def sections(pool: Pool, source: int) -> dict[str, list[Line]]:
    """The figures of one source by section, each with its change since a week before."""
    now = latest(pool).get(source, {})
    before = _week_before(pool).get(source, {})
    known = figures.every(pool)
    labels = {name: figure.label for name, figure in known.items()} | {name: str(each) for name, each in figures.OTHERS.items()}
    lines: dict[str, list[Line]] = {section: [] for section in SECTIONS}
    for name, members in now.items():
        # A kind of identity that nobody of the source has says nothing about how well it is kept.
        if name in labels and name != "members" and (members or name == "identity.any" or not name.startswith("identity.")):
            group = "conflict" if name == "review.conflict" else "duplicate" if name == "review.open" else name.partition(".")[0]
            lines[group].append(_line(name, labels[name], members, now["members"], source, before.get(name)))
    order = list(labels)
    return {section: sorted(rows, key=lambda line: order.index(line.name)) for section, rows in lines.items()}


def _line(name: str, label: str, members: int, total: int, source: int, before: int | None) -> Line:
    share = members / total if total else None
    lacking = address(behind.value(name, source, lacking=True)) if name.startswith(("field.", "identity.")) else ""
    return Line(name, label, members, share, address(behind.value(name, source)), lacking, before, total)


def address(value: str) -> str:
    """The member list with the members of a figure."""
    return f"{reverse('members:list')}?{urlencode({behind.KEY: value})}"


def _week_before(pool: Pool) -> dict[int, dict[str, int]]:
    days = DailyFigure.objects.filter(pool=pool, name="members").order_by("-day")
    newest = days.values_list("day", flat=True).first()
    if newest is None:
        return {}
    day = days.filter(day__lte=newest - timedelta(days=7)).values_list("day", flat=True).first()
    return on(pool, day) if day else {}


def imports(pool: Pool, source: int, limit: int = 10) -> list[ImportRun]:
    """The latest imports of a source."""
    found = ImportRun.objects.filter(pool=pool).order_by("-created_at")
    if source == DailyFigure.NOWHERE:
        found = found.filter(channel=None)
    elif source != DailyFigure.WHOLE:
        found = found.filter(channel_id=source)
    return list(found.select_related("channel")[:limit])


def trend(pool: Pool, source: int, names: list[str], as_of: datetime) -> list[dict[str, Any]]:
    """Per day: the members of a source and of some of its figures."""
    first = (as_of - TREND).astimezone(pool.zone).date()
    rows = DailyFigure.objects.filter(pool=pool, source=source, name__in=["members", *names], day__gte=first)
    days: dict[date, dict[str, Any]] = {}
    for day, name, members in rows.order_by("day").values_list("day", "name", "value"):
        days.setdefault(day, {"day": day})[name] = members
    return [row for row in days.values() if "members" in row]


def headings() -> dict[str, str]:
    """What the sections of a source are called."""
    return {
        "field": _("资料完整"),
        "identity": _("身份标识覆盖"),
        "invalid": _("不可信的值"),
        "duplicate": _("疑似重复"),
        "stale": _("久无动静"),
        "conflict": _("互相矛盾"),
    }
