"""One thing after another, and sums of rows: told in numpy as plain Python tells them, whatever the numbers are."""

import random
from collections import Counter

import numpy as np
import pytest

from segmentation import bitmaps, following

WITHIN = 5


def told(first: list[tuple[int, int]], second: list[tuple[int, int]], *, missed: bool) -> dict[int, int]:
    """Row by row."""
    return Counter(
        one for one, at in first if missed is not any(other == one and at < then <= at + WITHIN for other, then in second)
    )


def columns(rows: list[tuple[int, int]]) -> tuple[bitmaps.Numbers, bitmaps.Numbers]:
    return np.array([one for one, _ in rows], np.uint32), np.array([at for _, at in rows], np.int64)


@pytest.mark.parametrize("most", [2**63 - 1, 100])
@pytest.mark.parametrize("step", [1, 40_000_000])
@pytest.mark.parametrize("missed", [False, True])
def test_what_follows_is_what_follows_row_by_row(most: int, step: int, missed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Near and far ids, all members at once and so many that their numbers would not fit."""
    monkeypatch.setattr(following, "MOST", most)
    chance, several = random.Random(5), set[int]()
    for _ in range(60):
        first, second = (
            [(7 + step * chance.randrange(9), -chance.randrange(40)) for _ in range(chance.randrange(30))] for _ in range(2)
        )
        ids, counts = following.counted(columns(first), columns(second), WITHIN, missed=missed)
        found = dict(zip(ids.tolist(), counts.tolist(), strict=True))
        assert found == told(first, second, missed=missed)
        several |= set(found.values())
    assert len(several) > 2


@pytest.mark.parametrize("great", [1, 2**60])
@pytest.mark.parametrize("step", [1, 400_000_000])
def test_sums_are_exact(great: int, step: int) -> None:
    """Also beyond what a double holds."""
    rows = [(3 + step * (n % 5), great + n * n) for n in range(6 if great > 1 else 60)]
    ids, amounts = columns(rows)
    found, (counts, sums) = bitmaps.added(ids, [None, amounts])
    whole: Counter[int] = Counter()
    for one, amount in rows:
        whole[one] += amount
    assert dict(zip(found.tolist(), sums.tolist(), strict=True)) == whole
    assert dict(zip(found.tolist(), counts.tolist(), strict=True)) == Counter(one for one, _ in rows)
