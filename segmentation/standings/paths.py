"""The way up through the classes of a scheme: how long members stay on each, what is missing, and how long the rise takes."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np

from scrm.lib import sql
from segmentation import bitmaps
from segmentation.models import Scheme
from segmentation.standings import queries
from segmentation.standings.families import Code, Words, family

DAY = 86_400
NOWHERE = 2**31 - 1  # the code of who stood in no class, as changes are sent
ENOUGH = 10  # rises: the quartiles of fewer say little


@dataclass(frozen=True)
class Step:
    """One class on the way up, and the next."""

    code: Code
    next: Code | None
    members: int
    stay: timedelta | None  # of the member in the middle, up to now
    ahead: Words  # what that member lacks for the next class
    rises: int  # in the whole history
    days: tuple[float, float, float] | None  # quartiles of the time before a rise

    @property
    def stay_days(self) -> float | None:
        return None if self.stay is None else self.stay.total_seconds() / DAY


def path(scheme: Scheme, as_of: datetime) -> list[Step]:
    """From the lowest class to the highest; nothing for classes that have no order."""
    known = queries.codes(scheme)
    if not known or not family(scheme.family).is_ladder:
        return []
    stays = queries.kept(scheme, "stays", "standings/measure_stays", {"scheme_id": scheme.pk})
    given = {"pool_id": scheme.pool_id, "kind": scheme.kind, "as_of": as_of}
    rises = queries.held(scheme, "rises", lambda: _rises(given))
    after = [*known[1:], None]
    return [
        _step(scheme, code, end, stays.get(code.number), rises.get(code.number), as_of)
        for code, end in zip(known, after, strict=True)
    ]


def _rises(given: Mapping[str, Any]) -> list[dict[str, Any]]:
    """How long members stood in a class before they went to a higher one: quartiles in seconds, from the whole history.

    A first class has no beginning before it and counts from its own change.
    """
    ids, at, codes = bitmaps.dated_values(sql.text("segmentation/standings/list_changes"), dict(given), 1)
    order = np.lexsort((at, ids))
    ids, at, codes = ids[order], at[order], codes[order]
    to = codes.astype(np.int32)  # the lower half
    was = (codes - to) >> 32
    rose = (ids[1:] == ids[:-1]) & (was[1:] != NOWHERE) & (to[1:] != NOWHERE) & (to[1:] > was[1:])
    seconds, code = (at[1:][rose] - at[:-1][rose] + 500_000) // 1_000_000, was[1:][rose]
    return [_quarters(int(one), np.sort(seconds[code == one])) for one in np.unique(code)]


def _quarters(code: int, seconds: bitmaps.Numbers) -> dict[str, Any]:
    places = [math.ceil(share * len(seconds)) - 1 for share in (0.25, 0.5, 0.75)]
    return {"code": code, "rises": len(seconds), "seconds": [int(seconds[place]) for place in places]}


def _step(
    scheme: Scheme, code: Code, end: Code | None, stay: Mapping[str, Any] | None, rise: Mapping[str, Any] | None, as_of: datetime
) -> Step:
    ahead: Words = ""
    if stay and end:
        middle = SimpleNamespace(code=code.number, value=_whole(stay["value"]), since=stay["since"])
        ahead = family(scheme.family).ahead(queries.chosen(scheme), scheme.edges, middle)
    return Step(
        code,
        end,
        stay["members"] if stay else 0,
        max(as_of - stay["since"], timedelta()) if stay else None,
        ahead,
        rise["rises"] if rise else 0,
        _quartiles(rise),
    )


def _whole(value: Any) -> int | None:
    return None if value is None else int(value)


def _quartiles(rise: Mapping[str, Any] | None) -> tuple[float, float, float] | None:
    if rise is None or rise["rises"] < ENOUGH:
        return None
    low, middle, high = (seconds / DAY for seconds in rise["seconds"])
    return low, middle, high
