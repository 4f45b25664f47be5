"""What promotion sensitivity, liking for new products and joining in are worth on a grocer's year."""

import pytest

from tests.predicting.goods import fill_goods, read, send_coupons
from tests.predicting.test_goods_goals import trained

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="session")
def rows():
    return read()


def test_habits_foretell_the_next_period(pool, rows, later):
    send_coupons(pool, fill_goods(pool, rows))
    for key, settings in (
        ("promotion", {}),
        ("novelty", {"fresh_days": 56}),
        ("activity", {"deep_percent": 25, "within_days": 14}),
    ):
        version, found = trained(pool, key, later, **settings)
        print(key, version.beats, version.sizes, found, version.params, version.ms)
        assert version.beats == (found["rmse"]["change_high"] < 0 and found["halves"]["low"] > 0)
    version, found = trained(pool, "promotion", later)
    assert version.beats
    assert found["rmse"]["change"] <= -0.05 * found["rmse"]["baseline"]
    assert found["rank"]["change_low"] > 0
