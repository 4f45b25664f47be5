"""A visitor turns out to be a member: what they did before becomes the member's."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from members import identities, people
from members.events import hold
from members.models import Channel, Identity, Member, Pool, VisitorEvent
from members.touching import touch
from members.tracking.collecting import VISITOR, fingerprint
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

KEPT = timedelta(days=90)


@transaction.atomic
def identify(
    *, pool: Pool, visitor: str, kind: str, value: str, actor: User | None, as_of: datetime, channel: Channel | None = None
) -> Member:
    """The member with this identity is the visitor from now on; a lead when nobody has it yet.

    A browser that was somebody else's before changes hands: earlier events stay where they are.
    Raises Problem when the value cannot be such an identity.
    """
    member = _member(pool, kind, value, channel, actor, as_of)
    _hand_over(member, visitor, channel, as_of)
    moved = take_waiting(pool_id=pool.pk, visitor=fingerprint(visitor))
    audit(actor=actor, action="visitor.identify", target=member, pool_id=pool.pk, kind=kind, events=moved)
    return member


def _member(pool: Pool, kind: str, value: str, channel: Channel | None, actor: User | None, as_of: datetime) -> Member:
    text = identities.normalise(kind, value)
    if kind == VISITOR or kind not in Identity.STRONG:
        raise Problem("identity.weak", _("这种身份标识不能确定是谁：%(kind)s") % {"kind": kind}, {"kind": [kind]})
    if code := identities.problem(kind, text):
        label = Identity.Kind(kind).label
        raise Problem(f"identity.{code}", str(people.BAD[code]) % {"kind": label}, {"value": [code]})
    found = Identity.objects.filter(pool=pool, kind=kind, value_hash=identities.fingerprint(kind, text)).first()
    if found is not None:
        return Member.objects.get(pk=hold(pool.pk, {found.member_id})[found.member_id])
    facts = {"status": Member.Status.LEAD, "channel_id": channel.pk if channel else None}
    return people.create_member(pool=pool, facts=facts, known_as=[(kind, text)], actor=actor, as_of=as_of)


def _hand_over(member: Member, visitor: str, channel: Channel | None, as_of: datetime) -> None:
    written = identities.written(VISITOR, visitor)
    Identity.objects.update_or_create(
        pool_id=member.pool_id,
        kind=VISITOR,
        value_hash=fingerprint(visitor),
        defaults={"member": member, "seen_at": as_of},
        create_defaults={
            "member": member,
            "value": written.value,
            "hint": written.hint,
            "channel": channel,
            "seen_at": as_of,
        },
    )
    bump(member.pool_id, "members")


@transaction.atomic
def take_waiting(*, pool_id: int, visitor: bytes | None = None) -> int:
    """Events of visitors (or of one) who are members by now become those members'; how many moved."""
    moved = sql.rows("members/tracking/move_visitor_events", {"pool_id": pool_id, "visitor": visitor})
    if moved:
        touch(pool_id, {row["member_id"] for row in moved})
        bump(pool_id, "events")
    return sum(row["n"] for row in moved)


def take_all_waiting() -> int:
    """The same for every pool with visitors: identities also arrive by import and API."""
    pools = VisitorEvent.objects.values_list("pool_id", flat=True).distinct()
    return sum(take_waiting(pool_id=pool_id) for pool_id in pools)


def forget_strangers(*, as_of: datetime) -> int:
    """What visitors did whom nobody came to know for ninety days is deleted; how many events."""
    return VisitorEvent.objects.filter(occurred_at__lt=as_of - KEPT).delete()[0]
