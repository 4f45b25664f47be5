"""Categories, coupons, resemblance and groups on small made-up shops: what they find, what they need, what they refuse to see."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from pyroaring import BitMap

from campaigns import historic
from members.models import MemberPrediction, Order, OrderLine, Product
from scrm.lib import sql
from scrm.lib.problems import Problem
from segmentation.models import ModelVersion, Predictor, Segment
from segmentation.predicting import frames, outcomes, scoring, services, training
from segmentation.predicting.declaring import NotEnoughData, model
from segmentation.segments import services as segments
from tests.predicting.conftest import START, fill
from tests.predicting.goods import fill_goods

pytestmark = pytest.mark.django_db
LATE = START + timedelta(days=300)


def shop(customers=400, days=300, seed=3):
    """Every customer loves one of three categories; every fourth buys much and often."""
    rng, rows, basket = np.random.default_rng(seed), [], 0
    for member in range(1, customers + 1):
        love, often = member % 3, member % 4 == 0
        at = float(rng.uniform(0, 20))
        while at < days:
            basket += 1
            kinds = {love} if rng.random() < 0.8 else {int(rng.integers(0, 3))}
            for kind in kinds | ({int(rng.integers(0, 3))} if often else set()):
                amount = float(rng.gamma(4, 30 if often else 6)) + 1
                rows.append((member, basket, at, f"D{kind}", f"S{kind}", round(amount, 2), round(amount * 0.1 * (member % 7), 2)))
            at += 0.2 + float(rng.exponential(8 if often else 28))
    names = ["household_id", "basket_id", "day", "department", "product_category", "sales_value", "retail_disc"]
    found = pd.DataFrame(rows, columns=names)
    return found.assign(at=pd.Timestamp("2017-01-01 04:00") + pd.to_timedelta(found.day, unit="D"))


def coupons(pool, number):
    """Four coupons to everybody; every fifth customer mostly uses them, the others hardly ever."""
    rng = np.random.default_rng(5)
    for n, day in enumerate((60, 120, 180, 230)):
        at = START + timedelta(days=day)
        used = {number[each] for each in number if rng.random() < (0.8 if each % 5 == 0 else 0.05)}
        historic.bring_in(
            pool=pool, name=f"c{n}", note="", started_at=at, ended_at=at + timedelta(days=30), audience=number.values(),
            redeemed=dict.fromkeys(used, at + timedelta(days=3)), actor=None,
        )  # fmt: skip


@pytest.fixture
def stocked(pool):
    """The shop, its coupons, and customers by the numbers they were made with."""
    number = fill_goods(pool, shop())
    coupons(pool, number)
    return pool, number


def trained(pool, key, as_of=LATE, **settings):
    predictor = services.predictor_of(pool=pool, key=key)
    Predictor.objects.filter(pk=predictor.pk).update(is_on=True, settings=predictor.settings | settings)
    predictor.refresh_from_db()
    version = training.train(predictor=predictor, as_of=as_of)
    assert version.status == ModelVersion.Status.READY, version.error
    return version


def seeds(pool, number, which):
    """A static list of some customers."""
    ids = BitMap(number[each] for each in number if which(each))
    return segments.fix(pool=pool, name="种子", ids=ids, actor=None, as_of=LATE, kind=Segment.Kind.LIST)


def keys_of(pool, number):
    """Every model of this file, with what it needs."""
    segment = seeds(pool, number, lambda n: n % 4 == 0 and n % 8 == 0)
    return ["category", "coupon", "clusters", f"lookalike:{segment.pk}"]


def test_nothing_after_the_cutoff_is_seen_and_the_same_gives_the_same(stocked):
    pool, number = stocked
    middle = START + timedelta(days=270)
    before = {}
    for key in keys_of(pool, number):
        version = trained(pool, key, middle)
        before[key] = (version.params, version.items, version.metrics, *scoring.find(version, middle))
    sql.run("UPDATE members_order SET amount = amount * 1000 + 7, discount = 999999 WHERE placed_at > %(at)s", {"at": middle})
    sql.run(
        "UPDATE members_orderline l SET product_id = (SELECT min(id) FROM members_product), amount = 1 FROM members_order o"
        " WHERE o.member_id = l.member_id AND o.id = l.order_id AND o.placed_at > %(at)s",
        {"at": middle},
    )
    everybody = BitMap(number.values())
    at = middle + timedelta(hours=1)
    historic.bring_in(
        pool=pool, name="later", note="", started_at=at, ended_at=at + timedelta(days=9), audience=everybody,
        redeemed=dict.fromkeys(everybody, at), actor=None,
    )  # fmt: skip
    for key, (params, items, metrics, members, scores) in before.items():
        version = trained(pool, key, middle)
        others, again = scoring.find(version, middle)
        assert (version.params, version.items, version.metrics) == (params, items, metrics), key
        assert np.array_equal(members, others), key
        assert np.array_equal(scores.value, again.value), key
        if scores.code is not None:
            assert np.array_equal(scores.code, again.code), key


def test_customers_are_told_their_category(stocked):
    pool, number = stocked
    version = trained(pool, "category")
    assert sorted(version.items) == ["D0", "D1", "D2"]
    assert version.beats
    scoring.score(version=version, as_of=LATE)
    people = {member: each for each, member in number.items()}
    rows = list(MemberPrediction.objects.all())
    right = [version.items[row.code] == f"D{people[row.member_id] % 3}" for row in rows if people[row.member_id] % 4]
    assert np.mean(right) > 0.8
    assert all(row.value == max(row.more) and len(row.more) == 3 for row in rows)
    finer = trained(pool, "category", level="subcategory")
    assert sorted(finer.items) == ["S0", "S1", "S2"]


def test_one_hand_made_member_is_counted_by_category(pool):
    """Windows of 28 days: one order with both categories inside, one earlier with one of them; the refunded one is none."""
    rows = pd.DataFrame(
        [
            (1, 1, 10, "A", "a", 5.0, 1.0), (1, 1, 10, "B", "b", 5.0, 0.0), (1, 2, 40, "A", "a", 4.0, 0.0),
            (1, 3, 100, "A", "a", 3.0, 0.0), (1, 4, 5, "B", "b", 3.0, 0.0), (1, 5, -3, "B", "b", 3.0, 0.0),
        ],
        columns=["household_id", "basket_id", "ago", "department", "product_category", "sales_value", "retail_disc"],
    )  # fmt: skip
    number = fill_goods(pool, rows.assign(at=LATE.replace(tzinfo=None) - pd.to_timedelta(rows.ago, unit="D")))
    Order.objects.filter(placed_at=LATE - timedelta(days=5)).update(status=2, refunded=300, refunded_at=LATE - timedelta(days=4))
    declared = model("category")
    ask = training.Ask(pool.pk, "UTC", LATE, declared.settings(), "category", ("A", "B"))
    frame = frames.read(declared, ask, frames.everybody(pool.pk))
    assert frame["member_id"].tolist() == [number[1]]
    assert [frame[f"{n}_{k}"][0] for k in (1, 2) for n in ("n1", "n3", "n6")] == [1, 2, 3, 1, 1, 1]
    assert (frame["n1"][0], frame["n6"][0], frame["a6"][0]) == (1, 3, 1700)
    sample = frames.sample(declared, ask, LATE, frames.everybody(pool.pk))
    assert (sample.later["b_1"][0], sample.later["b_2"][0]) == (0, 1)
    whole = frames.read(
        model("clusters"), training.Ask(pool.pk, "UTC", LATE, model("clusters").settings(), "clusters", ("A", "B")),
        frames.everybody(pool.pk),
    )  # fmt: skip
    assert (whole["c_1"][0], whole["c_2"][0], whole["breadth"][0], whole["lines"][0]) == (1200, 500, 2, 4)


def test_who_used_coupons_uses_the_next_one(stocked):
    pool, number = stocked
    version = trained(pool, "coupon")
    assert not services.is_stale(version.predictor, LATE), "it knows the columns that are made now"
    found = {each["key"]: each for each in version.metrics}
    assert version.beats
    assert found["lift10"]["value"] > 2.5
    assert version.importance[0]["feature"] in ("rate", "redeemed", "redeemed_ago")
    members, scores = scoring.find(version, LATE)
    people = {member: each for each, member in number.items()}
    keen = np.array([people[each] % 5 == 0 for each in members.tolist()])
    assert scores.value[keen].mean() > 4 * scores.value[~keen].mean()


def test_a_pool_without_coupons_or_categories_says_so(pool):
    rows = shop(250)
    fill(pool, rows.rename(columns={"household_id": "member", "sales_value": "amount", "retail_disc": "discount"}))
    for key, code in (("coupon", "offers"), ("category", "categories")):
        version = training.train(predictor=services.predictor_of(pool=pool, key=key), as_of=LATE)
        assert (version.status, version.sizes["lacking"]["code"]) == ("lacking", code)


def test_who_resembles_a_segment_becomes_a_list(stocked, login, api):
    pool, number = stocked
    segment = seeds(pool, number, lambda n: n % 4 == 0 and n % 8 == 0)
    key = f"lookalike:{segment.pk}"
    page = login("analyst").get(f"/p/demo/segments/{segment.pk}/").content.decode()
    assert f"/p/demo/segments/predictions/{key}/" in page
    assert login("analyst").get(f"/p/demo/segments/predictions/{key}/").status_code == 200
    assert login("analyst").get("/p/demo/segments/predictions/lookalike:999999/").status_code == 404
    assert login("analyst").get("/p/demo/segments/predictions/lookalike/").status_code == 404
    predictor = services.predictor_of(pool=pool, key=key)
    with pytest.raises(Problem, match="还没有评分"):
        outcomes.expand(predictor=predictor, n=5, name="x", actor=None, as_of=LATE)
    version = trained(pool, key)
    print(version.metrics, version.importance[:4])
    scoring.score(version=version, as_of=LATE)
    said = set(MemberPrediction.objects.filter(predictor_id=predictor.pk).values_list("member_id", flat=True))
    assert not said & {number[n] for n in number if n % 8 == 0}
    best = MemberPrediction.objects.filter(predictor_id=predictor.pk).order_by("-value")[:40]
    people = {member: each for each, member in number.items()}
    assert np.mean([people[row.member_id] % 8 == 4 for row in best]) > 0.9
    ModelVersion.objects.filter(pk=version.pk).update(beats=True)
    assert login("analyst").post(f"/p/demo/segments/predictions/{key}/expand/", {"name": "像", "n": "0"}).status_code in (
        403,
        422,
    )
    made = login("marketer").post(f"/p/demo/segments/predictions/{key}/expand/", {"name": "像", "n": "40"})
    assert made.status_code == 302
    listed = Segment.objects.get(name="像")
    assert (listed.kind, listed.size) == ("list", 40)
    again = api("marketer").post(f"/api/predictions/{key}/expand/", {"name": "像二", "n": 7}, format="json")
    assert (again.status_code, again.json()["size"]) == (201, 7)
    ModelVersion.objects.filter(pk=version.pk).update(beats=False)
    with pytest.raises(Problem, match="没有证明优于"):
        outcomes.expand(predictor=Predictor.objects.get(pk=predictor.pk), n=5, name="y", actor=None, as_of=LATE)


def test_a_small_seed_is_refused_with_numbers(stocked):
    pool, number = stocked
    segment = seeds(pool, number, lambda n: n <= 10)
    version = training.train(predictor=services.predictor_of(pool=pool, key=f"lookalike:{segment.pk}"), as_of=LATE)
    assert (version.status, version.sizes["lacking"]) == ("lacking", {"code": "seeds", "found": 10, "needed": 50})


def test_seeds_are_among_the_most_that_are_learnt_from(stocked, monkeypatch):
    pool, number = stocked
    segment, drawn = seeds(pool, number, lambda n: n % 8 == 0), []

    def some(_pool, share, _seed, always):
        drawn.append((share * len(number), len(always)))
        raise NotEnoughData("seeds", found=0, needed=50)

    monkeypatch.setattr(training, "ROWS", 300)
    monkeypatch.setattr(frames, "some", some)
    training.train(predictor=services.predictor_of(pool=pool, key=f"lookalike:{segment.pk}"), as_of=LATE)
    assert drawn == [(pytest.approx(250), 50)]


DEGENERATE = {
    "one customer": [(1, n, 10.0) for n in range(0, 290, 3)],
    "all on one day for nothing": [(n, 100, 0.0) for n in range(260)],
    "all once": [(n, n, 10.0) for n in range(260)],
    "all alike for nothing": [(n, day, 0.0) for n in range(260) for day in range(0, 290, 40)],
}
NEEDING_GOODS = {"category": {}, "coupon": {}, "clusters": {"groups": 2}, "promotion": {}, "novelty": {}, "activity": {}}


@pytest.mark.parametrize("case", DEGENERATE)
def test_goods_nothing_can_be_learnt_from_give_numbers_or_say_what_is_missing(pool, case):
    rows = pd.DataFrame(DEGENERATE[case], columns=["household_id", "day", "sales_value"])
    kind = np.where(rows.index % 2, "A", "B")
    rows = rows.assign(basket_id=rows.index, retail_disc=0.0, department=kind, product_category=kind)
    number = fill_goods(pool, rows.assign(at=pd.Timestamp("2017-01-01 04:00") + pd.to_timedelta(rows.day, unit="D")))
    segment = seeds(pool, number, lambda n: n % 5 == 0)
    for key, settings in (NEEDING_GOODS | {f"lookalike:{segment.pk}": {}}).items():
        predictor = services.predictor_of(pool=pool, key=key)
        predictor.settings |= settings
        version = training.train(predictor=predictor, as_of=LATE)
        if version.status == ModelVersion.Status.READY:
            assert key != "clusters" or case == "all once", "who is alike is in no groups"
            assert np.isfinite(scoring.find(version, LATE)[1].value).any(), key
        else:
            assert (version.status, bool(version.sizes["lacking"]["code"])) == ("lacking", True), key


def test_groups_are_stable_named_and_keep_their_names(stocked, login, api):
    pool, number = stocked
    version = trained(pool, "clusters")
    groups = version.params["groups"]
    assert sum(each["members"] for each in groups) == version.sizes["members"]
    assert groups[0]["a6"] == max(each["a6"] for each in groups)
    assert version.beats == (next(each["value"] for each in version.metrics if each["main"]) >= 0.8)
    scoring.score(version=version, as_of=LATE)
    sizes = [MemberPrediction.objects.filter(code=n).count() for n in range(len(groups))]
    assert sizes == [each["members"] for each in groups], "scored as learnt: by the categories chosen then"
    people = {member: each for each, member in number.items()}
    top = MemberPrediction.objects.filter(code=0)
    assert np.mean([people[row.member_id] % 4 == 0 for row in top]) > 0.8
    names = [f"群{n}" for n in range(len(groups))]
    base = "/p/demo/segments/predictions/clusters/"
    assert login("marketer").post(f"{base}name/", {"names": names}).status_code in (302, 403)
    assert login("analyst").post(f"{base}name/", {"names": names}).status_code == 302
    assert login("analyst").post(f"{base}name/", {"names": names[:1]}).status_code == 422
    page = login("analyst").get(base).content.decode()
    assert 'value="群0"' in page
    assert "没有可以对照的实际值" in page
    assert trained(pool, "clusters").items == names
    sent = api("analyst").put("/api/predictions/clusters/names/", {"names": names[::-1]}, format="json")
    assert sent.json()["version"]["items"] == names[::-1]
    assert "群" in login("analyst").get(f"/p/demo/members/{top[0].member_id}/?tab=predictions").content.decode()
    other = 5 - min(len(groups), 3)  # another number of groups begins anew
    again = trained(pool, "clusters", groups=other)
    assert (again.params["k"], again.items) == (other, ["A", "B", "C"][:other])


def test_rules_ask_for_categories_groups_and_resemblance(stocked):
    from segmentation.evaluate import members_of

    pool, number = stocked
    segment = seeds(pool, number, lambda n: n % 8 == 0)
    for key in ("category", "clusters", "coupon", f"lookalike:{segment.pk}"):
        scoring.score(version=trained(pool, key), as_of=LATE)

    def size(**rule):
        return len(members_of({"all": [rule]}, pool, LATE))

    rows = MemberPrediction.objects
    place = {each.key.partition(":")[0]: each.pk for each in Predictor.objects.filter(pool=pool)}
    items = Predictor.objects.get(pk=place["category"]).version.items
    assert (
        size(fact="likely_category", op="in", value=["D1"])
        == rows.filter(predictor_id=place["category"], code=items.index("D1")).count()
    )
    likely = sum(row.more[items.index("D1")] >= 0.5 for row in rows.filter(predictor_id=place["category"]))
    assert 0 < size(fact="category_chance", of=["D1"], op="gte", value=50) == likely
    assert size(fact="behaviour_group", op="in", value=[0]) == rows.filter(predictor_id=place["clusters"], code=0).count() > 0
    assert size(fact="coupon_chance", op="gt", value=30) == rows.filter(predictor_id=place["coupon"], value__gt=0.3).count() > 0
    best = rows.filter(predictor_id=place["lookalike"], percentile__gte=91).count()
    assert 0 < size(fact="lookalike_percentile", of=[segment.pk], op="gte", value=91) == best
    assert OrderLine.objects.filter(pool=pool).exists()
    assert Product.objects.filter(pool=pool).count() == 3
