"""Facts of reach: consent, carriers, who is blocked; and the odd ones out."""

from typing import Any

from segmentation.rules.ast import Condition
from segmentation.rules.catalog import Choice, Fact, Text, declare
from segmentation.rules.facts_member import IDENTITIES

# Consents have no pool of their own: the universe cuts off the others, which costs less than joining members.
CONSENT = "SELECT c.member_id AS id FROM members_consent c{since} WHERE {said} AND c.purpose = '{purpose}' AND {test}{window}"
# A carrier reaches a member through the identity it needs, if marketing was agreed to. Rules ask for these two parts.
NEEDS = {"email": "email", "sms": "phone", "wecom": "external_userid", "mini_program": "openid", "push": "device_id"}
NEEDED = " ".join(f"WHEN '{carrier}' THEN '{kind}'" for carrier, kind in NEEDS.items())
REACHABLE = (
    "SELECT c.member_id AS id FROM members_consent c"
    " JOIN members_identity i ON i.pool_id = %(pool)s AND i.member_id = c.member_id"
    " AND i.kind = CASE c.carrier {needed} ELSE i.kind END"
    " WHERE c.granted AND c.purpose = 'marketing' AND {test}"
).replace("{needed}", NEEDED)
BLOCKED = (
    "SELECT c.member_id AS id FROM touchpoints_block c"
    " JOIN members_member m ON m.id = c.member_id AND m.pool_id = %(pool)s{since} WHERE {test}{window}"
)
CARRIERS = (
    Choice("email", Text("邮件", "e-mail")),
    Choice("sms", Text("短信", "SMS")),
    Choice("wecom", Text("企业微信", "WeCom")),
    Choice("mini_program", Text("小程序", "mini program")),
    Choice("push", Text("App 推送", "app push")),
    Choice("webhook", Text("Webhook", "webhook")),
)
REACH_NOTE = Text("有该渠道所需的身份标识，且同意接收营销信息", "Has the identity the carrier needs and agreed to marketing")
ANY_IDENTITY = tuple(str(choice.value) for choice in IDENTITIES)
PARTS = tuple(
    (
        carrier.value,
        (
            Condition("consent", "any", (carrier.value,)),
            Condition("identity", "any", (NEEDS[str(carrier.value)],) if carrier.value in NEEDS else ANY_IDENTITY),
        ),
    )
    for carrier in CARRIERS
)
SAMPLE_NOTE = Text("按会员稳定抽取：同一比例总是同一批人", "Stable: the same share is always the same people")


def _carrier(key: str, zh: str, en: str, sql: str, deed: Text, deny: Text, **more: Any) -> Fact:
    made: dict[str, Any] = {"domains": ("consents",), "time": "c.at", "row": "c", "choices": CARRIERS, "deed": deed, "deny": deny}
    return Fact(key, Text(zh, en), "reach", "set", sql=sql, measure="c.carrier", present=True, **(made | more))


def _consent(purpose: str, *, granted: bool) -> str:
    return CONSENT.replace("{purpose}", purpose).replace("{said}", "c.granted" if granted else "NOT c.granted")


declare(
    _carrier(
        "reachable",
        "可触达渠道",
        "reachable by",
        REACHABLE,
        Text("可通过{of}触达", "can be reached by {of}"),
        Text("不可通过{of}触达", "cannot be reached by {of}"),
        note=REACH_NOTE,
        domains=("consents", "members"),
        parts=PARTS,
        time="",
        row="",
    ),
    _carrier(
        "consent",
        "营销同意",
        "marketing consent",
        _consent("marketing", granted=True),
        Text("同意{of}营销", "agreed to marketing by {of}"),
        Text("未同意{of}营销", "did not agree to marketing by {of}"),
    ),
    _carrier(
        "consent_service",
        "服务通知同意",
        "service consent",
        _consent("service", granted=True),
        Text("同意{of}服务通知", "agreed to service messages by {of}"),
        Text("未同意{of}服务通知", "did not agree to service messages by {of}"),
    ),
    _carrier(
        "consent_withdrawn",
        "拒绝营销",
        "marketing refused",
        _consent("marketing", granted=False),
        Text("拒绝或撤回了{of}营销", "refused or withdrew marketing by {of}"),
        Text("没有拒绝{of}营销", "did not refuse marketing by {of}"),
    ),
    _carrier(
        "blocked",
        "黑名单渠道",
        "blocked for",
        BLOCKED,
        Text("在{of}黑名单中", "is blocked for {of}"),
        Text("不在{of}黑名单中", "is not blocked for {of}"),
        domains=("blocks",),
    ),
)
declare(
    Fact(
        "sample", Text("随机抽样", "random sample"), "other", "sample", (), unit=Text("%", "%"), integral=False, note=SAMPLE_NOTE
    ),
    Fact("member", Text("指定会员", "members by id"), "other", "list", (), numeric=True, source="members"),
)
