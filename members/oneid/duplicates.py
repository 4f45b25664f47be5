"""Members of a pool who may be one person: looked for, counted and shown, and nobody touched."""

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from django.utils.translation import gettext_lazy as _
from psycopg2 import sql as pg

from members.models import Rehearsal
from members.oneid import joining
from scrm.lib import sql

SIGNALS = {
    "name_birthday": _("姓名和生日相同"),
    "name_tail": _("姓名和手机尾号相同"),
    "name_guarded": _("姓名相同，且用过同一个共用标识"),
}
MOST = 50  # more people of one name and birthday than this are no duplicates
LARGEST = 20
Report = Callable[[int, str], None]


def search(rehearsal: Rehearsal, report: Report) -> dict[str, Any]:
    """Fill the rehearsal: pairs by each signal, then whoever is connected is one group."""
    found = np.empty((0, 2), np.int64)
    by_signal: dict[str, int] = {}
    many = many_members = 0
    for place, signal in enumerate(rehearsal.signals):
        report(place, signal)
        text = sql.text(f"members/oneid/said_{signal}").splitlines()
        said = pg.SQL(" ".join(line for line in text if not line.startswith("--")))
        row = sql.row("members/oneid/find_duplicates", {"pool": rehearsal.pool_id, "most": MOST}, said=said) or {}
        pairs = np.frombuffer(bytes(row["pairs"] or b""), ">i8").astype(np.int64).reshape(-1, 2)
        by_signal[signal] = len(pairs)
        many, many_members = many + int(row["many"]), many_members + int(row["many_members"])
        found = np.concatenate([found, pairs])
    groups = _groups(found)
    rehearsal.groups = groups.astype(">i8").tobytes()
    rehearsal.result = _told(groups) | {"signals": by_signal, "many": many, "many_members": many_members}
    rehearsal.save(update_fields=["groups", "result"])
    return {"groups": rehearsal.result["count"], "members": rehearsal.result["merges"]}


def _groups(found: np.ndarray) -> np.ndarray:
    """Every pair (the oldest of a group, another of it)."""
    owners, roots = joining.components(-found)  # known members are negative there
    pairs = np.stack([-roots, -owners], axis=1)
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


def _told(groups: np.ndarray) -> dict[str, Any]:
    roots, sizes = np.unique(groups[:, 0], return_counts=True) if len(groups) else (np.empty(0, np.int64), np.empty(0, np.int64))
    largest = sorted(zip(sizes.tolist(), roots.tolist(), strict=True), key=lambda pair: (-pair[0], pair[1]))[:LARGEST]
    members = {root: groups[groups[:, 0] == root][:, 1].tolist() for _size, root in largest}
    return {
        "count": len(roots),
        "merges": len(groups),
        "sizes": sorted(Counter((sizes + 1).tolist()).items()),
        "groups": [{"members": [root, *members[root]], "kinds": []} for _size, root in largest],
    }


def pairs(rehearsal: Rehearsal) -> np.ndarray:
    """Every pair of a rehearsal: who stays, who would go."""
    return np.frombuffer(bytes(rehearsal.groups or b""), ">i8").astype(np.int64).reshape(-1, 2)


def lines(rehearsal: Rehearsal) -> Iterator[tuple[int, int, int]]:
    """For a table: number of the group, who stays, who would go."""
    number, last = 0, 0
    for winner, loser in pairs(rehearsal).tolist():
        number, last = number + (winner != last), winner
        yield number, winner, loser
