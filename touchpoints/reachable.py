"""Whether one member could be written to now, through which connector, and if not, why: the policy's own word."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Q

from members.models import Member
from touchpoints.models import Connector, Delivery, Step
from touchpoints.planning import Candidates, listed


@dataclass(frozen=True)
class Way:
    """One connector and what the contact policy says of a marketing message through it now."""

    connector: Connector
    reason: str  # a code of policy.REASONS; empty when it may leave
    last_sent_at: datetime | None
    last_opened_at: datetime | None


def ways(member: Member, as_of: datetime) -> list[Way]:
    """Every active connector of the pool, those that may be used first."""
    last = _last(member)
    found = [
        Way(connector, _reason(member, connector, as_of), *last.get(connector.pk, (None, None)))
        for connector in Connector.objects.filter(pool_id=member.pool_id, is_active=True).order_by("name")
    ]
    return sorted(found, key=lambda way: bool(way.reason))


def _reason(member: Member, connector: Connector, as_of: datetime) -> str:
    step = Step(pool=member.pool, connector=connector, purpose="marketing", due_at=as_of)
    (row,) = listed(step=step, candidates=Candidates.of([member.pk], None), as_of=as_of)
    return str(row["reason"] or "")


def _last(member: Member) -> dict[int, tuple[datetime | None, datetime | None]]:
    """Connector → when its last message left and when one was last opened."""
    rows = Delivery.objects.filter(member=member).filter(Q(sent_at__isnull=False) | Q(opened_at__isnull=False))
    found = rows.values_list("step__connector").annotate(sent=Max("sent_at"), opened=Max("opened_at"))
    return {connector: (sent, opened) for connector, sent, opened in found}
