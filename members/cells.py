"""What stands in the cells of the member list: text, or a small piece of HTML.

Plain functions: a page has hundreds of cells, and a template for each of them costs more than all the rest of the page.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache, partial
from typing import Any

from django.db.models import Choices
from django.template.loader import render_to_string
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from members.models import Member, MemberState
from members.models.state import RfmGroup
from scrm.lib.formats import NONE, ago, decimal, exact, full, money, percent

Cell = str | SafeString


@lru_cache(maxsize=1024)
def _word(choices: type[Choices], value: Any, _language: str | None) -> str:
    return str(choices(value).label)


def word(choices: type[Choices], value: Any) -> str:
    """What a choice is called in the reader's language; a field's own look-up costs thirty times as much."""
    return _word(choices, value, get_language())


def state_of(member: Member) -> MemberState | None:
    """What was computed about a member; None before the first time."""
    return getattr(member, "state", None)


def stage(member: Member) -> Cell:
    """The pill of the lifecycle stage."""
    state = state_of(member)
    return _stage_pill(state.stage if state else None, get_language())


@lru_cache(maxsize=64)
def _stage_pill(value: int | None, _language: str | None) -> SafeString:
    state = None if value is None else MemberState(stage=value)
    return SafeString(render_to_string("members/stage.html", {"state": state}).strip())


def rfm(member: Member) -> Cell:
    """The RFM group in words."""
    state = state_of(member)
    return NONE if state is None or state.rfm_group is None else word(RfmGroup, state.rfm_group)


def place(member: Member) -> Cell:
    """Province and city, as far as they are known."""
    return f"{member.province} {member.city}".strip() or NONE


def chips(values: Sequence[Any], most: int) -> Cell:
    """The first of several values, and how many more there are."""
    if not values:
        return NONE
    chips = format_html_join("", '<span class="tag-chip">{}</span>', ((each,) for each in values[:most]))
    return chips if len(values) <= most else chips + format_html('<span class="tag-more">+{}</span>', len(values) - most)


# How a value of a kind is written; a kind that is not here is text.
KINDS: Mapping[str, Callable[[Any], Cell]] = {
    "number": full,
    "decimal": decimal,
    "money": lambda value: money(value, 0),
    "percent": percent,
    "day": lambda value: exact(value, "day"),
    "instant": exact,
    "ago": ago,
    "pills": partial(chips, most=3),
    "tags": partial(chips, most=2),
}


def shown(value: Any, kind: str) -> Cell:
    """A value as a cell shows it."""
    return NONE if value is None or value == "" else KINDS.get(kind, str)(value)
