"""Facts of the person: profile, identities, tags, and what recalculation says of them."""

from segmentation.rules.catalog import Choice, Fact, Subject, Text, declare

MEMBER = "SELECT id FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL AND {test}"
STATE = "SELECT member_id AS id FROM members_memberstate WHERE pool_id = %(pool)s AND {test}"
IDENTITY = "SELECT member_id AS id FROM members_identity WHERE pool_id = %(pool)s AND {test}"
# Tags have no pool of their own: their member has, and the universe cuts off the others.
TAG = "SELECT member_id AS id FROM members_membertag WHERE {test}{window}"
CHANGED = (
    "SELECT member_id AS id FROM members_statechange WHERE pool_id = %(pool)s AND kind = {kind}"
    "{of}{window} GROUP BY member_id HAVING {test}"
)
NUMBER_IN_TEXT = r"'^-?[0-9]{1,15}(\.[0-9]{1,10})?$'"
AGE = "date_part('year', age(%(day)s::date, birthday))::int"
# Days until the next birthday; 29 February counts on 28 February in common years.
TO_BIRTHDAY = (
    "CASE WHEN birthday + make_interval(years => ({age})) = %(day)s::date::timestamp THEN 0"
    " ELSE (birthday + make_interval(years => ({age}) + 1))::date - %(day)s::date END"
).replace("{age}", AGE)

YEARS, DAYS, POINTS = Text("岁", "years"), Text("天", "days"), Text("分", "points")
TIMES, ORDERS, YUAN = Text("次", "times"), Text("单", "orders"), Text("元", "yuan")

GENDERS = (Choice(1, Text("男", "male")), Choice(2, Text("女", "female")), Choice(0, Text("未知", "unknown")))
STATUSES = (Choice(2, Text("会员", "member")), Choice(1, Text("潜客", "lead")))
MONTHS = tuple(Choice(n, Text(f"{n} 月", en)) for n, en in enumerate(
    "January February March April May June July August September October November December".split(), 1))  # fmt: skip
STAGES = (
    Choice(0, Text("潜客", "lead")),
    Choice(1, Text("活跃期", "active")),
    Choice(2, Text("沉默期", "silent")),
    Choice(3, Text("睡眠期", "sleeping")),
    Choice(4, Text("流失期", "lost")),
)
RFM_GROUPS = (
    Choice(7, Text("重要价值", "champions")),
    Choice(5, Text("重要发展", "important, develop")),
    Choice(3, Text("重要保持", "important, keep")),
    Choice(1, Text("重要挽留", "important, win back")),
    Choice(6, Text("一般价值", "general value")),
    Choice(4, Text("一般发展", "general, develop")),
    Choice(2, Text("一般保持", "general, keep")),
    Choice(0, Text("一般挽留", "general, win back")),
)
IDENTITIES = (
    Choice("phone", Text("手机号", "phone")),
    Choice("email", Text("邮箱", "e-mail")),
    Choice("unionid", Text("UnionID", "UnionID")),
    Choice("openid", Text("OpenID", "OpenID")),
    Choice("external_userid", Text("企微客户", "WeCom contact")),
    Choice("tmall_nick", Text("天猫昵称", "Tmall nick")),
    Choice("jd_pin", Text("京东账号", "JD account")),
    Choice("card_no", Text("会员卡号", "card number")),
    Choice("device_id", Text("设备号", "device")),
)
ATTRIBUTE = Subject(Text("哪项资料", "Which attribute"), "attributes", required=True, single=True)
SEGMENT_NOTE = Text(
    "动态分群按它此刻的规则计算，快照与名单用其保存的成员",
    "Live segments count by their rule, lists and snapshots by who is in them",
)


def _member(key: str, zh: str, en: str, kind: str, measure: str, **more: object) -> Fact:
    return Fact(key, Text(zh, en), "profile", kind, ("members",), MEMBER, measure, **more)  # type: ignore[arg-type]


def _state(key: str, zh: str, en: str, kind: str, measure: str, **more: object) -> Fact:
    return Fact(key, Text(zh, en), "value", kind, ("state",), STATE, measure, **more)  # type: ignore[arg-type]


declare(
    _member("name", "姓名", "name", "text", "name"),
    _member("gender", "性别", "gender", "choice", "gender", choices=GENDERS, numeric=True),
    _member("province", "省份", "province", "choice", "province", source="provinces"),
    _member("city", "城市", "city", "choice", "city", source="cities"),
    _member("birthday_month", "生日月份", "month of birth", "choice", "date_part('month', birthday)::int", choices=MONTHS, numeric=True),
    _member("birthday_in", "距下次生日", "days to the next birthday", "number", TO_BIRTHDAY, unit=DAYS, dated=True),
    _member("age", "年龄", "age", "number", AGE, unit=YEARS, dated=True),
    _member("attribute", "其他资料", "attribute", "text", "coalesce(attributes ->> %(key)s, '')", subject=ATTRIBUTE, source="attribute_values"),
    _member(
        "attribute_number", "其他资料（数值）", "attribute (number)", "number",
        f"CASE WHEN attributes ->> %(key)s ~ {NUMBER_IN_TEXT} THEN (attributes ->> %(key)s)::numeric END",
        subject=ATTRIBUTE, integral=False,
    ),
    _member("status", "身份", "status", "choice", "status", choices=STATUSES, numeric=True),
    _member("channel", "来源渠道", "source channel", "choice", "channel_id", source="channels", numeric=True),
    _member("owner", "归属员工", "looked after by", "choice", "owner_id", source="staff", numeric=True),
    _member("joined_at", "加入时间", "time of joining", "date", "joined_at", time="joined_at"),
    Fact("identity", Text("身份标识", "identity"), "profile", "set", ("members",), IDENTITY, "kind", choices=IDENTITIES),
)  # fmt: skip
declare(
    Fact("tag", Text("标签", "tag"), "tags", "set", ("tags",), TAG, "tag_id", source="tags", numeric=True, time="at"),
    Fact("segment", Text("分群", "segment"), "tags", "set", (), source="segments", numeric=True, note=SEGMENT_NOTE),
)
declare(
    _state("rfm_group", "RFM 分组", "RFM group", "choice", "rfm_group", choices=RFM_GROUPS, numeric=True),
    _state("r_score", "R 分", "R score", "number", "r", unit=POINTS),
    _state("f_score", "F 分", "F score", "number", "f", unit=POINTS),
    _state("m_score", "M 分", "M score", "number", "m", unit=POINTS),
    _state("stage", "生命周期", "lifecycle stage", "choice", "stage", choices=STAGES, numeric=True, absent=0),
    _state("order_count", "累计订单数", "orders in all", "count", "order_count", unit=ORDERS, absent=0),
    _state("amount_total", "累计消费", "spent in all", "amount", "amount_total", unit=YUAN, absent=0),
    _state("aov", "客单价", "average order value", "money", "amount_total / nullif(order_count, 0)", unit=YUAN),
    _state("first_order_at", "首次下单", "first order", "date", "first_order_at", time="first_order_at"),
    _state("last_order_at", "最近下单", "last order", "date", "last_order_at", time="last_order_at"),
    _state("interval_days", "平均购买间隔", "mean days between orders", "number", "interval_days", unit=DAYS, integral=False),
    Fact(
        "stage_changes", Text("进入生命周期阶段", "changes of stage"), "value", "count", ("state",), CHANGED.replace("{kind}", "1"), "count(*)",
        unit=TIMES, time="at", absent=0, subject=Subject(Text("进入哪个阶段", "To which stage"), "stages", numeric=True),
    ),
    Fact(
        "rfm_changes", Text("进入 RFM 分组", "changes of RFM group"), "value", "count", ("state",), CHANGED.replace("{kind}", "2"), "count(*)",
        unit=TIMES, time="at", absent=0, subject=Subject(Text("进入哪个分组", "To which group"), "rfm_groups", numeric=True),
    ),
)  # fmt: skip
# What `of` compares, where it is not simply a column of the same name.
SUBJECT_SQL = {"stage_changes": "to_code = ANY(%(of)s)", "rfm_changes": "to_code = ANY(%(of)s)"}
