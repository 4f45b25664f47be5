"""Events as programs send them: in batches, late, twice."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from members import identities
from members.models import Channel, Identity, Member, Pool
from members.touching import touch
from members.versions import bump
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User

LIMIT = 1000
AHEAD = timedelta(minutes=10)  # clocks of senders that run fast


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
    """What became of a batch; refused ones by their place in it, with a code."""

    added: int
    repeated: int
    refused: list[tuple[int, str]]


def event_id(pool_id: int, sent: str) -> int:
    """A signed 64-bit number that the sender's id always becomes."""
    digest = hashlib.blake2b(f"{pool_id}:{sent}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)


@transaction.atomic
def record_events(*, pool: Pool, events: Sequence[Sent], actor: User | None, as_of: datetime) -> Taken:
    """Write a batch; events of nobody we know, or from the future, are refused one by one."""
    if len(events) > LIMIT:
        raise ValueError(f"at most {LIMIT} events at a time")
    owners, channels = _owners(pool, events), dict(Channel.objects.values_list("code", "id"))
    rows, refused = [], []
    for place, event in enumerate(events):
        owner = owners.get(event.member or _found_by(event))
        if code := _wrong(event, owner, channels, as_of):
            refused.append((place, code))
        else:
            rows.append(_row(pool, event, owner, channels))
    added = sql.rows("members/insert_events", {"pool_id": pool.pk, "events": json.dumps(rows)})
    if added:
        touch(pool.pk, {row["member_id"] for row in added})
        bump(pool.pk, "events")
        audit(actor=actor, action="events.record", pool_id=pool.pk, added=len(added), refused=len(refused))
    return Taken(len(added), len(rows) - len(added), refused)


def _found_by(event: Sent) -> bytes:
    kind, value = event.identity or ("", "")
    return identities.fingerprint(kind, identities.normalise(kind, value))


def _owners(pool: Pool, events: Sequence[Sent]) -> dict[int | bytes | None, int]:
    """Members by their id or by the fingerprint they were named with; a merged one leads to its winner."""
    ids = {event.member for event in events if event.member}
    hashes = {_found_by(event) for event in events if event.identity and not event.member}
    known = Member.objects.filter(pool=pool, pk__in=ids).values_list("pk", "merged_into")
    found: dict[int | bytes | None, int] = {pk: into or pk for pk, into in known}
    for value_hash, member_id in Identity.objects.filter(pool=pool, value_hash__in=hashes).values_list("value_hash", "member_id"):
        found[bytes(value_hash)] = member_id
    return found


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
