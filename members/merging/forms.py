"""What a person decides on the pages of merging, read out of a request."""

from datetime import date
from typing import Any

from django.http import QueryDict

from members.merging.queries import Asked
from members.merging.since import Told
from members.models import Merge


def asked(given: QueryDict) -> Asked:
    """What the list is narrowed to; nonsense is no condition."""
    actor = given.get("actor", "")
    return Asked(
        kinds=tuple(given.getlist("kind")),
        sources=tuple(given.getlist("source")),
        actor=int(actor) if actor.isdecimal() and len(actor) < 10 else None,
        since=_day(given.get("since", "")),
        until=_day(given.get("until", "")),
        states=tuple(given.getlist("state")),
        text=given.get("q", "").strip(),
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def choices(given: QueryDict) -> dict[str, str]:
    """Field → "loser", of the side-by-side page."""
    return {
        name.removeprefix("take:"): "loser" for name, side in given.dict().items() if name.startswith("take:") and side == "loser"
    }


def told(given: QueryDict, row: Merge) -> list[Told]:
    """Whose each row is that came since; "auto" leaves it to the evidence."""
    sides = {"winner": row.winner_id, "loser": row.loser_id}
    marked = [
        (name.removeprefix("to:"), sides[str(side)])
        for name, side in given.dict().items()
        if name.startswith("to:") and side in sides
    ]
    return [each for key, member in marked if (each := Told.parse(key, member))]


def answers(given: QueryDict) -> dict[str, Any]:
    """Question → option."""
    return {name.removeprefix("answer:"): value for name, value in given.dict().items() if name.startswith("answer:")}
