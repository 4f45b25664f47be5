"""Facts of reach: consent, carriers, what members did with our messages; and the odd ones out."""

from segmentation.rules.catalog import Choice, Fact, Subject, Text, declare
from segmentation.rules.facts_member import POINTS, TIMES

CONSENT = (
    "SELECT c.member_id AS id FROM members_consent c JOIN members_member m ON m.id = c.member_id AND m.pool_id = %(pool)s"
    " WHERE c.granted AND c.purpose = '{purpose}' AND {test}"
)
# A carrier reaches a member through the identity it needs, if marketing was agreed to.
REACHABLE = (
    "SELECT c.member_id AS id FROM members_consent c JOIN members_identity i ON i.pool_id = %(pool)s AND i.member_id = c.member_id"
    " AND i.kind = CASE c.carrier WHEN 'email' THEN 'email' WHEN 'sms' THEN 'phone' WHEN 'wecom' THEN 'external_userid'"
    " WHEN 'mini_program' THEN 'openid' WHEN 'push' THEN 'device_id' ELSE i.kind END"
    " WHERE c.granted AND c.purpose = 'marketing' AND {test}"
)
MESSAGE = (
    "SELECT d.member_id AS id FROM touchpoints_delivery d JOIN touchpoints_step s ON s.id = d.step_id"
    " WHERE d.pool_id = %(pool)s{of}{window}{only} GROUP BY d.member_id HAVING {test}"
)
POINTS_SQL = "SELECT member_id AS id FROM loyalty_pointsaccount WHERE pool_id = %(pool)s AND {test}"

CARRIERS = (
    Choice("email", Text("邮件", "e-mail")),
    Choice("sms", Text("短信", "SMS")),
    Choice("wecom", Text("企业微信", "WeCom")),
    Choice("mini_program", Text("小程序", "mini program")),
    Choice("push", Text("App 推送", "app push")),
    Choice("webhook", Text("Webhook", "webhook")),
)
SOURCE = Subject(Text("哪些活动", "Which campaigns"), "message_sources")
REACH_NOTE = Text("有该渠道所需的身份标识，且同意接收营销信息", "Has the identity the carrier needs and agreed to marketing")


def _message(key: str, zh: str, en: str, time: str, only: str = "") -> Fact:
    sql = MESSAGE.replace("{only}", only)
    return Fact(
        key, Text(zh, en), "reach", "count", ("deliveries",), sql, "count(*)", unit=TIMES, time=time, absent=0, subject=SOURCE
    )


declare(
    Fact("reachable", Text("可触达渠道", "reachable by"), "reach", "set", ("consents", "members"), REACHABLE, "c.carrier", choices=CARRIERS, note=REACH_NOTE),
    Fact("consent", Text("营销同意", "marketing consent"), "reach", "set", ("consents",), CONSENT.replace("{purpose}", "marketing"), "c.carrier", choices=CARRIERS),
    Fact("consent_service", Text("服务通知同意", "service consent"), "reach", "set", ("consents",), CONSENT.replace("{purpose}", "service"), "c.carrier", choices=CARRIERS),
    _message("messages_sent", "收到消息", "messages sent", "d.sent_at", " AND d.sent_at IS NOT NULL"),
    _message("messages_opened", "打开消息", "messages opened", "d.opened_at", " AND d.opened_at IS NOT NULL"),
    _message("messages_clicked", "点击消息", "messages clicked", "d.clicked_at", " AND d.clicked_at IS NOT NULL"),
    _message("messages_failed", "发送失败", "messages failed", "d.failed_at", " AND d.failed_at IS NOT NULL"),
    _message("messages_suppressed", "被抑制的消息", "messages suppressed", "d.next_at", " AND d.status = 95"),
)  # fmt: skip
declare(
    Fact("sample", Text("随机抽样", "random sample"), "other", "sample", (), unit=Text("%", "%"), integral=False,
         note=Text("按会员稳定抽取：同一比例总是同一批人", "Stable: the same share is always the same people")),
    Fact("member", Text("指定会员", "members by id"), "other", "list", (), numeric=True, source="members"),
)  # fmt: skip

SUBJECT_SQL = dict.fromkeys(
    ("messages_sent", "messages_opened", "messages_clicked", "messages_failed", "messages_suppressed"),
    "split_part(s.source, ':', 1) || ':' || split_part(s.source, ':', 2) = ANY(%(of)s)",
)
__all__ = ["POINTS", "POINTS_SQL", "SUBJECT_SQL"]
