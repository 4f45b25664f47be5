"""Messages of members who become one, and of those who become two again.

No message leaves twice: of two rows of one step the one that is further on its way stays, a row that is only
leased is planned again (its worker finds it gone and sends nothing), and a row whose message may have left
keeps the number it left under (`sent_as`), so that its worker, its look-up, a second try under the same key
and every receipt still find it.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from members import merging
from scrm.lib import sql
from touchpoints.connectors.registry import CONNECTORS
from touchpoints.models import Connector, Delivery, Step

DELIVERY = "touchpoints.Delivery"
# Planned gives way to everything: if the other was kept back, so is this one.
FURTHER = (
    "CASE WHEN t.status IN (10, 20) THEN 0 WHEN t.status IN (95, 99) THEN 1 WHEN t.status = 90 THEN 2 "
    "WHEN t.status = 35 THEN 3 WHEN t.status IN (30, 80) THEN 4 ELSE t.status END"
)


def hold_back(pairs: str, as_of: datetime) -> None:
    """Leases of rows that are about to move are taken back; rows that may have left keep their number."""
    sql.execute("touchpoints/hold_merged_deliveries", {"as_of": as_of}, pairs=pg.Identifier(pairs))


def own_again(undoing: merging.Undoing) -> None:
    """A row under its own number needs no other; one that left under the winner's keeps that."""
    names = {"pairs": pg.Identifier(merging.UNDO_PAIRS), "since": pg.Identifier(merging.UNDO_SINCE)}
    sql.execute("touchpoints/number_parted_deliveries", {"as_of": undoing.as_of}, **names)


def judge() -> None:
    """A message is whose address it went to."""
    used = Connector.objects.filter(step__in=_steps()).distinct()
    known = [(row.pk, CONNECTORS[row.key].caps.address) for row in used if CONNECTORS[row.key].caps.address]
    if known:
        given = {"connectors": [pk for pk, _kind in known], "kinds": [kind for _pk, kind in known]}
        mark = merging.fingerprint(merging.held("members.Identity"))
        names = {"pairs": merging.UNDO_PAIRS, "winners": merging.UNDO_WINNERS, "since": merging.UNDO_SINCE}
        slots = {slot: pg.Identifier(name) for slot, name in names.items()}
        sql.execute("touchpoints/judge_by_address", given, identity=mark, **slots)


def _steps() -> list[int]:
    found = sql.fetch("SELECT DISTINCT (row ->> 'step_id')::bigint FROM undo_since WHERE label = %(label)s", {"label": DELIVERY})
    return [step for (step,) in found]


def _words(row: dict[str, Any]) -> str:
    step = Step.objects.select_related("connector").filter(pk=row["step_id"]).first()
    name = Delivery.Status(row["status"]).label
    return f"{step.connector.name if step else '–'} · {name}" if step else _("已删除的触达")


merging.prefer(DELIVERY, FURTHER)
merging.latest_wins("touchpoints.Block", "at")  # of two blocks of one person the newer stays
merging.follows("touchpoints.Receipt", DELIVERY, "(s.row ->> 'step_id')::bigint")
merging.evidence(DELIVERY, judge)
merging.describe(DELIVERY, _words)
merging.also(before_merge=hold_back, undo=own_again)
