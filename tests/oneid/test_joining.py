"""Sets of owners against a plain union-find."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from members.oneid import joining

owner = st.integers(-6, 6).filter(bool)
ties = st.lists(st.tuples(owner, owner).filter(lambda pair: pair[0] != pair[1]), max_size=12)


def sets(pairs: list[tuple[int, int]]) -> set[frozenset[int]]:
    """The oracle: by brute force."""
    groups = [{*pair} for pair in pairs]
    merged = True
    while merged:
        merged = False
        for i, one in enumerate(groups):
            for j in range(i + 1, len(groups)):
                if groups[j] & one:
                    groups[i] = one | groups.pop(j)
                    merged = True
                    break
            if merged:
                break
    return {frozenset(group) for group in groups}


def found(roots: joining.Roots) -> dict[int, set[int]]:
    result: dict[int, set[int]] = {}
    for each, root in zip(roots[0].tolist(), roots[1].tolist(), strict=True):
        result.setdefault(root, set()).add(each)
    return result


def arranged(pairs: list[tuple[int, int]]) -> np.ndarray:
    return np.array(pairs, np.int64).reshape(-1, 2)


@given(ties)
def test_components_are_those_of_a_union_find(pairs: list[tuple[int, int]]) -> None:
    result = found(joining.components(arranged(pairs)))
    assert {frozenset(group) for group in result.values()} == sets(pairs)
    for root, group in result.items():
        known = [each for each in group if each < 0]
        assert root == (max(known) if known else min(group)), "the oldest known member, else the first line"


@given(ties, st.randoms(use_true_random=False))
def test_a_doubtful_set_keeps_its_members_apart_in_any_order(pairs: list[tuple[int, int]], order: object) -> None:
    whole = joining.components(arranged(pairs))
    doubtful = set(whole[1].tolist())
    result = found(joining.carefully(arranged(pairs), whole, doubtful))
    shuffled = list(pairs)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert found(joining.carefully(arranged(shuffled), whole, doubtful)) == result
    assert all(sum(each < 0 for each in group) <= 1 for group in result.values())
    lines = [pair for pair in pairs if min(pair) > 0]
    for group in sets(lines):
        assert any(group <= other for other in result.values()), "lines of one person stay together"


def test_only_sets_with_two_who_were_told_apart_are_doubtful() -> None:
    whole = joining.components(arranged([(-1, 5), (5, -2), (-3, 6), (6, -4)]))
    assert joining.suspects(whole, [(1, 2), (3, 9)]) == {-1}
    parted = found(joining.carefully(arranged([(-1, 5), (5, -2), (-3, 6), (6, -4)]), whole, {-1}))
    assert parted == {-1: {-1, 5}, -2: {-2}, -3: {-3, -4, 6}}
