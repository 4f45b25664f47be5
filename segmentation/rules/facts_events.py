"""Facts of what members did: events with properties, and one thing after another."""

from typing import Any

from segmentation.rules import happenings
from segmentation.rules.catalog import Fact, Kind, Subject, Text, declare
from segmentation.rules.facts_member import DAYS, TIMES
from segmentation.rules.filters import EVENTS as FILTERS
from segmentation.rules.filters import LOCAL

EVENT = (
    "SELECT e.member_id AS id FROM members_event e{since} WHERE e.pool_id = %(pool)s{of}{where}{window}"
    " GROUP BY e.member_id HAVING {test}"
)
ENDS = (
    "SELECT e.member_id AS id FROM members_event e WHERE e.pool_id = %(pool)s AND e.occurred_at < %(until)s{of}{where}"
    " GROUP BY e.member_id HAVING {test}"
)
# A counts when a B comes after it, soon enough; a B of the same instant is not after it.
AFTER = (
    "SELECT a.member_id AS id FROM ({first}) a{since} WHERE {how} ("
    "SELECT FROM ({second}) b WHERE b.member_id = a.member_id AND b.at > a.at{after}"
    " AND b.at <= a.at + make_interval(hours => %(then_hours)s)){window}{only} GROUP BY a.member_id HAVING {test}"
)
FOLLOWED = AFTER.replace("{how}", "EXISTS").replace("{only}", "")
# Whose time is not over yet has not failed to follow.
WAITED = " AND a.at <= %(minute)s - make_interval(hours => %(then_hours)s)"
NOT_FOLLOWED = AFTER.replace("{how}", "NOT EXISTS").replace("{only}", WAITED)
PAIR = (
    "SELECT a.member_id AS id, a.at AS v0 FROM ({first}) a{since} WHERE true{window}{only}",
    "SELECT b.member_id AS id, b.at AS v0 FROM ({second}) b WHERE true{after}",
)
LOCAL_DAY = LOCAL.replace("{at}", "e.occurred_at") + "::date"
EVENT_KIND = Subject(Text("哪些行为", "which events"), "event_kinds")
FIRST = Subject(Text("先发生", "what comes first"), "happenings", required=True)


def _events(key: str, label: Text, kind: Kind, measure: str, sql: str = EVENT, **more: Any) -> Fact:
    made: dict[str, Any] = {"row": "e", "time": "e.occurred_at", "subject": EVENT_KIND, "filters": FILTERS}
    made |= {"of_sql": "e.kind = ANY(%(of)s)", "absent": 0 if kind == "count" else None}
    return Fact(key, label, "events", kind, ("events",), sql, measure, **(made | more))


def _end(key: str, zh: str, en: str, pick: str) -> Fact:
    at = f"{pick}(e.occurred_at)"
    phrase = Text(f"{zh}[（{{of}}）]", f"{en}[ ({{of}})]")
    return _events(key, Text(zh, en), "date", at, ENDS, time=at, dated=True, phrase=phrase)


def _after(key: str, label: Text, sql: str, phrase: Text, deed: Text, **more: Any) -> Fact:
    made: dict[str, Any] = {"unit": TIMES, "time": "a.at", "row": "a", "absent": 0, "subject": FIRST, "then": "asked"}
    made |= {"dated": True, "pair": (PAIR[0].replace("{only}", WAITED if more.get("missed") else ""), PAIR[1])}
    return Fact(key, label, "events", "count", ("events",), sql, "count(*)", phrase=phrase, deed=deed, **(made | more))


declare(
    _events(
        "events",
        Text("行为次数", "events"),
        "count",
        "count(*)",
        each="1",
        unit=TIMES,
        phrase=Text("[{of}]行为次数", "[{of} ]events"),
        deed=Text("有过[{of}]行为", "had[ {of}] events"),
    ),
    _events(
        "active_days",
        Text("有行为的天数", "days with events"),
        "count",
        f"count(DISTINCT {LOCAL_DAY})",
        unit=DAYS,
        phrase=Text("有[{of}]行为的天数", "days with[ {of}] events"),
        deed=Text("有过[{of}]行为", "had[ {of}] events"),
    ),
    _end("event_first_at", "首次行为时间", "first event", "min"),
    _end("event_last_at", "最近行为时间", "last event", "max"),
    _after(
        "sequence",
        Text("先后发生", "one after the other"),
        FOLLOWED,
        Text("{of}后 {within}内{then}的次数", "times of {of} followed by {then} within {within}"),
        Text("有过{of}后 {within}内{then}", "done {of} and then {then} within {within}"),
    ),
    _after(
        "abandoned",
        Text("发生后没有下文", "not followed up"),
        NOT_FOLLOWED,
        Text("{of}后 {within}内没有{then}的次数", "times of {of} not followed by {then} within {within}"),
        Text("有过{of}后 {within}内没有{then}", "done {of} without {then} within {within}"),
        timed=True,
        missed=True,
        note=Text("还没到时间的不算", "Those whose time is not over yet do not count"),
    ),
)
CHOICES = happenings.CHOICES
