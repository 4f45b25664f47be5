"""Facts of our messages to a member: sent, opened, clicked, failed, suppressed, and what was bought after them.

Who sent a message is known by its source only ("campaign:42:run:7:send"); the names of sources are
told by the app that made them (`segmentation.choices.register_senders`).
"""

from typing import Any

from segmentation.rules.catalog import Fact, Filter, Subject, Text, declare
from segmentation.rules.facts_member import TIMES

FROM = "SELECT d.member_id AS id FROM touchpoints_delivery d JOIN touchpoints_step s ON s.id = d.step_id{since}"
MESSAGE = FROM + " WHERE d.pool_id = %(pool)s{of}{where}{window}{only} GROUP BY d.member_id HAVING {test}"
ENDS = (
    FROM.replace("{since}", "") + " WHERE d.pool_id = %(pool)s AND {at} < %(until)s{of}{where} GROUP BY d.member_id HAVING {test}"
)
ORDERED_AFTER = (
    " AND EXISTS (SELECT FROM members_order o WHERE o.member_id = d.member_id AND o.pool_id = %(pool)s AND o.status = 1"
    " AND o.placed_at < %(until)s AND o.placed_at > d.sent_at"
    " AND o.placed_at <= d.sent_at + make_interval(hours => %(then_hours)s))"
)
# As known at the end of the day: what was opened later was unopened then.
UNOPENED = " AND coalesce(d.opened_at >= %(until)s, true) AND coalesce(d.clicked_at >= %(until)s, true)"
CAMPAIGN = "split_part(s.source, ':', 1) || ':' || split_part(s.source, ':', 2)"
SOURCE = Subject(Text("哪些活动", "which campaigns"), "message_sources")
FILTERS: tuple[Filter, ...] = (
    Filter("step", Text("步骤", "step"), "choice", "s.source", source="message_steps"),
    Filter("content", Text("内容", "content"), "choice", "d.content_id", source="contents", numeric=True),
    Filter("connector", Text("发送账号", "account"), "choice", "s.connector_id", source="connectors", numeric=True),
)
REASON = Filter("reason", Text("原因", "reason"), "choice", "d.reason", source="message_reasons")


def _message(key: str, zh: str, en: str, *, deed: Text, time: str, only: str = "", **more: Any) -> Fact:
    made: dict[str, Any] = {"row": "d", "subject": SOURCE, "of_sql": f"{CAMPAIGN} = ANY(%(of)s)", "filters": FILTERS}
    made |= {"unit": TIMES, "absent": 0, "time": time, "phrase": Text(f"[{{of}}]{zh}次数", f"{en}[ of {{of}}]"), "deed": deed}
    sql = MESSAGE.replace("{only}", only or f" AND {time} IS NOT NULL")
    made["domains"] = ("deliveries",)
    return Fact(key, Text(zh, en), "responses", "count", sql=sql, measure="count(*)", **(made | more))


def _last(key: str, zh: str, en: str, at: str) -> Fact:
    made: dict[str, Any] = {"subject": SOURCE, "of_sql": f"{CAMPAIGN} = ANY(%(of)s)", "filters": FILTERS, "dated": True}
    phrase = Text(f"{zh}[（{{of}}）]", f"{en}[ of {{of}}]")
    sql = ENDS.replace("{at}", at)
    found = f"max({at})"
    return Fact(key, Text(zh, en), "responses", "date", ("deliveries",), sql, found, time=found, phrase=phrase, **made)


declare(
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
        "messages_unopened",
        "收到未打开消息",
        "messages received but not opened",
        deed=Text("收到但没打开[{of}的]消息", "left messages[ of {of}] unopened"),
        time="d.sent_at",
        only=UNOPENED,
        dated=True,
    ),
    _message(
        "messages_converted",
        "触达后下单",
        "messages followed by an order",
        deed=Text("收到[{of}的]消息后 {within}内下过单", "ordered within {within} of a message[ of {of}]"),
        time="d.sent_at",
        only=ORDERED_AFTER,
        then="days",
        dated=True,
        domains=("deliveries", "orders"),
        phrase=Text("[{of}]触达后 {within}内下单的消息数", "messages[ of {of}] followed by an order within {within}"),
    ),
    _message(
        "messages_failed",
        "发送失败",
        "messages failed",
        deed=Text("有过[{of}的]发送失败", "had failed messages[ of {of}]"),
        time="d.failed_at",
        filters=(*FILTERS, REASON),
    ),
    _message(
        "messages_suppressed",
        "被抑制",
        "messages suppressed",
        deed=Text("有过[{of}的]消息被抑制", "had suppressed messages[ of {of}]"),
        time="d.next_at",
        only=" AND d.status = 95",
        filters=(*FILTERS, REASON),
    ),
    _last("message_sent_at", "最近触达时间", "last message", "d.sent_at"),
    _last("message_opened_at", "最近打开消息时间", "last opened message", "d.opened_at"),
    _last("message_clicked_at", "最近点击消息时间", "last clicked message", "d.clicked_at"),
)
