"""Facts of predictions in rules: in SQL what they are in plain Python, also where a model has no answer."""

import pytest

from segmentation import evaluate
from segmentation.models import Predictor
from segmentation.rules.catalog import fact
from tests.segmentation.rule_oracle import selects
from tests.segmentation.rule_people import ANSWERS, AS_OF, build
from tests.segmentation.rule_world import world

pytestmark = pytest.mark.django_db
ASKED = {
    "churn_chance": [25, 50, 99.5],
    "halving_chance": [12.5, 50],
    "expected_purchases": [0, 1.5, 3],
    "buying_chance": [10, 60],
    "expected_spending": [0, 9900, 50001],
    "next_purchase_in": [-1, 1, 28, 88],
    **{f"{key}_percentile": [1, 50, 91] for key in ("churn", "halving", "purchases", "ltv")},
}


def test_predictions_select_whom_plain_python_selects(pool):
    build(pool, 7)
    people, told = world(pool), 0
    for key, values in ASKED.items():
        assert "predictions" in fact(key).domains
        rules = [{"fact": key, "op": op, "value": value} for op in ("gte", "lt", "eq") for value in values]
        rules += [{"fact": key, "op": op} for op in ("known", "unknown")]
        for rule in rules:
            expected = {number for number, found in people.items() if selects(rule, found, AS_OF)}
            assert set(evaluate.count(pool, rule, AS_OF).bitmap) == expected, rule
            told += bool(expected)
    assert told > 40
    assert set(ANSWERS) == set(Predictor.objects.values_list("key", flat=True))


def test_predictions_of_another_pool_are_not_seen(pool, other_pool):
    build(pool, 8)
    assert not evaluate.count(other_pool, {"fact": "churn_chance", "op": "known"}, AS_OF).bitmap
