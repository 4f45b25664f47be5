"""Who gets which arm and layer: a stable hash of (salt, member), nothing else. No database, no clock.

Bitmaps in, arrays out: a million members are a few vector operations.
"""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

HOLDOUT, TREATED = 0, 1
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_COPY_HEAD = b"PGCOPY\n\xff\r\n\x00" + b"\x00" * 8
_COPY_TAIL = b"\xff\xff"
_ROW = np.dtype([("n", ">i2"), ("l1", ">i4"), ("member", ">i8"), ("l2", ">i4"), ("arm", ">i2"), ("l3", ">i4"), ("layer", ">i8")])


@dataclass(frozen=True)
class Assignment:
    """Three columns of equal length, in the order of member ids."""

    members: NDArray[np.int64]
    arms: NDArray[np.int16]
    layers: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.members)

    def where(self, arm: int, layer: int | None = None) -> NDArray[np.int64]:
        """The ids of one arm, or of one arm of one layer."""
        chosen = self.arms == arm
        return self.members[chosen if layer is None else chosen & (self.layers == layer)]


def ids(members: BitMap) -> NDArray[np.int64]:
    """A bitmap as a sorted array."""
    return np.asarray(members.to_array(), dtype=np.int64) if len(members) else np.empty(0, np.int64)


def position(members: NDArray[np.int64], salt: str) -> NDArray[np.float64]:
    """Each member's place in [0, 1) under a salt: splitmix64 over the id, seeded by the salt."""
    seed = np.uint64(int.from_bytes(hashlib.sha256(salt.encode()).digest()[:8], "big"))
    with np.errstate(over="ignore"):
        z = (members.astype(np.uint64) + np.uint64(1)) * _GOLDEN ^ seed
        z = (z ^ (z >> np.uint64(30))) * _MIX_A
        z = (z ^ (z >> np.uint64(27))) * _MIX_B
        z ^= z >> np.uint64(31)
    return (z >> np.uint64(11)).astype(np.float64) / float(1 << 53)


def arms(members: NDArray[np.int64], salt: str, holdout_percent: int) -> NDArray[np.int16]:
    """HOLDOUT or TREATED for each member. A larger holdout contains every smaller one."""
    return np.where(position(members, salt) * 100 < holdout_percent, HOLDOUT, TREATED).astype(np.int16)


def assign(audience: BitMap, layers: Sequence[tuple[int, BitMap | None]], *, salt: str, holdout_percent: int) -> Assignment:
    """One arm and one layer per member: the first layer that has them (None: everybody left).

    Members of no layer take no part.
    """
    left, parts = audience.copy(), []
    for layer, wanted in layers:
        here = left.copy() if wanted is None else left & wanted
        left -= here
        parts.append((ids(here), layer))
    members = np.concatenate([part for part, _ in parts]) if parts else np.empty(0, np.int64)
    owners = np.concatenate([np.full(len(part), layer, np.int64) for part, layer in parts]) if parts else np.empty(0, np.int64)
    order = np.argsort(members, kind="stable")
    return Assignment(members[order], arms(members[order], salt, holdout_percent), owners[order])


def as_copy(made: Assignment) -> io.BytesIO:
    """The assignment as a binary COPY file of (member bigint, arm smallint, layer bigint)."""
    rows = np.empty(len(made), _ROW)
    rows["n"], rows["l1"], rows["l2"], rows["l3"] = 3, 8, 2, 8
    rows["member"], rows["arm"], rows["layer"] = made.members, made.arms, made.layers
    return io.BytesIO(_COPY_HEAD + rows.tobytes() + _COPY_TAIL)
