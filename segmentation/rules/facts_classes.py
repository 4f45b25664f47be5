"""Facts of predictions that tell things apart: categories, groups, who resembles a segment, who uses a coupon."""

from segmentation.rules.catalog import Choice, Fact, Subject, Text, declare
from segmentation.rules.facts_predictions import PERCENT, RANK, SAID, rank, said

ITEMS = SAID.replace(" WHERE ", " JOIN segmentation_modelversion v ON v.id = m.version_id WHERE ")
OF_ITEMS = SAID.replace(
    " WHERE {test}",
    " JOIN segmentation_modelversion v ON v.id = m.version_id"
    " JOIN LATERAL jsonb_array_elements_text(v.items) WITH ORDINALITY AS i (name, n) ON true"
    " WHERE true{of} GROUP BY p.member_id HAVING {test}",
).replace("{key}", "category")
ALIKE = SAID.replace("m.key = '{key}' WHERE {test}", "true WHERE true{of} GROUP BY p.member_id HAVING {test}")
CATEGORIES = Subject(Text("哪些品类", "which categories"), "predicted_categories", required=True)
SEEDS = Subject(Text("像哪个分群", "like which segment"), "lookalikes", numeric=True, required=True)
POINT = Text("个百分点", "percentage points")
HABITS = {
    "promotion_kind": (
        "promotion",
        Text("促销敏感类型", "kind by promotions"),
        (Text("看重价值", "value-seeker"), Text("不偏不倚", "neither"), Text("追逐优惠", "discount-seeker")),
    ),
    "novelty_kind": (
        "novelty",
        Text("尝新类型", "kind by new products"),
        (
            Text("偏爱熟悉的商品", "prefers the familiar"),
            Text("与多数人一样", "like most"),
            Text("尝新族", "new-product follower"),
        ),
    ),
    "activity_kind": (
        "activity",
        Text("活动参与类型", "kind by activities"),
        (Text("少参加活动", "seldom joins in"), Text("与多数人一样", "like most"), Text("活动达人", "activity-lover")),
    ),
}


def kind(key: str) -> Fact:
    """Which of three kinds a member is by a habit; chance alone would hardly say so."""
    model, label, names = HABITS[key]
    choices = tuple(Choice(n, name) for n, name in enumerate(names))
    sql = SAID.replace("{key}", model)
    return Fact(
        key, label, "value", "choice", ("predictions",), sql, "p.code", choices=choices, numeric=True, optional=True, model=model
    )


declare(
    said("promotion", "promotion_share", Text("比同样的商品多省", "saves beyond the goods"), "p.value * 100", POINT),
    rank("promotion", "促销敏感", "promotion sensitivity"),
    kind("promotion_kind"),
    said("novelty", "novelty_share", Text("新品占比", "share of new products"), "p.value * 100", PERCENT),
    rank("novelty", "尝新", "liking for new products"),
    kind("novelty_kind"),
    said("activity", "activity_share", Text("活动订单占比", "share of orders in activities"), "p.value * 100", PERCENT),
    rank("activity", "活动参与", "joining in activities"),
    kind("activity_kind"),
    said("coupon", "coupon_chance", Text("核销概率", "chance of using a coupon"), "p.value * 100", PERCENT),
    rank("coupon", "核销概率", "chance of using a coupon"),
    Fact(
        "likely_category",
        Text("最可能购买的品类", "likeliest category"),
        "value",
        "choice",
        ("predictions",),
        ITEMS.replace("{key}", "category"),
        "v.items ->> p.code::int",
        source="predicted_categories",
        optional=True,
        model="category",
    ),
    Fact(
        "category_chance",
        Text("购买品类的概率", "chance of buying categories"),
        "value",
        "number",
        ("predictions",),
        OF_ITEMS,
        "max(p.more[i.n::int]) * 100",
        unit=PERCENT,
        subject=CATEGORIES,
        of_sql="i.name = ANY(%(of)s)",
        integral=False,
        model="category",
        phrase=Text("购买{of}的概率", "chance of buying {of}"),
    ),
    Fact(
        "behaviour_group",
        Text("行为聚类", "behaviour group"),
        "value",
        "choice",
        ("predictions",),
        SAID.replace("{key}", "clusters"),
        "p.code",
        source="behaviour_groups",
        numeric=True,
        optional=True,
        model="clusters",
    ),
    Fact(
        "lookalike_percentile",
        Text("相似度百分位", "percentile of resemblance"),
        "value",
        "number",
        ("predictions",),
        ALIKE,
        "max(p.percentile)",
        unit=RANK,
        subject=SEEDS,
        of_sql="m.key = ANY(ARRAY(SELECT 'lookalike:' || s.n FROM unnest(%(of)s) AS s (n)))",
        model="lookalike:",
        phrase=Text("与{of}的相似度百分位", "percentile of resemblance to {of}"),
    ),
)
