"""Arms and layers: stable, balanced, one of each per member."""

import struct

from hypothesis import given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from scipy import stats

from campaigns import assignment as a

members = st.frozensets(st.integers(1, 2**32 - 1), max_size=300).map(BitMap)
salts = st.text(alphabet="0123456789abcdef", min_size=16, max_size=16)


@settings(deadline=None)
@given(members, members, salts, st.integers(0, 50))
def test_a_member_keeps_the_arm_whoever_else_is_there(some: BitMap, more: BitMap, salt: str, percent: int) -> None:
    alone = a.assign(some, [(1, None)], salt=salt, holdout_percent=percent)
    among = a.assign(some | more, [(1, None)], salt=salt, holdout_percent=percent)
    kept = dict(zip(among.members.tolist(), among.arms.tolist(), strict=True))
    assert all(kept[member] == arm for member, arm in zip(alone.members.tolist(), alone.arms.tolist(), strict=True))


@settings(deadline=None)
@given(members, st.lists(members, max_size=4), salts)
def test_every_member_has_exactly_one_arm_and_the_first_layer_that_fits(
    audience: BitMap, wanted: list[BitMap], salt: str
) -> None:
    layers = [(n, bitmap) for n, bitmap in enumerate(wanted, 1)] + [(99, None)]
    made = a.assign(audience, layers, salt=salt, holdout_percent=10)
    assert made.members.tolist() == sorted(audience)
    assert set(made.arms.tolist()) <= {a.HOLDOUT, a.TREATED}
    for member, layer in zip(made.members.tolist(), made.layers.tolist(), strict=True):
        assert layer == next(n for n, bitmap in layers if bitmap is None or member in bitmap)


def test_members_of_no_layer_take_no_part() -> None:
    made = a.assign(BitMap([1, 2, 3]), [(7, BitMap([2, 9]))], salt="x", holdout_percent=0)
    assert made.members.tolist() == [2]
    assert made.layers.tolist() == [7]
    assert len(a.assign(BitMap(), [(7, None)], salt="x", holdout_percent=10)) == 0
    assert len(a.assign(BitMap([1]), [], salt="x", holdout_percent=10)) == 0


@settings(max_examples=40, deadline=None)
@given(salts, st.integers(5, 50), st.integers(0, 2**31))
def test_the_arms_have_their_planned_sizes(salt: str, percent: int, start: int) -> None:
    held = len(a.assign(BitMap(range(start, start + 20_000)), [(1, None)], salt=salt, holdout_percent=percent).where(a.HOLDOUT))
    assert stats.binomtest(held, 20_000, percent / 100).pvalue > 1e-7


def test_two_campaigns_hold_out_different_members() -> None:
    everyone = BitMap(range(1, 50_001))
    one, two = (
        set(a.assign(everyone, [(1, None)], salt=salt, holdout_percent=10).where(a.HOLDOUT).tolist())
        for salt in ("a" * 16, "b" * 16)
    )
    assert 350 < len(one & two) < 650  # one in a hundred by chance


def test_a_larger_holdout_contains_the_smaller_one() -> None:
    everyone = BitMap(range(1, 5001))
    five, ten = (set(a.assign(everyone, [(1, None)], salt="s", holdout_percent=n).where(a.HOLDOUT).tolist()) for n in (5, 10))
    assert five < ten


def test_the_hash_never_changes() -> None:
    # Written down once: campaigns under way must keep their groups through any upgrade.
    assert [round(float(x), 9) for x in a.position(a.ids(BitMap([1, 2, 4294967295])), "0123456789abcdef")] == PLACES


PLACES = [0.579590398, 0.410387216, 0.53500891]


def test_the_copy_file_has_three_columns_per_member() -> None:
    data = a.as_copy(a.assign(BitMap([5, 6]), [(3, BitMap([6])), (4, None)], salt="s", holdout_percent=0)).getvalue()
    assert data.startswith(b"PGCOPY\n\xff\r\n\x00")
    first = struct.unpack(">hiqihiq", data[19 : 19 + struct.calcsize(">hiqihiq")])
    assert first == (3, 8, 5, 2, 1, 8, 4)
    assert data.endswith(b"\xff\xff")
    assert len(data) == 19 + 2 * struct.calcsize(">hiqihiq") + 2
