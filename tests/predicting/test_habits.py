"""Promotion sensitivity, liking for new products, joining in: what they find in a made-up shop, and what they refuse to see."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from campaigns import historic
from members.models import MemberPrediction, MemberTag, OrderLine, TagGroup
from scrm.lib import sql
from segmentation import evaluate
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import frames, queries, scoring, services, training
from segmentation.predicting.declared.habits import Told, correlation
from segmentation.predicting.declaring import Sample, checked, model
from segmentation.predicting.services import Threshold
from tests.predicting.conftest import START
from tests.predicting.goods import fill_goods

pytestmark = pytest.mark.django_db
KEYS = ("promotion", "novelty", "activity")
SHORT = {"promotion": {"horizon_days": 28}, "novelty": {"horizon_days": 28, "fresh_days": 14}, "activity": {"horizon_days": 28}}
LATE = START + timedelta(days=260)


def shop(customers=400, days=260, seed=4):
    """Every fifth hunts for discounts, every fifth for what is new: a new one comes every three weeks; deals change weekly."""
    rng, rows, basket = np.random.default_rng(seed), [], 0
    for member in range(1, customers + 1):
        at = float(rng.uniform(0, 6))
        while at < days:
            basket += 1
            for _ in range(3):
                out = int(at // 21)
                fresh = member % 5 == 1 and rng.random() < 0.6
                item = 10 + out if fresh and out >= 2 else int(rng.integers(0, 6))
                deal = 0.3 if (item + int(at // 7)) % 3 == 0 else 0.0
                share = min(deal + (0.15 if member % 5 == 0 and rng.random() < 0.7 else 0.0), 0.5)
                gross = round(float(rng.gamma(4, 6)) + 1, 2)
                off = round(gross * share, 2)
                rows.append((member, basket, at, f"D{item % 3}", f"P{item}", round(gross - off, 2), off))
            at += 0.5 + float(rng.exponential(8))
    names = ["household_id", "basket_id", "day", "department", "product_category", "sales_value", "retail_disc"]
    found = pd.DataFrame(rows, columns=names)
    found["at"] = pd.Timestamp("2017-01-01 04:00") + pd.to_timedelta(found.day, unit="D")
    keys = ["household_id", "basket_id", "at", "department", "product_category"]
    return found.groupby(keys, as_index=False)[["sales_value", "retail_disc"]].sum()


def campaigns(pool, number):
    """Every month a campaign to every fifth member: whoever is reached buys as usual, so what is on is what differs."""
    for n, day in enumerate(range(20, 250, 9)):
        at = START + timedelta(days=day)
        some = [number[each] for each in number if each % 5 == 2]
        historic.bring_in(
            pool=pool,
            name=f"c{n}",
            note="",
            started_at=at,
            ended_at=at + timedelta(days=5),
            audience=some,
            redeemed={},
            actor=None,
        )


@pytest.fixture
def stocked(pool):
    number = fill_goods(pool, shop())
    campaigns(pool, number)
    return pool, number


def trained(pool, key, as_of=LATE, **settings):
    predictor = services.predictor_of(pool=pool, key=key)
    wanted = checked(key, SHORT[key] | settings).model_dump(mode="json")
    Predictor.objects.filter(pk=predictor.pk).update(is_on=True, settings=wanted)
    predictor.refresh_from_db()
    version = training.train(predictor=predictor, as_of=as_of)
    assert version.status == ModelVersion.Status.READY, version.error
    return version


def test_nothing_after_the_cutoff_is_seen(stocked):
    """Later orders, lines, campaigns and refunds are corrupted; also what a product is first sold at, later on."""
    pool, number = stocked
    middle = START + timedelta(days=230, hours=5)
    before = {}
    for key in KEYS:
        version = trained(pool, key, middle)
        before[key] = (version.params, version.metrics, version.calibration, *scoring.find(version, middle))
    sql.run("UPDATE members_order SET amount = amount * 9 + 7, discount = 99999 WHERE placed_at > %(at)s", {"at": middle})
    sql.run(
        "UPDATE members_orderline l SET discount = 99999, product_id = (SELECT max(id) FROM members_product) FROM members_order o"
        " WHERE o.member_id = l.member_id AND o.id = l.order_id AND o.placed_at > %(at)s",
        {"at": middle},
    )
    sql.run(
        "UPDATE members_order SET status = 2, refunded = amount, refunded_at = %(at)s + interval '1 hour'"
        " WHERE placed_at > %(at)s - interval '20 days' AND id %% 3 = 0",
        {"at": middle},
    )
    at = middle + timedelta(hours=1)
    historic.bring_in(
        pool=pool, name="later", note="", started_at=at, ended_at=at + timedelta(days=9), audience=number.values(), redeemed={},
        actor=None,
    )  # fmt: skip
    for key, (params, metrics, calibration, members, scores) in before.items():
        version = trained(pool, key, middle)
        others, again = scoring.find(version, middle)
        assert (version.params, version.metrics, version.calibration) == (params, metrics, calibration), key
        assert np.array_equal(members, others), key
        assert all(np.array_equal(getattr(scores, name), getattr(again, name)) for name in ("value", "code", "more")), key


@pytest.mark.parametrize(("key", "rest"), [("promotion", 0), ("novelty", 1), ("activity", 2)])
def test_those_who_have_a_habit_are_found(stocked, key, rest):
    pool, number = stocked
    version = trained(pool, key)
    found = {each["key"]: each for each in version.metrics}
    assert version.beats
    assert found["rmse"]["change_high"] < 0
    assert found["halves"]["low"] > 0
    scoring.score(version=version, as_of=LATE)
    people = {member: each for each, member in number.items()}
    rows = list(MemberPrediction.objects.filter(predictor_id=version.predictor_id))
    mine = [row for row in rows if people[row.member_id] % 5 == rest]
    assert np.mean([row.code == 2 for row in mine]) > 0.7
    assert np.mean([row.code == 2 for row in rows if row not in mine]) < 0.25
    told = queries.told(Predictor.objects.get(pk=version.predictor_id), mine[0])
    assert told.label in {str(each) for each in model(key).code_labels}
    lovers = evaluate.count(pool, {"fact": f"{key}_kind", "op": "in", "value": [2]}, LATE).bitmap
    assert set(lovers) == {row.member_id for row in rows if row.code == 2}


def test_a_discount_that_goods_explain_is_no_sensitivity_and_tags_nobody(pool):
    """Members keep to one product each: raw shares differ for good, yet everybody who buys the product saves the same."""
    rows = shop(300)
    item = "P" + (rows.household_id % 6).astype(str)
    rng = np.random.default_rng(9)
    gross = rows.sales_value + rows.retail_disc
    off = (gross * (rows.household_id % 6) * 0.1 * rng.choice([0.5, 1.5], len(rows))).round(2)
    rows = rows.assign(product_category=item, department=item, retail_disc=off, sales_value=(gross - off).round(2))
    fill_goods(pool, rows.groupby(["household_id", "basket_id", "at", "department", "product_category"], as_index=False).sum())
    version = trained(pool, "promotion")
    found = {each["key"]: each for each in version.metrics}
    assert found["halves_raw"]["value"] > 0.5 > found["halves"]["value"] + 0.3
    assert version.beats is False
    scoring.score(version=version, as_of=LATE)
    predictor = Predictor.objects.get(pk=version.predictor_id)
    group = TagGroup.objects.create(pool=pool, name="模型")
    services.set_tag(
        predictor=predictor, group=group, name="追优惠", threshold=Threshold(by="percentile", op="gte", value=50), actor=None
    )
    assert services.tag(predictor=predictor, as_of=LATE) == 0
    assert not MemberTag.objects.exists()


def test_without_discounts_new_products_or_campaigns_the_model_says_what_is_missing(pool):
    rows = shop(250)
    old = rows.product_category.str[1:].astype(int) < 6
    fill_goods(pool, rows[old].assign(retail_disc=0.0))
    for key, code in (("promotion", "discounts"), ("novelty", "novelties"), ("activity", "activities")):
        predictor = services.predictor_of(pool=pool, key=key)
        predictor.settings |= SHORT[key]
        predictor.save()
        version = training.train(predictor=predictor, as_of=LATE)
        assert (version.status, version.sizes["lacking"]["code"]) == ("lacking", code), version.error
    OrderLine.objects.all()._raw_delete(using="default")
    version = training.train(predictor=predictor, as_of=LATE)
    assert version.status == "lacking"


def test_two_members_by_hand(pool):
    """One product in one week: one saved half of 10, the other nothing of 30; each is compared with the other alone."""
    rows = pd.DataFrame(
        [(1, 1, 3, "A", "a", 5.0, 5.0), (2, 2, 2, "A", "a", 30.0, 0.0)],
        columns=["household_id", "basket_id", "ago", "department", "product_category", "sales_value", "retail_disc"],
    )
    number = fill_goods(pool, rows.assign(at=LATE.replace(tzinfo=None) - pd.to_timedelta(rows.ago, unit="D")))
    declared = model("promotion")
    ask = training.Ask(pool.pk, "UTC", LATE, declared.settings(), "promotion")
    with declared.laid(ask) as laid:
        ask = training.replace(ask, laid=laid)
        frame = frames.read(declared, ask, frames.everybody(pool.pk))
    assert frame["member_id"].tolist() == sorted(number.values())
    # usual: 5 of 40; weight: five mean lines, 5 × 20 = 100; of the other member's lines in the week
    usual = [10 * (0 + 100 * 0.125) / (30 + 100), 30 * (5 + 100 * 0.125) / (10 + 100)]
    assert np.allclose(frame["hits"] / 100, [5 - usual[0], 0 - usual[1]], atol=1e-4)
    assert np.allclose(frame["seen"] / 100, [10, 30])


def test_the_fewer_purchases_the_nearer_to_everybody():
    told = Told(mean=0.2, pull=10.0, spread=0.01)
    share = told.share(np.array([0.0, 1.0, 100.0]), np.array([0.0, 1.0, 100.0]))
    assert np.allclose(share, [0.2, 3 / 11, 102 / 110])
    assert told.code(np.array([0.0, 1.0, 100.0]), np.array([0.0, 1.0, 100.0])).tolist() == [1, 1, 2]
    assert told.code(np.array([0.0]), np.array([100.0])).tolist() == [0]
    assert Told(0.2, 10.0, 0.0).code(np.array([90.0]), np.array([100.0])).tolist() == [1]


def test_correlation_is_spearmans():
    rng = np.random.default_rng(2)
    one = rng.normal(size=200).round(1)
    other = (one + rng.normal(size=200)).round(1)
    assert correlation(one, other) == pytest.approx(pd.Series(one).corr(pd.Series(other), method="spearman"))
    assert correlation(np.ones(5), np.arange(5.0)) == 0.0


def test_only_whole_weeks_are_taken_for_promotions(pool):
    from scrm.lib.problems import Problem

    predictor = services.predictor_of(pool=pool, key="promotion")
    with pytest.raises(Problem) as refused:
        services.configure(predictor=predictor, settings={"horizon_days": 30}, actor=None)
    assert "horizon_days" in refused.value.fields
    assert len(Sample(LATE, {"member_id": np.empty(0)}, {})) == 0
