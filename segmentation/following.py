"""One thing after another, in numpy: for each of the first, whether one of the second follows soon enough.

Joined in the database, each pair of rows of a member is looked at. Here both are numbers that sort by member and then by
time, so the next of the second is found by searching.
"""

from typing import Any

import numpy as np

from segmentation.bitmaps import Numbers

MOST = 2**63 - 1


def counted(
    first: tuple[Numbers, Numbers], second: tuple[Numbers, Numbers], within: int, *, missed: bool
) -> tuple[Numbers, Numbers]:
    """Per member, how many of the first are followed (`missed`: are not) by one of the second; those with none are left out.

    Both are ids and instants in microseconds, in any order; `within` are microseconds. What happens at the same instant
    does not follow.
    """
    ids, at = first
    if not len(ids):
        return ids, np.zeros(0, np.int64)
    members, rank = _ranked(ids)
    begins = int(at.min())
    span = int(at.max()) - begins + within + 1
    others, then = _of(members, begins, span, second)
    counts = np.zeros(len(members), np.int64)
    most = max(1, MOST // span)  # members whose keys fit into a number
    for low in range(0, len(members), most):
        high = min(low + most, len(members))
        mine, theirs = (rank >= low) & (rank < high), (others >= low) & (others < high)
        keys = np.sort((rank[mine] - low) * span + (at[mine] - begins))
        hits = _followed(keys, np.sort((others[theirs] - low) * span + then[theirs]), within)
        counts[low:high] = np.bincount(keys[~hits if missed else hits] // span, minlength=high - low)
    some = counts > 0
    return members[some], counts[some]


def _ranked(ids: Numbers) -> tuple[Numbers, Numbers]:
    """The different ids, and for each row the place of its own."""
    low, high = int(ids.min()), int(ids.max())
    if high - low > 8 * len(ids):
        found = np.unique(ids, return_inverse=True)
        return found[0], found[1].astype(np.int64)
    there = np.zeros(high - low + 1, bool)
    there[ids - np.uint32(low)] = True
    places = np.cumsum(there) - 1
    return (np.flatnonzero(there) + low).astype(np.uint32), places[ids - np.uint32(low)]


def _of(members: Numbers, begins: int, span: int, second: tuple[Numbers, Numbers]) -> tuple[Numbers, Numbers]:
    """Of the second what can follow at all: the places of its members, and how long after the beginning it was."""
    ids, at = second
    soon = (at > begins) & (at - begins < span) & (ids >= members[0]) & (ids <= members[-1])
    ids, then = ids[soon], at[soon] - begins
    low, high = int(members[0]), int(members[-1])
    if high - low > 8 * (len(members) + len(ids)):
        places = np.searchsorted(members, ids)
        there = members[places] == ids
        return places[there], then[there]
    table: np.ndarray[Any, Any] = np.full(high - low + 1, -1, np.int64)
    table[members - np.uint32(low)] = np.arange(len(members))
    places = table[ids - np.uint32(low)]
    return places[places >= 0], then[places >= 0]


def _followed(keys: Numbers, others: Numbers, within: int) -> Numbers:
    """Whether the next of the others is at most so much greater; both in rising order."""
    if not len(others):
        return np.zeros(len(keys), bool)
    place = np.searchsorted(others, keys, side="right")
    following = others[np.minimum(place, len(others) - 1)]
    found: Numbers = (place < len(others)) & (following <= keys + within)
    return found
