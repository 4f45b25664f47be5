"""Facts of the person: profile, identities, tags, and what recalculation says of them."""

from typing import Any

from segmentation.rules.catalog import Choice, Fact, Kind, Subject, Text, declare

MEMBER = "SELECT id FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL AND {test}"
STATE = "SELECT member_id AS id FROM members_memberstate WHERE pool_id = %(pool)s AND {test}"
IDENTITY = "SELECT member_id AS id FROM members_identity WHERE pool_id = %(pool)s AND {test}"
# Groups neither; who is in one now, or joined one in a window.
COMMUNITY = "SELECT member_id AS id FROM members_communitymember WHERE left_at IS NULL AND {test}{window}"
# Tags have no pool of their own: their member has, and the universe cuts off the others.
TAG = "SELECT member_id AS id FROM members_membertag WHERE {test}{window}"
CHANGED = (
    "SELECT member_id AS id FROM members_statechange WHERE pool_id = %(pool)s AND kind = {kind}"
    "{of}{window} GROUP BY member_id HAVING {test}"
)
ATTRIBUTE = "coalesce(attributes ->> %(key)s, '')"
NUMBER_IN_TEXT = r"'^-?[0-9]{1,15}(\.[0-9]{1,10})?$'"
ATTRIBUTE_NUMBER = f"CASE WHEN attributes ->> %(key)s ~ {NUMBER_IN_TEXT} THEN (attributes ->> %(key)s)::numeric END"
MONTH = "date_part('month', birthday)::int"
AGE = "date_part('year', age(%(day)s::date, birthday))::int"
# Days until the next birthday; 29 February is kept on 28 February in common years.
TO_BIRTHDAY = (
    "CASE WHEN (birthday + make_interval(years => {age}))::date = %(day)s::date THEN 0"
    " ELSE (birthday + make_interval(years => {age} + 1))::date - %(day)s::date END"
).replace("{age}", AGE)
AOV = "amount_total / nullif(order_count, 0)"

YEARS, DAYS, POINTS = Text("岁", "years"), Text("天", "days"), Text("分", "points")
TIMES, ORDERS, YUAN = Text("次", "times"), Text("单", "orders"), Text("元", "yuan")

GENDERS = (Choice(1, Text("男", "male")), Choice(2, Text("女", "female")), Choice(0, Text("未知", "unknown")))
STATUSES = (Choice(2, Text("会员", "member")), Choice(1, Text("潜客", "lead")))
MONTHS = (
    Choice(1, Text("1 月", "January")),
    Choice(2, Text("2 月", "February")),
    Choice(3, Text("3 月", "March")),
    Choice(4, Text("4 月", "April")),
    Choice(5, Text("5 月", "May")),
    Choice(6, Text("6 月", "June")),
    Choice(7, Text("7 月", "July")),
    Choice(8, Text("8 月", "August")),
    Choice(9, Text("9 月", "September")),
    Choice(10, Text("10 月", "October")),
    Choice(11, Text("11 月", "November")),
    Choice(12, Text("12 月", "December")),
)
STAGES = (
    Choice(0, Text("潜客", "lead")),
    Choice(1, Text("活跃期", "active")),
    Choice(2, Text("沉默期", "silent")),
    Choice(3, Text("睡眠期", "sleeping")),
    Choice(4, Text("流失期", "lost")),
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
IDENTITIES = (
    Choice("phone", Text("手机号", "phone")),
    Choice("email", Text("邮箱", "e-mail")),
    Choice("unionid", Text("UnionID", "UnionID")),
    Choice("openid", Text("OpenID", "OpenID")),
    Choice("external_userid", Text("企微客户", "WeCom contact")),
    Choice("tmall_nick", Text("天猫昵称", "Tmall nick")),
    Choice("jd_pin", Text("京东账号", "JD account")),
    Choice("card_no", Text("会员卡号", "card number")),
    Choice("meituan_id", Text("美团用户", "Meituan user")),
    Choice("eleme_id", Text("饿了么用户", "Ele.me user")),
    Choice("douyin_id", Text("抖音用户", "Douyin user")),
    Choice("alliance_id", Text("联盟会员号", "alliance number")),
    Choice("device_id", Text("设备号", "device")),
    Choice("visitor_id", Text("网站访客", "website visitor")),
)
OF_ATTRIBUTE = Subject(Text("哪项资料", "which attribute"), "attributes", required=True, single=True)
OF_STAGE = Subject(Text("哪个阶段", "which stage"), "stages", numeric=True)
OF_GROUP = Subject(Text("哪个分组", "which group"), "rfm_groups", numeric=True)
CHOSEN = Text("{of}", "{of}")
SEGMENT_NOTE = Text(
    "动态分群按它此刻的规则计算，快照与名单用其保存的成员",
    "Live segments count by their rule, lists and snapshots by who is in them",
)


def _member(key: str, zh: str, en: str, kind: Kind, measure: str, **more: Any) -> Fact:
    return Fact(key, Text(zh, en), "profile", kind, ("members",), MEMBER, measure, **more)


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
        time="at",
        absent=0,
        subject=subject,
        phrase=Text(f"{zh}变化[至{{of}}]次数", f"changes of {en}[ to {{of}}]"),
        deed=Text(f"有过{zh}变化[（至{{of}}）]", f"changed {en}[ to {{of}}]"),
    )


declare(
    _member("name", "姓名", "name", "text", "name"),
    _member("gender", "性别", "gender", "choice", "gender", choices=GENDERS, numeric=True),
    _member("province", "省份", "province", "choice", "province", source="provinces"),
    _member("city", "城市", "city", "choice", "city", source="cities"),
    _member("birthday_month", "生日月份", "month of birth", "choice", MONTH, choices=MONTHS, numeric=True),
    _member("birthday_in", "距下次生日", "time to the next birthday", "number", TO_BIRTHDAY, unit=DAYS, dated=True),
    _member("age", "年龄", "age", "number", AGE, unit=YEARS, dated=True),
    _member(
        "attribute", "其他资料", "attribute", "text", ATTRIBUTE, subject=OF_ATTRIBUTE, source="attribute_values", phrase=CHOSEN
    ),
    _member(
        "attribute_number",
        "其他资料（数值）",
        "attribute (number)",
        "number",
        ATTRIBUTE_NUMBER,
        subject=OF_ATTRIBUTE,
        integral=False,
        phrase=CHOSEN,
    ),
    _member("status", "身份", "status", "choice", "status", choices=STATUSES, numeric=True),
    _member("channel", "来源渠道", "source channel", "choice", "channel_id", source="channels", numeric=True),
    _member("owner", "归属员工", "advisor", "choice", "owner_id", source="staff", numeric=True),
    _member("home_store", "归属门店", "home store", "choice", "store_id", source="home_stores", numeric=True),
    _member("joined_at", "加入时间", "joining", "date", "joined_at", time="joined_at"),
    Fact(
        "identity",
        Text("身份标识", "identity"),
        "profile",
        "set",
        ("members",),
        IDENTITY,
        "kind",
        choices=IDENTITIES,
        deed=Text("有{of}", "has {of}"),
        deny=Text("没有{of}", "has no {of}"),
    ),
)
declare(
    Fact(
        "tag",
        Text("标签", "tag"),
        "tags",
        "set",
        ("tags",),
        TAG,
        "tag_id",
        source="tags",
        numeric=True,
        time="at",
        deed=Text("带有标签{of}", "is tagged {of}"),
        deny=Text("不带标签{of}", "is not tagged {of}"),
    ),
    Fact(
        "community",
        Text("所在社群", "community"),
        "tags",
        "set",
        ("communities", "members"),
        COMMUNITY,
        "community_id",
        source="communities",
        numeric=True,
        time="joined_at",
        deed=Text("在社群{of}里", "is in community {of}"),
        deny=Text("不在社群{of}里", "is not in community {of}"),
    ),
    Fact(
        "segment",
        Text("分群", "segment"),
        "tags",
        "set",
        (),
        source="segments",
        numeric=True,
        note=SEGMENT_NOTE,
        deed=Text("属于分群{of}", "is in segment {of}"),
        deny=Text("不属于分群{of}", "is not in segment {of}"),
    ),
)
declare(
    _state("rfm_group", "RFM 分组", "RFM group", "choice", "rfm_group", choices=RFM_GROUPS, numeric=True),
    _state("r_score", "R 分", "R score", "number", "r", unit=POINTS),
    _state("f_score", "F 分", "F score", "number", "f", unit=POINTS),
    _state("m_score", "M 分", "M score", "number", "m", unit=POINTS),
    _state("stage", "生命周期", "lifecycle stage", "choice", "stage", choices=STAGES, numeric=True, absent=0),
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
    _state("interval_days", "平均购买间隔", "mean time between orders", "number", "interval_days", unit=DAYS, integral=False),
    _changes("stage_changes", "生命周期", "stage", "1", OF_STAGE),
    _changes("rfm_changes", "RFM 分组", "RFM group", "2", OF_GROUP),
)
# What `of` compares.
SUBJECT_SQL = dict.fromkeys(("stage_changes", "rfm_changes"), "to_code = ANY(%(of)s)")
