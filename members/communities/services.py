"""Groups: making and changing them, taking in what happened there, computing how they are."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from members.communities import people
from members.communities.codes import problem
from members.communities.people import Person
from members.models import Community, CommunityEvent, CommunityMember, Member, Pool
from members.ownership.services import receiver
from members.sets import array
from members.touching import touch
from members.versions import bump
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User

LIMIT = 1000
AHEAD = timedelta(minutes=10)  # clocks of senders that run fast
KINDS = {"join": CommunityEvent.Kind.JOIN, "leave": CommunityEvent.Kind.LEAVE, "message": CommunityEvent.Kind.MESSAGE}
FACTS = ("name", "external_id", "carrier", "channel_id", "owner_id", "store_id", "layer", "capacity", "created_at")


@dataclass(frozen=True)
class Happening:
    """Somebody joined, left or spoke, as it was reported. `id` is the sender's own; without one the facts stand for it."""

    kind: str
    at: datetime
    person: Person
    id: str = ""
    nick: str = ""
    invited_by: str = ""
    how: str = ""


@dataclass(frozen=True)
class Taken:
    """What became of a batch; refused ones by their place in it, with a code."""

    added: int
    repeated: int
    leads: int
    refused: list[tuple[int, str]]


@dataclass(frozen=True)
class Day:
    """A group's day as somebody counted it."""

    community: int
    day: date
    messages: int
    senders: int
    joins: int | None = None
    leaves: int | None = None


# -- Groups ---------------------------------------------------------------------------------------
@transaction.atomic
def save_community(
    *, pool: Pool, community: Community | None, facts: dict[str, Any], actor: User | None, as_of: datetime
) -> Community:
    """Make a group, or change some facts of one; the audit line says each old and new value."""
    row = community or Community(pool=pool, created_at=as_of)
    old = {name: getattr(row, name) for name in FACTS} if community else {}
    for name, value in facts.items():
        if name not in FACTS:
            raise ValueError(f"unknown fact {name}")
        setattr(row, name, value)
    _check(row, old, as_of)
    changed = {name: [str(old.get(name, "")), str(getattr(row, name))] for name in FACTS if old.get(name) != getattr(row, name)}
    if not changed:
        return row
    _save(row)
    bump(pool.pk, "communities")
    audit(actor=actor, action="community.save", target=row, pool_id=pool.pk, changes=changed)
    return row


def _check(row: Community, old: dict[str, Any], as_of: datetime) -> None:
    if not row.name.strip():
        raise problem("no_name", "name")
    if not row.external_id.strip():
        raise problem("no_external_id", "external_id")
    if row.capacity < 3:
        raise problem("too_small", "capacity")
    if row.created_at > as_of + AHEAD:
        raise problem("future", "created_at")
    if row.owner_id and row.owner_id != old.get("owner_id"):
        receiver(row.pool, row.owner_id, "owner")


def _save(row: Community) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        there = Community.objects.get(pool=row.pool, external_id=row.external_id)
        raise problem("external_id_taken", "external_id", id=row.external_id, name=there.name) from None


@transaction.atomic
def dissolve(*, community: Community, at: datetime, actor: User | None, as_of: datetime) -> Community:
    """The group is no more; its history stays. Its open alert is closed."""
    row = Community.objects.select_for_update().get(pk=community.pk)
    if row.dissolved_at:
        raise problem("dissolved")
    if at < row.created_at:
        raise problem("before_created", "at")
    if at > as_of + AHEAD:
        raise problem("future", "at")
    row.dissolved_at = at
    row.save(update_fields=["dissolved_at"])
    row.alerts.filter(cleared_at=None).update(cleared_at=as_of)
    bump(row.pool_id, "communities")
    audit(actor=actor, action="community.dissolve", target=row, pool_id=row.pool_id, at=at.isoformat())
    return row


# -- What happens in them -------------------------------------------------------------------------
@transaction.atomic
def record(*, community: Community, happenings: Sequence[Happening], actor: User | None, as_of: datetime) -> Taken:
    """Take a batch in (at most 1,000): late, repeated and out of order are all harmless.

    Whom nobody knows becomes a lead. Refused one by one: the future, people without a usable identity.
    """
    if len(happenings) > LIMIT:
        raise problem("too_many", "items", limit=LIMIT)
    wanted = [_named(each) for each in happenings]
    codes = [_wrong(each, as_of) for each in happenings]
    found = people.resolve(
        pool=community.pool,
        people=[person for person, code in zip(wanted, codes, strict=True) if not code],
        channel_id=community.channel_id,
        as_of=as_of,
    )
    resolved = iter(zip(found.ids, found.codes, strict=True))
    rows: list[dict[str, Any]] = []
    refused: list[tuple[int, str]] = []
    for place, (each, code) in enumerate(zip(happenings, codes, strict=True)):
        member, why = (None, code) if code else next(resolved)
        if member is None:
            refused.append((place, why))
        else:
            rows.append(_row(community, each, member))
    added = sql.rows("members/communities/insert_happenings", {"community": community.pk, "happenings": json.dumps(rows)})
    if added:
        _derive(community, added)
        bump(community.pool_id, "communities")
        touch(community.pool_id, {row["member_id"] for row in added})
        audit(
            actor=actor,
            action="community.record",
            target=community,
            pool_id=community.pool_id,
            added=len(added),
            refused=len(refused),
            leads=found.leads,
        )
    return Taken(len(added), len(rows) - len(added), found.leads, refused)


def _named(each: Happening) -> Person:
    person = each.person
    return Person(person.member, person.kind, person.value, person.name or each.nick, each.at)


def _wrong(each: Happening, as_of: datetime) -> str:
    if each.kind not in KINDS:
        return "unknown_kind"
    return "future" if each.at > as_of + AHEAD else ""


def _row(community: Community, each: Happening, member: int) -> dict[str, Any]:
    said = each.id or f"{each.kind}:{each.at.isoformat()}"
    digest = hashlib.blake2b(f"{community.pk}:{said}".encode(), digest_size=8).digest()
    return {
        "member_id": member,
        "at": each.at.isoformat(),
        "id": int.from_bytes(digest, signed=True),
        "kind": int(KINDS[each.kind]),
        "nick": each.nick[:80],
        "invited_by": each.invited_by[:80],
        "how": each.how[:20],
    }


def _derive(community: Community, added: list[dict[str, Any]]) -> None:
    """Stays of whoever came or went, then the days that are different now: before and after."""
    zone = community.pool.zone
    movers = sorted({row["member_id"] for row in added if row["kind"] != CommunityEvent.Kind.MESSAGE})
    days = {row["at"].astimezone(zone).date() for row in added}
    days |= _edges(community, movers)
    if movers:
        sql.execute("members/communities/keep_stays", {"community": community.pk, "members": array(movers)})
    count_days(community=community, days=days | _edges(community, movers))


def _edges(community: Community, members: Sequence[int]) -> set[date]:
    """The days on which these members' stays begin and end."""
    stays = CommunityMember.objects.filter(community=community, member_id__in=members).values_list("joined_at", "left_at")
    zone = community.pool.zone
    return {instant.astimezone(zone).date() for stay in stays for instant in stay if instant}


def count_days(*, community: Community, days: Iterable[date]) -> None:
    """Count days of a group anew, inside the caller's transaction."""
    given = {"community": community.pk, "zone": community.pool.time_zone, "days": [*days]}
    sql.execute("members/communities/count_days", given)


@transaction.atomic
def report_days(*, pool: Pool, days: Sequence[Day], actor: User | None, as_of: datetime) -> Taken:
    """Take days over as somebody counted them; the latest report of a day holds."""
    if len(days) > LIMIT:
        raise problem("too_many", "days", limit=LIMIT)
    known = set(Community.objects.filter(pool=pool, pk__in={each.community for each in days}).values_list("pk", flat=True))
    today = as_of.astimezone(pool.zone).date()
    rows: dict[tuple[int, date], dict[str, Any]] = {}
    refused: list[tuple[int, str]] = []
    for place, each in enumerate(days):
        if code := _wrong_day(each, known, today):
            refused.append((place, code))
        else:
            rows[each.community, each.day] = _reported(each)
    given = {"pool_id": pool.pk, "days": json.dumps([*rows.values()])}
    added = sql.rows("members/communities/report_days", given)
    if added:
        bump(pool.pk, "communities")
        audit(actor=actor, action="community.report", pool_id=pool.pk, days=len(added), refused=len(refused))
    return Taken(len(added), len(days) - len(refused) - len(added), 0, refused)


def _wrong_day(each: Day, known: set[int], today: date) -> str:
    if each.community not in known:
        return "unknown_community"
    if each.day > today:
        return "future"
    return "senders_above_messages" if each.senders > each.messages else ""


def _reported(each: Day) -> dict[str, Any]:
    return {
        "community_id": each.community,
        "day": each.day.isoformat(),
        "messages": each.messages,
        "senders": each.senders,
        "joins": each.joins,
        "leaves": each.leaves,
    }


# -- Their people ---------------------------------------------------------------------------------
def close_absent(*, community: Community, present: set[int], at: datetime, actor: User | None, as_of: datetime) -> int:
    """A complete list was given: whoever was in the group and is not on it has left. How many."""
    inside = CommunityMember.objects.filter(community=community, left_at=None, joined_at__lt=at)
    absent = [pk for pk in inside.values_list("member_id", flat=True) if pk not in present]
    left = 0
    for start in range(0, len(absent), LIMIT):
        piece = [
            Happening("leave", at, Person(member=pk), id=f"absent:{pk}:{at.isoformat()}") for pk in absent[start : start + LIMIT]
        ]
        left += record(community=community, happenings=piece, actor=actor, as_of=as_of).added
    return left


def after_merge(*, members: Sequence[int]) -> None:
    """Members became one, or two again: their stays are worked out from their events, the days counted anew."""
    ids = list(members)
    touched = set(CommunityEvent.objects.filter(member_id__in=ids).values_list("community_id", flat=True).distinct()) | set(
        CommunityMember.objects.filter(member_id__in=ids).values_list("community_id", flat=True).distinct()
    )
    if not touched:
        return
    sql.execute("members/communities/keep_stays", {"community": None, "members": array(ids)})
    for community in Community.objects.filter(pk__in=touched).select_related("pool"):
        zone = community.pool.zone
        said = CommunityEvent.objects.filter(community=community, member_id__in=ids).values_list("at", flat=True)
        count_days(community=community, days={at.astimezone(zone).date() for at in said})


def members_of(community: Community) -> list[int]:
    """Ids of everybody in the group now."""
    inside = CommunityMember.objects.filter(community=community, left_at=None)
    return list(inside.values_list("member_id", flat=True).distinct())


def give_to(*, community: Community, to: User | None, reason: str, actor: User | None, as_of: datetime) -> Any:
    """The group's people get this owner, as a job."""
    from members.ownership.services import start_assign

    ids = members_of(community)
    live = Member.objects.filter(pk__in=ids, merged_into=None).count()
    audit(actor=actor, action="community.assign", target=community, pool_id=community.pool_id, members=live)
    return start_assign(
        pool=community.pool, chosen={"query": f"community={community.pk}"}, to=to, reason=reason, actor=actor, as_of=as_of
    )
