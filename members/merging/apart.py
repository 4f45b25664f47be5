"""Members who are two people, whatever they share: said by a person, or by undoing a merge."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from members import signals
from members.models import Member, NotSame, Pool
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User


@transaction.atomic
def say_apart(*, pool: Pool, one: int, two: int, reason: str, actor: User | None, as_of: datetime) -> NotSame:
    """These two are never joined without a person insisting; saying it twice is harmless."""
    known = Member.objects.filter(pool=pool, pk__in=[one, two], merged_into=None).count()
    if one == two or known != 2:
        raise Problem("apart.not_two", _("需要这个会员池中两位不同的、未被合并的会员"), {"members": [one, two]})
    row, made = NotSame.objects.get_or_create(
        pool=pool, first_id=min(one, two), second_id=max(one, two), defaults={"reason": reason[:120], "by": actor, "at": as_of}
    )
    if made:
        audit(actor=actor, action="member.apart", target=row, pool_id=pool.pk, members=[one, two], reason=reason)
    return row


@transaction.atomic
def forget(*, row: NotSame, actor: User | None) -> None:
    """It is no longer said that these two are two people: they may be joined again."""
    audit(actor=actor, action="member.apart_end", target=row, pool_id=row.pool_id, members=[row.first_id, row.second_id])
    row.delete()


def apart_pairs(pool_id: int) -> list[tuple[int, int]]:
    """Every pair of members, as they are found now, that must not be joined."""
    return [(row["first_id"], row["second_id"]) for row in sql.rows("members/merging/list_apart", {"pool_id": pool_id})]


def announce(pool_id: int, source: str, as_of: datetime) -> None:
    """Say that merges were held back; the edges stand in merge_held while the signal is being sent."""
    signals.merge_held.send(None, pool_id=pool_id, table="merge_held", source=source, as_of=as_of)
