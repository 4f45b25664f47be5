"""Dividing members among several receivers: everybody goes to exactly one of them, the same way every time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from members.models import Handover


@dataclass(frozen=True)
class Receiver:
    """Somebody who may be given members. `room`: how many more fit, None when no limit was set."""

    user_id: int | None
    store_id: int | None = None
    room: int | None = None


def even(ids: BitMap, parts: int) -> list[BitMap]:
    """Like cards: sizes differ by at most one."""
    row = np.array(ids, dtype=np.uint32)
    return [BitMap(row[n::parts]) for n in range(parts)]


def quotas(total: int, rooms: Sequence[int]) -> list[int]:
    """`total` in proportion to the rooms, by largest remainder; evenly when nobody has any room."""
    weights = [max(room, 0) for room in rooms]
    whole = sum(weights)
    if not whole:
        weights, whole = [1] * len(rooms), len(rooms)
    exact = [total * weight / whole for weight in weights]
    given = [int(part) for part in exact]
    by_remainder = sorted(range(len(rooms)), key=lambda n: (given[n] - exact[n], n))
    for n in by_remainder[: total - sum(given)]:
        given[n] += 1
    return given


def by_room(ids: BitMap, receivers: Sequence[Receiver]) -> list[BitMap]:
    """In proportion to the room that is left; without a limit counts as the largest room named."""
    most = max((each.room for each in receivers if each.room is not None), default=1)
    sizes = quotas(len(ids), [max(most, 1) if each.room is None else each.room for each in receivers])
    row = np.array(ids, dtype=np.uint32)
    return [BitMap(piece) for piece in np.split(row, np.cumsum(sizes)[:-1])]


def by_store(ids: BitMap, receivers: Sequence[Receiver], homes: Mapping[int, BitMap]) -> list[BitMap]:
    """To receivers of the member's own store; whose store has none of them: evenly to all."""
    found = [BitMap() for _ in receivers]
    rest = BitMap(ids)
    for store, members in homes.items():
        local = [n for n, each in enumerate(receivers) if each.store_id == store]
        for n, part in zip(local, even(members & ids, len(local)) if local else [], strict=True):
            found[n] |= part
        rest -= members if local else BitMap()
    for n, part in enumerate(even(rest, len(receivers))):
        found[n] |= part
    return found


def split(ids: BitMap, receivers: Sequence[Receiver], how: str, homes: Mapping[int, BitMap]) -> list[BitMap]:
    """Who gets whom, in the order of the receivers."""
    if how == Handover.Split.STORE:
        return by_store(ids, receivers, homes)
    return by_room(ids, receivers) if how == Handover.Split.CAPACITY else even(ids, len(receivers))
