"""Pages of a list that was sorted in memory: some hundreds of stores, colleagues or groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")
PAGE = 50


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """Some rows, and the keys of the pages around them."""

    rows: Sequence[Row]
    next: str
    previous: str


def cut(rows: Sequence[Row], key: Callable[[Row], object], *, after: str = "", before: str = "", size: int = PAGE) -> Slice[Row]:
    """The rows after (or before) the one with a key; an unknown key is the beginning."""
    places = {str(key(row)): place for place, row in enumerate(rows)}
    begin = places.get(after, -1) + 1
    if before in places:
        begin = max(places[before] - size, 0)
    shown = rows[begin : begin + size]
    more = begin + size < len(rows)
    return Slice(shown, str(key(shown[-1])) if shown and more else "", str(key(shown[0])) if shown and begin else "")
