"""What other settings would do, before they are saved: the same chain, up to but not including the writing."""

import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members.models import Pool
from members.models.state import RfmGroup, Stage
from scrm.lib import sql
from segmentation.recalculation import queries, services, steps, told
from segmentation.recalculation.edges import Edges
from segmentation.recalculation.settings import Choices

# On one line: a slot may stand in a comment of the file, too.
NONE = "(SELECT 0::bigint AS member_id, NULL::timestamptz AS at WHERE false)"


@dataclass(frozen=True)
class Preview:
    """Sizes of groups and stages now and then, who would move, and the edges that do it."""

    edges: Edges
    groups: list[queries.Class]
    stages: list[queries.Class]
    regrouped: int
    restaged: int
    moves: list["Move"]
    seconds: float

    @property
    def small(self) -> list[queries.Class]:
        """Groups that would have so few members that figures about them say little."""
        return [group for group in self.groups if group.then is not None and 0 < group.then < queries.FEW]

    @property
    def group_moves(self) -> list["Move"]:
        return [move for move in self.moves if move.of == "group"]

    @property
    def stage_moves(self) -> list["Move"]:
        return [move for move in self.moves if move.of == "stage"]


@dataclass(frozen=True)
class Move:
    """How many would go from one class to another."""

    of: str  # "group" or "stage"
    was: str
    then: str
    members: int


@transaction.atomic
def preview(*, pool: Pool, choices: Choices, as_of: datetime) -> Preview:
    """Try choices on the whole pool without writing anything."""
    started = time.perf_counter()
    chain = steps.Chain(pool.pk, as_of, services.live(pool.pk), steps.TEMPORARY)
    _facts(chain, pool, choices)
    found = steps.measure(choices, chain, queries.status(pool).edges)
    steps.compare(chain, found)
    moves = sql.rows("segmentation/count_moves", changes=chain.tables["changes"])
    groups, stages = queries.classes(pool, moves)
    chain.drop()
    return Preview(
        edges=found,
        groups=groups,
        stages=stages,
        regrouped=sum(move["members"] for move in moves if move["old_group"] != move["rfm_group"]),
        restaged=sum(move["members"] for move in moves if move["old_stage"] != move["stage"]),
        moves=_moves(moves, "group", "old_group", "rfm_group", RfmGroup) + _moves(moves, "stage", "old_stage", "stage", Stage),
        seconds=time.perf_counter() - started,
    )


def _moves(found: list[dict[str, Any]], of: str, old: str, new: str, names: Any) -> list[Move]:
    """The largest first."""
    sums: Counter[tuple[Any, Any]] = Counter()
    for row in found:
        if row[old] != row[new]:
            sums[row[old], row[new]] += row["members"]
    said = [[str(names(code).label) if code is not None else "–" for code in pair] for pair in sums]
    made = [Move(of, was, then, members) for (was, then), members in zip(said, sums.values(), strict=True)]
    return sorted(made, key=lambda move: -move.members)


def _facts(chain: steps.Chain, pool: Pool, choices: Choices) -> None:
    """Known facts do when the window stays as it is; another window is read from the orders."""
    now = queries.status(pool).edges
    if now is None or now.window_days != choices.rfm.window_days:
        return steps.facts(chain, services.window(choices.rfm.window_days, chain.as_of))
    chain.tables |= {"facts": steps.known(pool.pk), "future": pg.SQL(NONE)}


def words(found: Edges, choices: Choices) -> dict[str, object]:
    """Edges for a page or an answer of the API."""
    return told.words(found, choices.lifecycle.quantiles)
