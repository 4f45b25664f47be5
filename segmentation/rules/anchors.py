"""Where windows of the kind "since another event" begin: one instant per member.

Every statement yields `member_id` and `at`, as known at the end of the window (`end`). Members
without the event have no rows in such a window, so they count as 0.
"""

from dataclasses import dataclass

from segmentation.rules.catalog import Text

ORDERS = (
    "SELECT member_id, {pick}(placed_at) AS at FROM members_order"
    " WHERE pool_id = %(pool)s AND status = 1 AND placed_at < %(end)s GROUP BY member_id"
)
EVENTS = (
    "SELECT member_id, {pick}(occurred_at) AS at FROM members_event"
    " WHERE pool_id = %(pool)s AND kind = ANY(%(since_of)s) AND occurred_at < %(end)s GROUP BY member_id"
)
MESSAGES = (
    "SELECT member_id, max({at}) AS at FROM touchpoints_delivery WHERE pool_id = %(pool)s AND {at} < %(end)s GROUP BY member_id"
)
JOINED = "SELECT id AS member_id, joined_at AS at FROM members_member WHERE pool_id = %(pool)s AND merged_into IS NULL"
CHANGED = (
    "SELECT member_id, max(at) AS at FROM members_statechange"
    " WHERE pool_id = %(pool)s AND kind = 1 AND at < %(end)s GROUP BY member_id"
)


@dataclass(frozen=True)
class Anchor:
    """Something that happens to a member, from which on rows are looked at."""

    label: Text  # what it is called: "the last order"
    sql: str
    domain: str
    source: str = ""  # what `of` is picked from, where it needs one


def _orders(pick: str) -> str:
    return ORDERS.replace("{pick}", pick)


def _events(pick: str) -> str:
    return EVENTS.replace("{pick}", pick)


def _message(at: str) -> str:
    return MESSAGES.replace("{at}", at)


ANCHORS: dict[str, Anchor] = {
    "joined": Anchor(Text("加入", "joining"), JOINED, "members"),
    "first_order": Anchor(Text("首次下单", "the first order"), _orders("min"), "orders"),
    "last_order": Anchor(Text("最近一次下单", "the last order"), _orders("max"), "orders"),
    "first_event": Anchor(Text("首次{of}", "the first {of}"), _events("min"), "events", "event_kinds"),
    "last_event": Anchor(Text("最近一次{of}", "the last {of}"), _events("max"), "events", "event_kinds"),
    "last_message": Anchor(Text("最近一次触达", "the last message"), _message("sent_at"), "deliveries"),
    "last_open": Anchor(Text("最近一次打开消息", "the last opened message"), _message("opened_at"), "deliveries"),
    "last_click": Anchor(Text("最近一次点击消息", "the last clicked message"), _message("clicked_at"), "deliveries"),
    "stage_change": Anchor(Text("最近一次阶段变化", "the last change of stage"), CHANGED, "state"),
}
