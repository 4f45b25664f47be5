"""Who the people of a group are: found by their identities; whom nobody knows becomes a lead."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from members import identities
from members.importing.locks import writing
from members.models import Guard, Identity, Member, Pool, StaffProfile
from members.privacy import tombstones
from members.touching import touch
from members.versions import bump
from scrm.lib import sql

Key = tuple[str, bytes]  # kind and fingerprint of an identity


@dataclass(frozen=True)
class Person:
    """Somebody as a group names them: a member's id, or an identity and a name."""

    member: int | None = None
    kind: str = ""
    value: str = ""
    name: str = ""
    seen_at: datetime | None = None


@dataclass(frozen=True)
class Resolved:
    """Per person a member's id, or a code saying why there is none; and how many leads were made."""

    ids: list[int | None]
    codes: list[str]
    leads: int


def resolve(*, pool: Pool, people: Sequence[Person], channel_id: int | None, as_of: datetime, make: bool = True) -> Resolved:
    """Inside the caller's transaction. A few reads and at most two writes, however many people.

    Without `make` nobody becomes a lead: strangers are `unknown_member`.
    """
    writing(pool.pk)
    keys = _unguarded(pool, [_key(person) for person in people])
    wanted = {key for key, code in keys if key is not None and not code}
    known = _known(pool, wanted)
    erased = tombstones.among(pool.pk, list(wanted - set(known)))
    first: dict[tuple[str, bytes], Person] = {}
    for person, (key, code) in zip(people, keys, strict=True):
        if key is not None and not code and key not in known and key not in erased:
            first.setdefault(key, person)
    if not make:
        first = {}
    if first:
        _leads(pool, first, channel_id, as_of)
        known |= _known(pool, set(first))
    live = _live(pool, {person.member for person in people if person.member})
    ids = [
        live.get(person.member) if person.member else known.get(key) if key and not code else None
        for person, (key, code) in zip(people, keys, strict=True)
    ]
    codes = ["" if found else code or "unknown_member" for found, (_key_, code) in zip(ids, keys, strict=True)]
    return Resolved(ids, codes, len(first))


def _key(person: Person) -> tuple[Key | None, str]:
    """What a person is found by, or why they cannot be."""
    if person.member:
        return None, ""
    if person.kind not in Identity.Kind.values:
        return None, "unknown_identity"
    text = identities.normalise(person.kind, person.value)
    if code := identities.problem(person.kind, text):
        return None, code
    return (person.kind, identities.fingerprint(person.kind, text)), ""


def _unguarded(pool: Pool, keys: list[tuple[Key | None, str]]) -> list[tuple[Key | None, str]]:
    """A value that says nothing about who somebody is (a shop's telephone, a colleague's mobile) finds nobody."""
    hashes = [key[1] for key, code in keys if key is not None and not code]
    guards = Guard.objects.filter(pool=pool, value_hash__in=hashes, is_allowed=False).values_list("kind", "value_hash")
    staff = StaffProfile.objects.filter(pool=pool, phone_hash__in=hashes).values_list("phone_hash", flat=True)
    allowed = set(Guard.objects.filter(pool=pool, value_hash__in=hashes, is_allowed=True).values_list("value_hash", flat=True))
    known = {(kind, bytes(value_hash)) for kind, value_hash in guards}
    known |= {(str(Identity.Kind.PHONE), bytes(each)) for each in staff if each is not None and each not in allowed}
    return [(key, "guarded" if key in known and not code else code) for key, code in keys]


def _known(pool: Pool, wanted: set[tuple[str, bytes]]) -> dict[tuple[str, bytes], int]:
    hashes = [value_hash for _kind, value_hash in wanted]
    rows = Identity.objects.filter(pool=pool, value_hash__in=hashes).values_list("kind", "value_hash", "member_id")
    return {(kind, bytes(value_hash)): member for kind, value_hash, member in rows if (kind, bytes(value_hash)) in wanted}


def _live(pool: Pool, ids: set[int]) -> dict[int, int]:
    rows = Member.objects.filter(pool=pool, pk__in=ids).exclude(merged_into=0).values_list("pk", "merged_into")
    return {pk: into or pk for pk, into in rows}


def _leads(pool: Pool, people: dict[tuple[str, bytes], Person], channel_id: int | None, as_of: datetime) -> None:
    """A lead per unknown identity. Who was made at the same instant by somebody else keeps theirs."""
    numbers = dict(zip(people, sql.next_ids("members_member_id_seq", len(people)), strict=True))
    Member.objects.bulk_create(
        Member(
            id=numbers[key],
            pool=pool,
            status=Member.Status.LEAD,
            name=person.name[:80],
            channel_id=channel_id,
            joined_at=person.seen_at or as_of,
            updated_at=as_of,
        )
        for key, person in people.items()
    )
    Identity.objects.bulk_create(
        [_identity(pool, numbers[key], person, channel_id, as_of) for key, person in people.items()], ignore_conflicts=True
    )
    taken = set(numbers.values()) - set(_known(pool, set(people)).values())
    Member.objects.filter(pk__in=taken).delete()
    touch(pool.pk, set(numbers.values()) - taken)
    bump(pool.pk, "members")


def _identity(pool: Pool, member_id: int, person: Person, channel_id: int | None, as_of: datetime) -> Identity:
    text = identities.written(person.kind, identities.normalise(person.kind, person.value))
    return Identity(
        pool=pool,
        kind=text.kind,
        value_hash=text.value_hash,
        member_id=member_id,
        value=text.value,
        sealed=text.sealed,
        hint=text.hint,
        tail=text.tail,
        channel_id=channel_id,
        seen_at=person.seen_at or as_of,
    )
