"""What facts of behaviour and of our side of it mean: events, consent, messages, points, campaigns."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from tests.segmentation.rule_rows import Person, events, happenings, messages, passes, within
from tests.segmentation.rule_values import Value, day, ends, fixed, follows, time, timed, today


def _followed(*, wanted: bool) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        firsts = [at for at in happenings(person, c["of"], as_of) if within(at, c, person, as_of)]
        return sum(follows(c, person, at, c["then"]["of"], as_of) == wanted for at in firsts if wanted or _over(c, at, as_of))

    return found


def _over(c: dict[str, Any], at: datetime, as_of: datetime) -> bool:
    return at + time(c) <= as_of.replace(second=0, microsecond=0)


def _messages(at: str, only: Callable[[Any], bool] = bool) -> Value:
    return lambda c, person, as_of: len([row for row in messages(c, person, as_of, at) if only(row)])


def _unopened(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    """What was opened after the day asked for was unopened then."""
    rows = messages(c, person, as_of, "sent_at")
    answers = [[row[what] for what in ("opened_at", "clicked_at") if row[what]] for row in rows]
    return sum(all(day(at) > today(as_of) for at in found) for found in answers)


def _converted(c: dict[str, Any], person: Person, as_of: datetime) -> int:
    return sum(follows(c, person, row["sent_at"], ["$order"], as_of) for row in messages(c, person, as_of, "sent_at"))


def _points(sign: int, kinds: set[str], only: Callable[[int], bool]) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        rows = [row for row in person["entries"] if row["kind"] in kinds and only(row["amount"]) and passes(row, c)]
        return sign * sum(row["amount"] for row in rows if within(row["at"], c, person, as_of))

    return found


def _entries(c: dict[str, Any], person: Person, as_of: datetime) -> list[Any]:
    return [row for row in person["entries"] if passes(row, c)]


def _took_part(at: str, only: Callable[[Any, Person, datetime], bool]) -> Value:
    def found(c: dict[str, Any], person: Person, as_of: datetime) -> int:
        rows = [row for row in person["parts"] if row[at] and (not c.get("of") or row["campaign"] in c["of"]) and passes(row, c)]
        return sum(within(row[at], c, person, as_of) and only(row, person, as_of) for row in rows)

    return found


def _reached_goal(row: Any, person: Person, as_of: datetime) -> bool:
    end = row["entered_at"] + timedelta(days=row["goal_days"])
    paid = [row["placed_at"] for row in person["orders"] if row["status"] == 1 and row["net"] > 0]
    return any(row["entered_at"] <= at < end for at in paid if day(at) <= today(as_of))


VALUES: dict[str, Value] = {
    "events": lambda c, person, as_of: len(events(c, person, as_of)),
    "active_days": lambda c, person, as_of: len({day(row["occurred_at"]) for row in events(c, person, as_of)}),
    "event_first_at": ends(events, "occurred_at", min),
    "event_last_at": ends(events, "occurred_at", max),
    "sequence": _followed(wanted=True),
    "abandoned": _followed(wanted=False),
    "reachable": fixed("reachable"),
    "consent": timed("agreed", "carrier"),
    "consent_service": timed("served", "carrier"),
    "consent_withdrawn": timed("refused", "carrier"),
    "blocked": timed("blocks", "carrier"),
    "messages_sent": _messages("sent_at"),
    "messages_opened": _messages("opened_at"),
    "messages_clicked": _messages("clicked_at"),
    "messages_unopened": _unopened,
    "messages_failed": _messages("failed_at"),
    "messages_suppressed": _messages("next_at", lambda row: row["status"] == 95),
    "messages_converted": _converted,
    **{
        f"message_{what}_at": ends(lambda c, person, as_of, at=f"{what}_at": messages(c, person, as_of, at), f"{what}_at", max)
        for what in ("sent", "opened", "clicked")
    },
    "points": lambda c, person, as_of: max(person["position"], 0),
    "points_debt": lambda c, person, as_of: max(-person["position"], 0),
    "points_earned": _points(1, {"earn", "adjust", "clawback", "spend", "merge"}, lambda amount: amount > 0),
    "points_spent": _points(-1, {"spend"}, lambda amount: True),
    "points_taken_back": _points(-1, {"clawback"}, lambda amount: True),
    "points_last_at": ends(_entries, "at", max),
    "campaign_entered": _took_part("entered_at", lambda row, person, as_of: True),
    "campaign_converted": _took_part("entered_at", _reached_goal),
    "coupon_redeemed": _took_part("redeemed_at", lambda row, person, as_of: True),
}
