"""Facts that recalculation keeps per member: scores, groups, stage, totals, and how they changed."""

from typing import Any

from segmentation.rules.catalog import Choice, Fact, Kind, Subject, Text, declare
from segmentation.rules.facts_member import DAYS, ORDERS, POINTS, TIMES, YUAN

STATE = "SELECT member_id AS id FROM members_memberstate WHERE pool_id = %(pool)s AND {test}"
CHANGED = (
    "SELECT h.member_id AS id FROM members_statechange h{since} WHERE h.pool_id = %(pool)s AND h.kind = {kind}"
    "{of}{window} GROUP BY h.member_id HAVING {test}"
)
AOV = "amount_total / nullif(order_count, 0)"
FIRST_DAY, LAST_DAY = (f"({column} AT TIME ZONE %(zone)s)::date" for column in ("first_order_at", "last_order_at"))

STAGES = (
    Choice(0, Text("潜客", "lead")),
    Choice(1, Text("活跃期", "active")),
    Choice(2, Text("沉默期", "silent")),
    Choice(3, Text("睡眠期", "sleeping")),
    Choice(4, Text("流失期", "lost")),
)
LEADS = (
    Choice(1, Text("新潜客", "new lead")),
    Choice(2, Text("互动潜客", "engaged lead")),
    Choice(3, Text("沉寂潜客", "cold lead")),
)
RFM_GROUPS = (
    Choice(7, Text("重要价值", "champions")),
    Choice(5, Text("重要发展", "important to develop")),
    Choice(3, Text("重要保持", "important to keep")),
    Choice(1, Text("重要挽留", "important to win back")),
    Choice(6, Text("一般价值", "general value")),
    Choice(4, Text("一般发展", "general to develop")),
    Choice(2, Text("一般保持", "general to keep")),
    Choice(0, Text("一般挽留", "general to win back")),
)
OF_STAGE = Subject(Text("哪个阶段", "which stage"), "stages", numeric=True)
OF_GROUP = Subject(Text("哪个分组", "which group"), "rfm_groups", numeric=True)


def _state(key: str, zh: str, en: str, kind: Kind, measure: str, **more: Any) -> Fact:
    return Fact(key, Text(zh, en), "value", kind, ("state",), STATE, measure, **more)


def _changes(key: str, zh: str, en: str, kind: str, subject: Subject) -> Fact:
    return Fact(
        key,
        Text(f"{zh}变化", f"changes of {en}"),
        "value",
        "count",
        ("state",),
        CHANGED.replace("{kind}", kind),
        "count(*)",
        unit=TIMES,
        time="h.at",
        row="h",
        absent=0,
        subject=subject,
        of_sql="h.to_code = ANY(%(of)s)",
        phrase=Text(f"{zh}变化[至{{of}}]次数", f"changes of {en}[ to {{of}}]"),
        deed=Text(f"有过{zh}变化[（至{{of}}）]", f"changed {en}[ to {{of}}]"),
    )


declare(
    _state("rfm_group", "RFM 分组", "RFM group", "choice", "rfm_group", choices=RFM_GROUPS, numeric=True, optional=True),
    _state("r_score", "R 分", "R score", "number", "r", unit=POINTS),
    _state("f_score", "F 分", "F score", "number", "f", unit=POINTS),
    _state("m_score", "M 分", "M score", "number", "m", unit=POINTS),
    _state("stage", "生命周期", "lifecycle stage", "choice", "stage", choices=STAGES, numeric=True, absent=0),
    _state("lead_stage", "潜客阶段", "lead stage", "choice", "lead", choices=LEADS, numeric=True, optional=True),
    _state(
        "order_count",
        "累计订单数",
        "orders in all",
        "count",
        "order_count",
        unit=ORDERS,
        absent=0,
        deed=Text("下过单", "ever ordered"),
    ),
    _state("amount_total", "累计消费", "total spending", "amount", "amount_total", unit=YUAN, absent=0),
    _state("aov", "客单价", "average order value", "money", AOV, unit=YUAN),
    _state("first_order_at", "首次下单", "first order", "date", "first_order_at", time="first_order_at"),
    _state("last_order_at", "最近下单", "last order", "date", "last_order_at", time="last_order_at"),
    _state(
        "first_order_anniversary",
        "首单周年",
        "anniversary of the first order",
        "date",
        FIRST_DAY,
        time=FIRST_DAY,
        yearly=True,
        ahead=True,
    ),
    _state(
        "order_days_ago",
        "距上次下单",
        "days since the last order",
        "number",
        f"%(day)s::date - {LAST_DAY}",
        unit=DAYS,
        dated=True,
    ),
    _state("stage_due", "阶段将变化", "next change of stage", "date", "stage_due", time="stage_due", ahead=True),
    _state("interval_days", "平均购买间隔", "mean time between orders", "number", "interval_days", unit=DAYS, integral=False),
    _changes("stage_changes", "生命周期", "stage", "1", OF_STAGE),
    _changes("rfm_changes", "RFM 分组", "RFM group", "2", OF_GROUP),
)
