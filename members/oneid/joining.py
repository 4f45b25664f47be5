"""Who is tied to whom: sets of owners, each with one root. Knows no database.

An owner is a known member (negative: -id) or a line of a file (positive: the first that names an identity).
"""

from collections.abc import Iterable

import numpy as np
import scipy

Pairs = np.ndarray  # of int64, two columns
Roots = tuple[np.ndarray, np.ndarray]  # owners, and the root of each


def components(ties: Pairs) -> Roots:
    """The root of every owner that is tied to another: the oldest known member, else the first line."""
    if not len(ties):
        return np.empty(0, np.int64), np.empty(0, np.int64)
    owners, index = np.unique(ties, return_inverse=True)
    index = index.reshape(-1, 2)
    graph = scipy.sparse.coo_array((np.ones(len(index), np.int8), (index[:, 0], index[:, 1])), shape=(len(owners), len(owners)))
    _count, labels = scipy.sparse.csgraph.connected_components(graph, directed=False)
    order = np.lexsort((np.abs(owners), owners > 0))  # known members before lines, the smaller number first
    _labels, first = np.unique(labels[order], return_index=True)
    return owners, owners[order][first][labels]


def suspects(found: Roots, apart: Iterable[tuple[int, int]]) -> set[int]:
    """Roots of sets that would join two members whom somebody has told apart."""
    wanted = {number for pair in apart for number in pair}
    known = found[0] < 0
    root = {-int(owner): int(root) for owner, root in zip(found[0][known], found[1][known], strict=True) if -int(owner) in wanted}
    return {root[one] for one, two in apart if one in root and root.get(one) == root.get(two)}


def carefully(ties: Pairs, found: Roots, doubtful: set[int]) -> Roots:
    """Take apart the doubtful sets: in them no two known members are joined, lines go to the member they are tied to first.

    Whatever order the ties come in, the same sets result.
    """
    if not doubtful:
        return found
    owners, roots = found
    bad = np.isin(roots, np.array(sorted(doubtful), np.int64))
    mine = np.isin(ties[:, 0], owners[bad])
    parted = _greedy(ties[mine])
    kept = components(ties[~mine])
    return np.concatenate([kept[0], parted[0]]), np.concatenate([kept[1], parted[1]])


def _greedy(ties: Pairs) -> Roots:
    up: dict[int, int] = {}

    def root(owner: int) -> int:
        while up.setdefault(owner, owner) != owner:
            up[owner] = up[up[owner]]
            owner = up[owner]
        return owner

    # Lines among themselves first, then each set of lines to the oldest member it is tied to.
    for one, two in sorted(
        (sorted(map(int, pair)) for pair in ties.tolist()), key=lambda pair: (pair[0] < 0, abs(pair[0]), pair[1])
    ):
        first, second = root(one), root(two)
        if first != second and not (first < 0 and second < 0):
            low, high = sorted((first, second))
            up[high] = low
    owners = np.array(sorted(up), np.int64)
    return owners, np.array([root(int(owner)) for owner in owners], np.int64)
