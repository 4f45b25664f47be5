"""The demo's history is computed with all members there from the first: what lies before joining is taken back."""

from datetime import datetime, timedelta

from members.models import Member, StateChange
from scrm.lib import sql

DAY = timedelta(days=1)
STAGE, LEAD = StateChange.Kind.STAGE, StateChange.Kind.LEAD


def changed(member: Member, kind: int, at: datetime, old: int | None, new: int | None) -> None:
    StateChange.objects.create(member=member, pool=member.pool, kind=kind, at=at, from_code=old, to_code=new)


def history(member: Member) -> list[tuple[int, datetime, int | None, int | None]]:
    found = StateChange.objects.filter(member=member).order_by("kind", "at")
    return list(found.values_list("kind", "at", "from_code", "to_code"))


def test_nobody_is_anything_before_joining(alice: Member, bob: Member, as_of: datetime) -> None:
    joined = as_of - 10 * DAY
    Member.objects.filter(pk__in=[alice.pk, bob.pk]).update(joined_at=joined)
    changed(alice, STAGE, joined - 20 * DAY, None, 0)
    changed(alice, STAGE, joined + DAY, 0, 1)
    changed(alice, STAGE, joined + 8 * DAY, 1, 2)
    changed(alice, LEAD, joined - 20 * DAY, None, 1)
    changed(alice, LEAD, joined - 6 * DAY, 1, 3)
    changed(alice, LEAD, joined + DAY, 3, None)
    changed(bob, LEAD, joined, None, 1)
    changed(bob, LEAD, joined + DAY, 1, None)
    for _again in range(2):
        sql.execute("scrm/forget_states_before_joining", {"pool_id": alice.pool_id})
        assert history(alice) == [(STAGE, joined + DAY, None, 1), (STAGE, joined + 8 * DAY, 1, 2)]
        assert history(bob) == [(LEAD, joined, None, 1), (LEAD, joined + DAY, 1, None)]
