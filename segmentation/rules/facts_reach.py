"""Facts of reach: consent, carriers, what members did with our messages; and the odd ones out."""

from segmentation.rules.catalog import Choice, Fact, Subject, Text, declare
from segmentation.rules.facts_member import POINTS, TIMES

CONSENT = (
    "SELECT c.member_id AS id FROM members_consent c JOIN members_member m ON m.id = c.member_id AND m.pool_id = %(pool)s"
    " WHERE c.granted AND c.purpose = '{purpose}' AND {test}"
)
# A carrier reaches a member through the identity it needs, if marketing was agreed to.
REACHABLE = (
    "SELECT c.member_id AS id FROM members_consent c"
    " JOIN members_identity i ON i.pool_id = %(pool)s AND i.member_id = c.member_id"
    " AND i.kind = CASE c.carrier WHEN 'email' THEN 'email' WHEN 'sms' THEN 'phone' WHEN 'wecom' THEN 'external_userid'"
    " WHEN 'mini_program' THEN 'openid' WHEN 'push' THEN 'device_id' ELSE i.kind END"
    " WHERE c.granted AND c.purpose = 'marketing' AND {test}"
)
MESSAGE = (
    "SELECT d.member_id AS id FROM touchpoints_delivery d JOIN touchpoints_step s ON s.id = d.step_id"
    " WHERE d.pool_id = %(pool)s{of}{window}{only} GROUP BY d.member_id HAVING {test}"
)
BALANCE = "SELECT member_id AS id FROM loyalty_account WHERE pool_id = %(pool)s AND {test}"

CARRIERS = (
    Choice("email", Text("邮件", "e-mail")),
    Choice("sms", Text("短信", "SMS")),
    Choice("wecom", Text("企业微信", "WeCom")),
    Choice("mini_program", Text("小程序", "mini program")),
    Choice("push", Text("App 推送", "app push")),
    Choice("webhook", Text("Webhook", "webhook")),
)
SOURCE = Subject(Text("哪些活动", "which campaigns"), "message_sources")
REACH_NOTE = Text("有该渠道所需的身份标识，且同意接收营销信息", "Has the identity the carrier needs and agreed to marketing")
SAMPLE_NOTE = Text("按会员稳定抽取：同一比例总是同一批人", "Stable: the same share is always the same people")


def _carrier(key: str, zh: str, en: str, sql: str, deed: Text, deny: Text, note: Text | None = None) -> Fact:
    domains = ("consents", "members") if key == "reachable" else ("consents",)
    return Fact(key, Text(zh, en), "reach", "set", domains, sql, "c.carrier", choices=CARRIERS, note=note, deed=deed, deny=deny)


def _message(key: str, zh: str, en: str, *, deed: Text, time: str, only: str = "") -> Fact:
    return Fact(
        key,
        Text(zh, en),
        "reach",
        "count",
        ("deliveries",),
        MESSAGE.replace("{only}", only or f" AND {time} IS NOT NULL"),
        "count(*)",
        unit=TIMES,
        time=time,
        absent=0,
        subject=SOURCE,
        phrase=Text(f"[{{of}}]{zh}次数", f"{en}[ of {{of}}]"),
        deed=deed,
    )


declare(
    _carrier(
        "reachable",
        "可触达渠道",
        "reachable by",
        REACHABLE,
        Text("可通过{of}触达", "can be reached by {of}"),
        Text("不可通过{of}触达", "cannot be reached by {of}"),
        REACH_NOTE,
    ),
    _carrier(
        "consent",
        "营销同意",
        "marketing consent",
        CONSENT.replace("{purpose}", "marketing"),
        Text("同意{of}营销", "agreed to marketing by {of}"),
        Text("未同意{of}营销", "did not agree to marketing by {of}"),
    ),
    _carrier(
        "consent_service",
        "服务通知同意",
        "service consent",
        CONSENT.replace("{purpose}", "service"),
        Text("同意{of}服务通知", "agreed to service messages by {of}"),
        Text("未同意{of}服务通知", "did not agree to service messages by {of}"),
    ),
    _message(
        "messages_sent",
        "收到消息",
        "messages received",
        deed=Text("收到过[{of}的]消息", "received messages[ of {of}]"),
        time="d.sent_at",
    ),
    _message(
        "messages_opened",
        "打开消息",
        "messages opened",
        deed=Text("打开过[{of}的]消息", "opened messages[ of {of}]"),
        time="d.opened_at",
    ),
    _message(
        "messages_clicked",
        "点击消息",
        "messages clicked",
        deed=Text("点击过[{of}的]消息", "clicked messages[ of {of}]"),
        time="d.clicked_at",
    ),
    _message(
        "messages_failed",
        "发送失败",
        "messages failed",
        deed=Text("有过[{of}的]发送失败", "had failed messages[ of {of}]"),
        time="d.failed_at",
    ),
    _message(
        "messages_suppressed",
        "被抑制",
        "messages suppressed",
        deed=Text("有过[{of}的]消息被抑制", "had suppressed messages[ of {of}]"),
        time="d.next_at",
        only=" AND d.status = 95",
    ),
)
declare(
    Fact(
        "points",
        Text("积分余额", "points balance"),
        "value",
        "count",
        ("points",),
        BALANCE,
        "balance",
        unit=POINTS,
        absent=0,
        phrase=Text("积分余额", "points"),
        deed=Text("有积分", "points"),
    ),
    Fact(
        "sample", Text("随机抽样", "random sample"), "other", "sample", (), unit=Text("%", "%"), integral=False, note=SAMPLE_NOTE
    ),
    Fact("member", Text("指定会员", "members by id"), "other", "list", (), numeric=True, source="members"),
)

SUBJECT_SQL = dict.fromkeys(
    ("messages_sent", "messages_opened", "messages_clicked", "messages_failed", "messages_suppressed"),
    "split_part(s.source, ':', 1) || ':' || split_part(s.source, ':', 2) = ANY(%(of)s)",
)
