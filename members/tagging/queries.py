"""Reading tags: the library, one tag's history and sizes, who carries what, coverage, overlaps, what nobody uses."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from pyroaring import BitMap

from members import queries
from members.models import Member, MemberTag, Pool, Tag, TagChange, TagGroup, TagMerge
from members.tagging import usage
from members.tagging.figures import Figures, figures, likeness, sets
from members.tagging.groups import groups
from members.tagging.keepers import Kept, kept
from scrm.lib import sql

PAGE = 50
UNUSED_AFTER = timedelta(days=90)


def of_member(member: Member) -> QuerySet[MemberTag]:
    """The tags a member carries, by group."""
    found: QuerySet[MemberTag] = member.tags.select_related("tag__group", "by")
    return found.order_by("tag__group__place", "tag__group__name", "tag__place", "tag__name")


@dataclass(frozen=True)
class Row:
    """A tag as the library shows it."""

    tag: Tag
    carriers: int
    share: float | None
    latest: datetime | None
    ending: int  # of them, who lose it within a week
    kept: Kept | None = None


@dataclass(frozen=True)
class Shelf:
    """A group with its tags."""

    group: TagGroup
    rows: list[Row]
    members: int  # who carry at least one of them
    share: float | None


@dataclass(frozen=True)
class Library:
    """All groups of a pool, how many members there are, and as of when carriers were counted."""

    shelves: list[Shelf]
    total: int
    tags: int
    as_of: datetime
    is_old: bool  # tags changed since


def library(pool: Pool, as_of: datetime, *, q: str = "", source: str = "") -> Library:
    """Groups with their tags and figures; of a search only what is found."""
    total, counted = queries.live(pool).count(), figures(pool, as_of)
    found = list(groups(pool))
    tags = [tag for group in found for tag in group.tags.all()]
    behind = kept(pool, tags)
    shelves = [_shelf(group, counted, total, behind, q.strip().lower(), source) for group in found]
    shown = [shelf for shelf in shelves if shelf.rows or not (q or source)]
    return Library(shown, total, len(tags), counted.as_of, counted.is_old)


def _shelf(group: TagGroup, counted: Figures, total: int, behind: dict[int, Kept], q: str, source: str) -> Shelf:
    whole = q in group.name.lower()
    wanted = [
        tag
        for tag in group.tags.all()
        if (whole or q in f"{tag.name} {tag.note}".lower()) and (not source or tag.source == source)
    ]
    rows = [_row(tag, counted.tags.get(tag.pk, {}), total, behind.get(tag.pk)) for tag in wanted]
    members = counted.groups.get(group.pk, 0)
    return Shelf(group, rows, members, members / total if total else None)


def _row(tag: Tag, counted: dict[str, Any], total: int, behind: Kept | None) -> Row:
    n = counted.get("carriers", 0)
    return Row(tag, n, n / total if total else None, counted.get("latest"), counted.get("ending", 0), behind)


# -- One tag --------------------------------------------------------------------------------------
def size(tag: Tag) -> int:
    """How many carry it."""
    return MemberTag.objects.filter(tag=tag).count()


def sizes(tag: Tag, as_of: datetime, days: int = 90) -> list[tuple[date, int]]:
    """How many carried the tag at the end of each day: today's number, less what came since, plus what went since."""
    zone, now = tag.pool.zone, size(tag)
    today = as_of.astimezone(zone).date()
    since = as_of - timedelta(days=days)
    moves = sql.rows("members/tagging/count_moves", {"tag_id": tag.pk, "zone": tag.pool.time_zone, "since": since})
    change = {row["day"]: row["gained"] - row["lost"] for row in moves}
    found = []
    for back in range(days):
        day = today - timedelta(days=back)
        found.append((day, max(now, 0)))
        now -= change.get(day, 0)
    return found[::-1]


def changes(tag: Tag) -> QuerySet[TagChange]:
    """What happened to a tag and to those merged into it, the newest first."""
    own = [tag.pk, *Tag.everything.filter(merged_into=tag).values_list("pk", flat=True)]
    found = TagChange.objects.filter(tag_id__in=own).select_related("member", "by", "tag")
    return found.order_by("-at", "-id")


def changes_before(tag: Tag, last: tuple[datetime, int] | None) -> list[TagChange]:
    """A page of them after one."""
    found = changes(tag)
    if last is not None:
        found = found.filter(Q(at__lt=last[0]) | Q(at=last[0], id__lt=last[1]))
    return list(found[:PAGE])


def carriers(tag: Tag, limit: int = 12) -> list[MemberTag]:
    """Some who carry it, the latest first."""
    return list(MemberTag.objects.filter(tag=tag).select_related("member", "by").order_by("-member_id")[:limit])


def merges(tag: Tag) -> QuerySet[TagMerge]:
    """Merges of this tag into another and of others into it, the newest first."""
    found = TagMerge.objects.filter(Q(source=tag) | Q(target=tag)).select_related("source__group", "target", "by")
    return found.order_by("-at", "-pk")


# -- Report ---------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Matrix:
    """How many carry a tag of one group and a tag of another; `highest` is the largest share of a row."""

    first: TagGroup
    second: TagGroup
    columns: list[Tag]
    rows: list[tuple[Tag, int, list[tuple[int, float]]]]


def overlap(first: TagGroup, second: TagGroup) -> Matrix:
    """The members two groups share, tag by tag; a share is of the row's carriers."""
    rows, columns = _tags(first), _tags(second)
    held = sets({tag.pk: tag for tag in [*rows, *columns]}.values())
    lines = []
    for tag in rows:
        mine = held.get(tag.pk, BitMap())
        cells = [mine.intersection_cardinality(held.get(other.pk, BitMap())) for other in columns]
        lines.append((tag, len(mine), [(cell, cell / len(mine) if mine else 0.0) for cell in cells]))
    return Matrix(first, second, columns, lines)


def _tags(group: TagGroup) -> list[Tag]:
    return list(Tag.objects.filter(group=group).order_by("place", "name"))


@dataclass(frozen=True)
class Pair:
    """Two tags that mostly sit on the same members: `share` is of those who carry either (Jaccard)."""

    first: Tag
    second: Tag
    both: int
    share: float


def alike(pool: Pool, as_of: datetime) -> list[Pair]:
    """The pairs of tags that say nearly the same, the most alike first."""
    tags = {tag.pk: tag for tag in Tag.objects.filter(pool=pool).select_related("group")}
    found = likeness(pool, as_of).pairs
    return [Pair(tags[a], tags[b], n, share) for a, b, n, share in found if a in tags and b in tags]


@dataclass(frozen=True)
class Idle:
    """A tag that does nothing for anybody, and why it is thought so."""

    row: Row
    group: TagGroup
    empty: bool
    stale: bool
    unnamed: bool


def idle(shelves: Iterable[Shelf], as_of: datetime) -> list[Idle]:
    """Tags nobody carries, or given to nobody for ninety days, that nothing names either."""
    found = []
    for shelf in shelves:
        for row in shelf.rows:
            empty = not row.carriers
            stale = row.latest is not None and row.latest < as_of - UNUSED_AFTER
            if empty or stale:
                found.append(Idle(row, shelf.group, empty, stale, not usage.uses(row.tag)))
    return found
