"""Facts of the person: profile, dates that come every year, identities, tags, communities, segments."""

from typing import Any

from segmentation.rules.catalog import Choice, Fact, Kind, Subject, Text, declare

MEMBER = "SELECT id FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL AND {test}"
IDENTITY = "SELECT member_id AS id FROM members_identity WHERE pool_id = %(pool)s AND {test}"
# Groups neither; who is in one now, or joined one in a window.
COMMUNITY = "SELECT y.member_id AS id FROM members_communitymember y{since} WHERE y.left_at IS NULL AND {test}{window}"
LEFT = "SELECT y.member_id AS id FROM members_communitymember y{since} WHERE y.left_at IS NOT NULL AND {test}{window}"
SPOKE = (
    "SELECT y.member_id AS id FROM members_communityevent y{since} WHERE y.kind = 3"
    " AND y.community_id IN (SELECT id FROM members_community WHERE pool_id = %(pool)s){of}{window}"
    " GROUP BY y.member_id HAVING {test}"
)
# Tags have no pool of their own: their member has, and the universe cuts off the others.
TAG = "SELECT t.member_id AS id FROM members_membertag t{since} WHERE {test}{window}"
OWNED = (
    "SELECT w.member_id AS id FROM members_ownerchange w{since} WHERE w.pool_id = %(pool)s{of}{window}"
    " GROUP BY w.member_id HAVING {test}"
)
ATTRIBUTE = "coalesce(attributes ->> %(key)s, '')"
NUMBER_IN_TEXT = r"'^-?[0-9]{1,15}(\.[0-9]{1,10})?$'"
ATTRIBUTE_NUMBER = f"CASE WHEN attributes ->> %(key)s ~ {NUMBER_IN_TEXT} THEN (attributes ->> %(key)s)::numeric END"
MONTH = "date_part('month', birthday)::int"
# Years less one until the day of the year has come: a third of what age() costs.
DAY_OF_YEAR = "(date_part('month', {x}) * 100 + date_part('day', {x}))"
AGE = (
    "(date_part('year', %(day)s::date) - date_part('year', birthday))::int"
    f" - ({DAY_OF_YEAR.replace('{x}', 'birthday')} > {DAY_OF_YEAR.replace('{x}', '%(day)s::date')})::int"
)
# Days until the next birthday; 29 February is kept on 28 February in common years.
TO_BIRTHDAY = (
    "CASE WHEN (birthday + make_interval(years => {age}))::date = %(day)s::date THEN 0"
    " ELSE (birthday + make_interval(years => {age} + 1))::date - %(day)s::date END"
).replace("{age}", f"({AGE})")

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
JOINED_DAY = "(joined_at AT TIME ZONE %(zone)s)::date"
OF_ATTRIBUTE = Subject(Text("哪项资料", "which attribute"), "attributes", required=True, single=True)
CHOSEN = Text("{of}", "{of}")
SEGMENT_NOTE = Text(
    "动态分群按规则计算，快照与名单用所问日期当时的成员",
    "Live segments count by their rule, lists and snapshots by who was in them on the day asked for",
)


def _member(key: str, zh: str, en: str, kind: Kind, measure: str, **more: Any) -> Fact:
    return Fact(key, Text(zh, en), "profile", kind, ("members",), MEMBER, measure, **more)


def _yearly(key: str, zh: str, en: str, day: str) -> Fact:
    """A day that comes every year; asked for by windows that may lie ahead."""
    return _member(key, zh, en, "date", day, time=day, yearly=True, ahead=True)


declare(
    _member("name", "姓名", "name", "text", "name"),
    _member("gender", "性别", "gender", "choice", "gender", choices=GENDERS, numeric=True),
    _member("province", "省份", "province", "choice", "nullif(province, '')", source="provinces", optional=True),
    _member("city", "城市", "city", "choice", "nullif(city, '')", source="cities", optional=True),
    _yearly("birthday", "生日", "birthday", "birthday"),
    _member("birthday_month", "生日月份", "month of birth", "choice", MONTH, choices=MONTHS, numeric=True, optional=True),
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
    _member("channel", "来源渠道", "source channel", "choice", "channel_id", source="channels", numeric=True, optional=True),
    _member("owner", "归属员工", "advisor", "choice", "owner_id", source="staff", numeric=True, optional=True),
    _member("home_store", "归属门店", "home store", "choice", "store_id", source="home_stores", numeric=True, optional=True),
    _member("joined_at", "加入时间", "joining", "date", "joined_at", time="joined_at"),
    _member("member_days", "加入天数", "days since joining", "number", f"%(day)s::date - {JOINED_DAY}", unit=DAYS, dated=True),
    _yearly("anniversary", "入会周年", "anniversary of joining", JOINED_DAY),
    Fact(
        "owner_changes",
        Text("归属变更次数", "changes of advisor"),
        "profile",
        "count",
        ("members",),
        OWNED,
        "count(*)",
        unit=TIMES,
        time="w.at",
        row="w",
        absent=0,
        subject=Subject(Text("归给谁", "to whom"), "staff", numeric=True),
        of_sql="w.to_user_id = ANY(%(of)s)",
        phrase=Text("归属变更[（归给{of}）]次数", "changes of advisor[ to {of}]"),
        deed=Text("换过归属员工[（归给{of}）]", "been given[ to {of}] as advisor"),
    ),
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
        "t.tag_id",
        source="tags",
        numeric=True,
        time="t.at",
        present=True,
        row="t",
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
        "y.community_id",
        source="communities",
        numeric=True,
        time="y.joined_at",
        present=True,
        row="y",
        deed=Text("在社群{of}里", "is in community {of}"),
        deny=Text("不在社群{of}里", "is not in community {of}"),
    ),
    Fact(
        "community_left",
        Text("退出社群", "community left"),
        "tags",
        "set",
        ("communities", "members"),
        LEFT,
        "y.community_id",
        source="communities",
        numeric=True,
        time="y.left_at",
        row="y",
        deed=Text("退出过社群{of}", "left community {of}"),
        deny=Text("没有退出过社群{of}", "did not leave community {of}"),
    ),
    Fact(
        "community_messages",
        Text("社群发言次数", "messages in communities"),
        "tags",
        "count",
        ("communities", "members"),
        SPOKE,
        "count(*)",
        unit=TIMES,
        time="y.at",
        row="y",
        absent=0,
        subject=Subject(Text("哪些社群", "which communities"), "communities", numeric=True),
        of_sql="y.community_id = ANY(%(of)s)",
        phrase=Text("[在社群{of}]发言次数", "messages[ in community {of}]"),
        deed=Text("[在社群{of}]发过言", "spoken[ in community {of}]"),
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
