"""What a sequence is made of: the pool's events and what else happens, as (member_id, at), known by the end of the day."""

from segmentation.rules.catalog import Choice, Text

EVENT = (
    "SELECT member_id, occurred_at AS at FROM members_event WHERE pool_id = %(pool)s AND kind = ANY(%({of})s)"
    " AND occurred_at < %(until)s"
)
ORDER = "SELECT member_id, placed_at AS at FROM members_order WHERE pool_id = %(pool)s AND status = 1 AND placed_at < %(until)s"
MESSAGE = "SELECT member_id, {at} AS at FROM touchpoints_delivery WHERE pool_id = %(pool)s AND {at} < %(until)s"

# Not kinds of events, but as good as: their names cannot be a pool's own.
SPECIAL: dict[str, tuple[Text, str, str]] = {
    "$order": (Text("下单", "order"), ORDER, "orders"),
    "$sent": (Text("收到消息", "message received"), MESSAGE.replace("{at}", "sent_at"), "deliveries"),
    "$opened": (Text("打开消息", "message opened"), MESSAGE.replace("{at}", "opened_at"), "deliveries"),
    "$clicked": (Text("点击消息", "message clicked"), MESSAGE.replace("{at}", "clicked_at"), "deliveries"),
}
CHOICES = tuple(Choice(key, label) for key, (label, _sql, _domain) in SPECIAL.items())


def rows(of: tuple[str | int, ...], param: str) -> str:
    """One statement for all that was chosen; `param` names the kinds of events."""
    found = [SPECIAL[key][1] for key in SPECIAL if key in of]
    if kinds(of):
        found.append(EVENT.replace("{of}", param))
    return " UNION ALL ".join(found)


def kinds(of: tuple[str | int, ...]) -> list[str]:
    """Those that are the pool's own events."""
    return [str(key) for key in of if key not in SPECIAL]


def domains(of: tuple[str | int, ...]) -> set[str]:
    """What the rows are read from."""
    return {SPECIAL[key][2] if key in SPECIAL else "events" for key in map(str, of)}
