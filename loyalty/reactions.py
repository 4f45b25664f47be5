"""What points do when lower apps announce something."""

from datetime import datetime

from psycopg2 import sql as pg

from members import merging
from scrm.lib import sql


@merging.mover("loyalty.Entry", "loyalty.Account")
def move_points(pairs_table: str, as_of: datetime) -> None:
    """The ledger only grows: points leave the loser's account and enter the winner's."""
    sql.execute("loyalty/move_merged_points", {"as_of": as_of}, pairs=pg.Identifier(pairs_table))
