"""What every parser shares: how a file is read, what a parsed column is, text without what tools decorate it with.

Spreadsheets and platforms put marks around values so that other tools leave them alone: ="00123", '00123, `00123, a tab
after an order number, invisible direction marks. None of them belongs to the value.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

TEXT = pa.string()
_INVISIBLE = "[\u200b-\u200f\u202a-\u202e\u2060\ufeff]"
# Our own downloads put an apostrophe before what a spreadsheet would run.
_GUARDED = r"^'([=+\-@＝＋－＠])"
_LONG = r"^\d(\.\d+)?[eE]\+?\d{2}$"  # what is left of a long number that a spreadsheet took for a quantity


@dataclass(frozen=True)
class Rules:
    """How this file is to be read."""

    zone: str
    as_of: datetime
    excel: bool = False
    date_order: str = "ymd"  # of dates that do not begin with the year: dmy, mdy; or unix (seconds, milliseconds)
    unit: str = "yuan"  # or "fen"
    decimal: str = "."  # or ",": then the point separates thousands
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # field -> word of the file -> our value
    channels: Mapping[str, int] = field(default_factory=dict)
    staff: Mapping[str, int] = field(default_factory=dict)  # who may be given members, by each of their names
    stores: Mapping[str, str] = field(default_factory=dict)  # code of a store, by code and by name
    spare: frozenset[str] = frozenset()  # of "staff" and "store": who is not known by that name refuses no row
    returns: bool = False  # a total below zero is goods brought back, not a mistake
    people: Any = None  # members.oneid.rules.Reading: values that name nobody, what ids belong to


@dataclass
class Parsed:
    """Typed values (null where empty or bad), the codes of what is bad, the rows to be passed over."""

    values: pa.Array
    bad: list[tuple[Any, str]] = field(default_factory=list)  # boolean mask, code
    passed: Any = None  # boolean mask: the word there means "not this row"
    veiled: Any = None  # boolean mask: an identity hidden by its platform
    hollow: Any = None  # boolean mask: a value that stands for nobody

    def refuse(self, mask: Any, code: str) -> "Parsed":
        """Mark cells and empty their values."""
        mask = pc.fill_null(mask, False)
        if pc.any(mask).as_py():
            self.bad.append((mask, code))
            self.values = pc.if_else(mask, pa.scalar(None, self.values.type), self.values)
        return self


def _has(column: pa.Array, text: str) -> bool:
    return bool(pc.any(pc.match_substring(column, text)).as_py())


def _begins(column: pa.Array, text: str) -> bool:
    return bool(pc.any(pc.starts_with(column, text)).as_py())


def clean(column: pa.Array) -> pa.Array:
    """Trimmed text; empty becomes null. PostgreSQL keeps no NUL, so none gets through."""
    if _has(column, "\x00"):
        column = pc.replace_substring(column, "\x00", "")
    if pc.all(pc.string_is_ascii(column)).as_py() is False:
        column = pc.replace_substring_regex(column, _INVISIBLE, "")
    column = pc.utf8_trim_whitespace(column)
    if _begins(column, "'"):
        column = pc.replace_substring_regex(column, _GUARDED, r"\1")
    if _begins(column, "="):
        column = pc.replace_substring_regex(column, r'^="(.*)"$', r"\1")
    if _begins(column, "`"):
        column = pc.utf8_ltrim(column, "`")
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, TEXT), column)


def folded(column: pa.Array) -> pa.Array:
    """Full-width letters and digits as plain ones."""
    if pc.all(pc.string_is_ascii(column)).as_py() is False:
        return pc.utf8_normalize(column, "NFKC")
    return column


def bare(column: pa.Array) -> pa.Array:
    """A number, code or identity without the apostrophe that keeps it text in a spreadsheet."""
    column = folded(clean(column))
    if _begins(column, "'"):
        column = clean(pc.utf8_ltrim(column, "'"))
    return column


def filled(column: pa.Array) -> Any:
    """Which cells say something."""
    return pc.is_valid(column)


def text(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """Text of at most `limit` characters."""
    return _short(Parsed(clean(column)), limit)


def code(column: pa.Array, rules: Rules, limit: int = 0) -> Parsed:
    """A number that is a name: of an order, a refund, a product."""
    return _short(Parsed(bare(column)).refuse(pc.match_substring_regex(bare(column), _LONG), "lost_digits"), limit)


def _short(parsed: Parsed, limit: int) -> Parsed:
    return parsed.refuse(pc.greater(pc.utf8_length(parsed.values), limit), "too_long") if limit else parsed


def long_number(values: pa.Array) -> Any:
    """Which values are long numbers whose last digits a spreadsheet lost."""
    return pc.match_substring_regex(values, _LONG)
