"""What the models of categories, coupons, resemblance and habits must be worth on a grocer's year.

The year is loaded once for all tests here, in a transaction around theirs that is rolled back.
"""

import numpy as np
import pytest
from django.db import transaction
from pyroaring import BitMap

from scrm.lib import sql
from segmentation.models import ModelVersion, Segment
from segmentation.predicting import services, training
from segmentation.segments import services as segments
from tests import factories
from tests.predicting.goods import fill_goods, read, send_coupons

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def grocer(django_db_setup, django_db_blocker):
    """The year with what was in the baskets, and the coupons."""
    with django_db_blocker.unblock(), transaction.atomic():
        unchecked()
        pool = factories.pool("demo", "演示会员池")
        send_coupons(pool, fill_goods(pool, read()))
        yield pool
        transaction.set_rollback(True)


def unchecked():
    """A million lines known to have members, orders and products would be looked up row by row as each test ends."""
    found = sql.fetch(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid IN ('members_order'::regclass, 'members_orderline'::regclass)"
    )
    for table, name in found:
        sql.run(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')


def trained(pool, key, as_of, **settings):
    predictor = services.predictor_of(pool=pool, key=key)
    predictor.settings |= settings
    predictor.save()
    version = training.train(predictor=predictor, as_of=as_of)
    assert version.status == ModelVersion.Status.READY, version.error
    return version, {each["key"]: each for each in version.metrics}


def test_categories_are_told_better_than_by_rfm(grocer, later):
    version, found = trained(grocer, "category", later)
    print(version.items, version.sizes, found, version.importance, version.ms)
    assert version.beats
    assert found["auc"]["change"] >= 0.05
    assert found["auc"]["value"] >= 0.82
    assert found["ece"]["value"] <= 0.03


def test_who_uses_coupons_and_who_resembles_them(grocer, later):
    coupon, found = trained(grocer, "coupon", later)
    print(coupon.window, coupon.sizes, found, coupon.importance, coupon.ms)
    assert coupon.beats
    assert found["lift10"]["value"] >= 3.0
    assert found["auc"]["value"] >= found["auc"]["baseline"] + 0.05
    users = redeemers(grocer)
    half = np.random.default_rng(1).permutation(users)[: len(users) // 2]
    ids = BitMap(half.tolist())
    segment = segments.fix(pool=grocer, name="seed", ids=ids, actor=None, as_of=later, kind=Segment.Kind.LIST)
    version, found = trained(grocer, f"lookalike:{segment.pk}", later)
    print(len(half), version.sizes, found, version.importance[:5], version.ms)
    assert version.beats
    assert found["lift10"]["value"] >= 2 * found["lift10"]["baseline"]
    groups, found = trained(grocer, "clusters", later)
    print(groups.params["tried"], groups.params["groups"], found, groups.ms)
    assert groups.beats


def test_habits_foretell_the_next_period(grocer, later):
    found = {}
    for key, settings in (
        ("promotion", {}),
        ("novelty", {"fresh_days": 56}),
        ("activity", {"deep_percent": 25, "within_days": 14}),
    ):
        version, found[key] = trained(grocer, key, later, **settings)
        print(key, version.beats, version.sizes, found[key], version.params, version.ms)
        assert version.beats == (found[key]["rmse"]["change_high"] < 0 and found[key]["halves"]["low"] > 0)
        assert version.beats or key != "promotion"
    found = found["promotion"]
    assert found["rmse"]["change"] <= -0.05 * found["rmse"]["baseline"]
    assert found["rank"]["change_low"] > 0


def redeemers(pool):
    """Members who used any coupon."""
    from campaigns.models import Participant

    found = Participant.objects.filter(run__campaign__pool=pool, redeemed_at__isnull=False)
    return np.array(sorted(set(found.values_list("member_id", flat=True))))
