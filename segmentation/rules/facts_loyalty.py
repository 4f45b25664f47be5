"""Facts of points: what a member has, and what was earned and spent when."""

from typing import Any

from segmentation.rules.catalog import Choice, Fact, Filter, Text, declare
from segmentation.rules.facts_member import POINTS

BALANCE = "SELECT member_id AS id FROM loyalty_account WHERE pool_id = %(pool)s AND {test}"
ENTRY = (
    "SELECT n.member_id AS id FROM loyalty_entry n{since} WHERE n.pool_id = %(pool)s{where}{only}{window}"
    " GROUP BY n.member_id HAVING {test}"
)
LAST = (
    "SELECT n.member_id AS id FROM loyalty_entry n WHERE n.pool_id = %(pool)s AND n.at < %(until)s{where}"
    " GROUP BY n.member_id HAVING {test}"
)
KINDS = (
    Choice("earn", Text("订单获得", "earned by orders")),
    Choice("clawback", Text("退单扣回", "taken back for returns")),
    Choice("spend", Text("兑换", "redeemed")),
    Choice("adjust", Text("人工调整", "adjusted by hand")),
    Choice("merge", Text("合并转移", "moved by merging")),
)
FILTERS = (Filter("kind", Text("积分类型", "kind of entry"), "choice", "n.kind", choices=KINDS),)


def _balance(key: str, zh: str, en: str, measure: str, deed: Text) -> Fact:
    phrase = Text(zh, en.removesuffix(" balance"))
    return Fact(
        key,
        Text(zh, en),
        "loyalty",
        "count",
        ("points",),
        BALANCE,
        measure,
        unit=POINTS,
        absent=0,
        phrase=phrase,
        deed=deed,
    )


def _entries(key: str, zh: str, en: str, measure: str, only: str, deed: Text, **more: Any) -> Fact:
    made: dict[str, Any] = {"unit": POINTS, "time": "n.at", "row": "n", "absent": 0, "filters": FILTERS, "deed": deed}
    sql = ENTRY.replace("{only}", only)
    return Fact(key, Text(zh, en), "loyalty", "count", ("points",), sql, measure, **(made | more))


declare(
    _balance("points", "积分余额", "points balance", "balance", Text("有积分", "points")),
    _balance("points_debt", "积分欠额", "points owed", "debt", Text("欠积分", "points to pay back")),
    _entries(
        "points_earned", "获得积分", "points earned", "sum(n.amount)", " AND n.amount > 0", Text("获得过积分", "earned points")
    ),
    _entries(
        "points_spent",
        "使用积分",
        "points spent",
        "-sum(n.amount)",
        " AND n.kind = 'spend'",
        Text("用过积分", "spent points"),
        filters=(),
    ),
    _entries(
        "points_taken_back",
        "被扣回积分",
        "points taken back",
        "-sum(n.amount)",
        " AND n.kind = 'clawback'",
        Text("被扣回过积分", "had points taken back"),
        filters=(),
    ),
    Fact(
        "points_last_at",
        Text("最近积分变动", "last change of points"),
        "loyalty",
        "date",
        ("points",),
        LAST,
        "max(n.at)",
        time="max(n.at)",
        row="n",
        filters=FILTERS,
        dated=True,
    ),
)
