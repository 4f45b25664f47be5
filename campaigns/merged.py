"""Assignments of members who become one.

Results are read by intention to treat: whoever was assigned counts, in the arm of the draw. Two members of
one run and one arm become one assignment. Of different arms the person was both contacted and kept as a
control, and says nothing about the difference: the assignment becomes "both", which no comparison counts,
while the journey goes on where the contacted one stood. Undoing gives each its own arm again, the contacted
one where the journey is by then.
"""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg

from campaigns.models import Run
from members import merging
from scrm.lib import sql

PARTICIPANT = "campaigns.Participant"


def mix_arms(pairs: str, as_of: datetime) -> None:
    """Assignments of both arms are neither."""
    sql.execute("campaigns/mix_arms", {"label": PARTICIPANT}, pairs=pg.Identifier(pairs))


def part_arms(undoing: merging.Undoing) -> None:
    """Each has its own arm again."""
    sql.execute("campaigns/part_arms", {"label": PARTICIPANT}, pairs=pg.Identifier(merging.UNDO_PAIRS))


def _words(row: dict[str, Any]) -> str:
    run = Run.objects.select_related("campaign").filter(pk=row["run_id"]).first()
    return str(run.campaign) if run else "–"


merging.prefer(PARTICIPANT, "t.arm")
merging.describe(PARTICIPANT, _words)
merging.call(PARTICIPANT, gettext_lazy("活动参与"))
merging.also(merge=mix_arms, before_undo=part_arms)
