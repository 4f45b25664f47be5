"""Facts of predictions that tell things apart: categories, groups, who resembles a segment, who uses a coupon."""

from segmentation.rules.catalog import Fact, Subject, Text, declare
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

declare(
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
        phrase=Text("与{of}的相似度百分位", "percentile of resemblance to {of}"),
    ),
)
