"""Events as programs send them: in batches, late, twice."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from members import identities
from members.models import Channel, Identity, Pool
from members.sets import array
from members.touching import touch
from members.versions import bump
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User

LIMIT = 1000
AHEAD = timedelta(minutes=10)  # clocks of senders that run fast
REFUSALS = {
    "unknown_member": _("没有这位会员，也没有会员带有这个身份标识"),
    "future": _("发生时间在未来"),
    "unknown_channel": _("没有这个渠道"),
}


@dataclass(frozen=True)
class Sent:
    """One event as it came: whose it is stands as a member's id or as an identity."""

    id: str
    kind: str
    occurred_at: datetime
    member: int | None = None
    identity: tuple[str, str] | None = None
    channel: str = ""
    properties: dict[str, Any] | None = None


@dataclass(frozen=True)
class Taken:
    """What became of each event of a batch, in its order: "added", "repeated", or the code it is refused with."""

    outcomes: list[str]

    @property
    def added(self) -> int:
        return self.outcomes.count("added")

    @property
    def repeated(self) -> int:
        return self.outcomes.count("repeated")

    @property
    def refused(self) -> list[tuple[int, str]]:
        """Places of refused events with their codes."""
        return [(place, code) for place, code in enumerate(self.outcomes) if code not in ("added", "repeated")]


def event_id(pool_id: int, sent: str) -> int:
    """A signed 64-bit number that the sender's id always becomes."""
    digest = hashlib.blake2b(f"{pool_id}:{sent}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@transaction.atomic
def record_events(*, pool: Pool, events: Sequence[Sent], actor: User | None, as_of: datetime) -> Taken:
    """Write a batch; events of nobody we know, or from the future, are refused one by one."""
    if len(events) > LIMIT:
        raise ValueError(f"at most {LIMIT} events at a time")
    taken = write_events(pool=pool, events=events, as_of=as_of)
    if taken.added:
        audit(actor=actor, action="events.record", pool_id=pool.pk, added=taken.added, refused=len(taken.refused))
    return taken


def write_events(*, pool: Pool, events: Sequence[Sent], as_of: datetime) -> Taken:
    """Write a batch inside the caller's transaction, without a line in the audit trail."""
    owners, channels = _owners(pool, events), dict(Channel.objects.values_list("code", "id"))
    outcomes: list[str] = []
    rows: dict[tuple[int | None, datetime, int], tuple[int, dict[str, Any]]] = {}
    for place, event in enumerate(events):
        owner = owners.get(event.member or _found_by(event))
        code = _wrong(event, owner, channels, as_of)
        outcomes.append(code or "repeated")
        if not code:
            # The same event twice in a batch: the first one counts.
            rows.setdefault((owner, event.occurred_at, event_id(pool.pk, event.id)), (place, _row(pool, event, owner, channels)))
    for added in _insert(pool, [row for _place, row in rows.values()]):
        outcomes[rows[added][0]] = "added"
    return Taken(outcomes)


def _insert(pool: Pool, rows: list[dict[str, Any]]) -> set[tuple[int | None, datetime, int]]:
    """The keys of the rows that were not there yet."""
    added = sql.rows("members/insert_events", {"pool_id": pool.pk, "events": json.dumps(rows)}) if rows else []
    if added:
        touch(pool.pk, {row["member_id"] for row in added})
        bump(pool.pk, "events")
    return {(row["member_id"], row["occurred_at"], row["id"]) for row in added}


def _found_by(event: Sent) -> bytes:
    kind, value = event.identity or ("", "")
    return identities.fingerprint(kind, identities.normalise(kind, value))


def _owners(pool: Pool, events: Sequence[Sent]) -> dict[int | bytes | None, int]:
    """Members by their id or by the fingerprint they were named with; held until the transaction ends."""
    hashes = {_found_by(event) for event in events if event.identity and not event.member}
    known = Identity.objects.filter(pool=pool, value_hash__in=hashes).values_list("value_hash", "member_id")
    wanted: dict[int | bytes | None, int] = {bytes(value_hash): member_id for value_hash, member_id in known}
    wanted |= {event.member: event.member for event in events if event.member}
    heirs = hold(pool.pk, set(wanted.values()))
    return {name: heirs[pk] for name, pk in wanted.items() if pk in heirs}


def hold(pool_id: int, ids: set[int]) -> dict[int, int]:
    """Each known member's id → the one it is now, kept from being merged away until the transaction ends."""
    found = {row["id"]: row["merged_into"] for row in sql.rows("members/hold_members", {"pool_id": pool_id, "ids": array(ids)})}
    if not (gone := {heir for heir in found.values() if heir}):
        return {pk: pk for pk in found}
    later = hold(pool_id, gone)
    return {pk: later[heir] if heir else pk for pk, heir in found.items()}


def _wrong(event: Sent, owner: int | None, channels: dict[str, int], as_of: datetime) -> str:
    if owner is None:
        return "unknown_member"
    if event.occurred_at > as_of + AHEAD:
        return "future"
    return "unknown_channel" if event.channel and event.channel not in channels else ""


def _row(pool: Pool, event: Sent, owner: int | None, channels: dict[str, int]) -> dict[str, Any]:
    return {
        "member_id": owner,
        "occurred_at": event.occurred_at.isoformat(),
        "id": event_id(pool.pk, event.id),
        "channel_id": channels.get(event.channel),
        "kind": event.kind,
        "properties": event.properties or {},
    }
