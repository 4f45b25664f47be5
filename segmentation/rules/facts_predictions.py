"""Facts of predictions: what the pool's models say of a member, as of their last scoring. A model that is off says nothing."""

from typing import Any

from segmentation.rules.catalog import Fact, Kind, Text, declare
from segmentation.rules.facts_member import DAYS, TIMES, YUAN

SAID = (
    "SELECT p.member_id AS id FROM members_memberprediction p"
    " JOIN segmentation_predictor m ON m.id = p.predictor_id AND m.pool_id = %(pool)s AND m.key = '{key}' WHERE {test}"
)
# Days are counted from when the member was scored; asked later, they are fewer.
LEFT = "p.value - (%(day)s::date - (m.scored_as_of AT TIME ZONE %(zone)s)::date)"
PERCENT, RANK = Text("%", "%"), Text("百分位", "percentile")
HUNDREDTH = Text("1–100：评分比他低的会员占百分之几", "1–100: how many per cent of scored members are below")


def said(model: str, key: str, label: Text, measure: str, unit: Text, kind: Kind = "number", **more: Any) -> Fact:
    sql = SAID.replace("{key}", model)
    return Fact(key, label, "value", kind, ("predictions",), sql, measure, unit=unit, model=model, **({"integral": False} | more))


def rank(model: str, zh: str, en: str) -> Fact:
    label = Text(f"{zh}百分位", f"percentile of {en}")
    return said(model, f"{model}_percentile", label, "p.percentile", RANK, integral=True, note=HUNDREDTH)


declare(
    said("churn", "churn_chance", Text("流失概率", "chance of churning"), "p.value * 100", PERCENT),
    rank("churn", "流失概率", "chance of churning"),
    said("halving", "halving_chance", Text("消费减半概率", "chance of spending halving"), "p.value * 100", PERCENT),
    rank("halving", "消费减半概率", "chance of spending halving"),
    said("purchases", "expected_purchases", Text("预期购买次数", "expected purchases"), "p.value", TIMES),
    said(
        "purchases",
        "buying_chance",
        Text("周期内购买的概率", "chance of buying within the horizon"),
        "p.more[2] * 100",
        PERCENT,
    ),
    rank("purchases", "预期购买次数", "expected purchases"),
    said("ltv", "expected_spending", Text("预期消费额", "expected spending"), "p.value", YUAN, "money", integral=True),
    rank("ltv", "预期消费额", "expected spending"),
    said("next", "next_purchase_in", Text("预计几天内再次购买", "days to the likely next purchase"), LEFT, DAYS, dated=True),
)
