"""What becomes of stays when two members turn out to be one: the events move, the stays are worked out anew."""

from datetime import datetime

from psycopg2 import sql as pg

from members import merging
from members.communities import services
from scrm.lib import sql


@merging.mover("members.CommunityMember")
def stays(pairs: str, as_of: datetime) -> None:
    """The losers' stays go with their events; whoever was inside twice was inside once."""
    found = sql.fetch(
        pg.SQL(
            "SELECT p.winner_id, p.loser_id FROM {} AS p"
            " WHERE EXISTS (SELECT 1 FROM members_communitymember AS m WHERE m.member_id = p.loser_id)"
        ).format(pg.Identifier(pairs))
    )
    services.after_merge(members=sorted({each for pair in found for each in pair}))


@merging.unmover("members.CommunityMember")
def stays_again(undoing: merging.Undoing) -> None:
    """The events are back with whose they are; so are the stays."""
    found = sql.fetch(pg.SQL("SELECT winner_id, loser_id FROM {}").format(pg.Identifier(merging.UNDO_PAIRS)))
    services.after_merge(members=sorted({each for pair in found for each in pair}))
