"""The one judge of values: what a file, a form or a program says → what is kept, or a code.

    read = reader(field)      # once per field and file
    read("1.2万")             # 12000; raises Bad("not_a_number")

Kept are a string, a number of at most 15 digits (so that every reader of JSON sees the same one), an
ISO day, the value of a choice, a list of them in the order of the choices, or true and false.
`text` writes a value so that `reader` reads the same one back.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from members.models import AttributeField
from scrm.lib.formats import decimal

Value = str | int | float | bool | list[str] | None
Reader = Callable[[str], Value]
Kind = AttributeField.Kind

MOST_TEXT = 500
DIGITS = 15
YES = frozenset({"是", "有", "对", "真", "true", "t", "yes", "y", "1", "√", "✓", "on"})
NO = frozenset({"否", "无", "没有", "不是", "假", "false", "f", "no", "n", "0", "×", "✗", "off"})
SEPARATORS = re.compile(r"[,，;；、|\n]+")
NUMBER = re.compile(r"^([+-]?)(\d+(?:\.\d*)?|\.\d+)(?:e([+-]?\d{1,2}))?([万亿]?)$")
LARGE = {"": 0, "万": 4, "亿": 8}
DAY = re.compile(r"^(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?|(\d{2})(\d{2}))(?:[ T]+\d{1,2}:\d{2}.*)?$")


class Bad(ValueError):
    """A value that is none of this field; the code is one of `members.importing.codes.ROW`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def folded(text: str) -> str:
    """As people mean it: full-width forms, case and outer spaces do not count."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def parse(field: AttributeField, text: str) -> Value:
    """What a text says; None for an empty one. Raises Bad."""
    return reader(field)(text)


def reader(field: AttributeField) -> Reader:
    """A function that reads texts as this field's values; make it once for many."""
    read = _READERS[Kind(field.kind)](field)

    def some(text: str) -> Value:
        bare = text.replace("\x00", "").strip()
        return read(bare) if bare else None

    return some


def accept(field: AttributeField, given: Any) -> Value:
    """What a program sent as JSON; texts are read as those of a file are. Raises Bad."""
    if given is None or isinstance(given, str):
        return parse(field, given or "")
    if field.kind == Kind.MULTI and isinstance(given, list) and all(isinstance(each, str) for each in given):
        return _several(field)(given) if given else None
    if field.kind == Kind.BOOLEAN and isinstance(given, bool):
        return given
    if field.kind == Kind.NUMBER and isinstance(given, int | float) and not isinstance(given, bool):
        return parse(field, repr(given))
    raise Bad(_MISFIT[Kind(field.kind)])


def text(field: AttributeField, value: Any) -> str:
    """A value as text that `reader` reads back: for forms and files."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, float):
        return format(Decimal(repr(value)), "f")
    return str(value)


def shown(field: AttributeField, value: Any, language: str | None = None) -> str:
    """A value as people read it: labels of choices, units, yes and no."""
    if value is None or value == "" or value == []:
        return ""
    if isinstance(value, bool):
        return _("是") if value else _("否")
    if isinstance(value, list):
        zh = (language or get_language() or "zh").startswith("zh")
        return ("、" if zh else ", ").join(field.choice_label(each, language) for each in value)
    if field.kind == Kind.CHOICE:
        return field.choice_label(value, language)
    if isinstance(value, int | float):
        return f"{decimal(value, 6)} {field.unit}".rstrip()
    return str(value)


def fits(field: AttributeField, value: Any) -> bool:
    """Whether a value is kept as this field keeps it."""
    try:
        return bool(value is None or (accept(field, value) == value and type(accept(field, value)) is type(value)))
    except Bad:
        return False


# -- Readers -------------------------------------------------------------------------------------
def _read_text(field: AttributeField) -> Reader:
    def read(bare: str) -> Value:
        if len(bare) > MOST_TEXT:
            raise Bad("too_long")
        return bare

    return read


def _read_number(field: AttributeField) -> Reader:
    unit = folded(field.unit)

    def read(bare: str) -> Value:
        plain = re.sub(r"[,\s¥$]|rmb|cny", "", folded(bare))
        found = NUMBER.match(plain.removesuffix(unit) if unit else plain) or NUMBER.match(plain.removesuffix("元"))
        if found is None:
            raise Bad("not_a_number")
        sign, digits, power, large = found.groups()
        return _exact(Decimal(sign + digits).scaleb(int(power or 0) + LARGE[large]))

    return read


def _exact(number: Decimal) -> int | float:
    """A number that survives every way through JSON."""
    try:
        plain = number.quantize(Decimal(1)) if number == number.to_integral_value() else number.normalize()
    except InvalidOperation:
        raise Bad("number_out_of_range") from None
    _sign, digits, exponent = plain.as_tuple()
    if len(digits) > DIGITS or abs(int(exponent)) > DIGITS:
        raise Bad("number_out_of_range")
    return int(plain) if plain == plain.to_integral_value() else float(plain)


def _read_date(field: AttributeField) -> Reader:
    def read(bare: str) -> Value:
        found = DAY.match(unicodedata.normalize("NFKC", bare))
        if found is None:
            raise Bad("bad_date")
        year, month, day, packed_month, packed_day = found.groups()
        try:
            said = date(int(year), int(month or packed_month), int(day or packed_day))
        except ValueError:
            raise Bad("bad_date") from None
        if not 1900 <= said.year <= 2200:
            raise Bad("ancient_date" if said.year < 1900 else "future_date")
        return said.isoformat()

    return read


def _meanings(field: AttributeField) -> dict[str, str]:
    """Whatever may stand for a choice: its value, its labels, what it was called before; the value wins."""
    found: dict[str, str] = {}
    for name in ("was", "label_en", "label", "value"):
        for choice in field.choices:
            said = choice.get(name) or []
            found |= {folded(each): choice["value"] for each in (said if isinstance(said, list) else [said]) if each}
    return found


def _read_choice(field: AttributeField) -> Reader:
    meanings = _meanings(field)

    def read(bare: str) -> Value:
        if (value := meanings.get(folded(bare))) is None:
            raise Bad("unknown_choice")
        return value

    return read


def _several(field: AttributeField) -> Callable[[Iterable[str]], list[str]]:
    read, order = _read_choice(field), {value: place for place, value in enumerate(field.values)}

    def several(parts: Iterable[str]) -> list[str]:
        return sorted({str(read(part)) for part in parts}, key=lambda value: order[value])

    return several


def _read_multi(field: AttributeField) -> Reader:
    several = _several(field)
    return lambda bare: several(part for part in SEPARATORS.split(bare) if part.strip()) or None


def _read_boolean(field: AttributeField) -> Reader:
    def read(bare: str) -> Value:
        said = folded(bare)
        if said not in YES and said not in NO:
            raise Bad("not_yes_or_no")
        return said in YES

    return read


_READERS: dict[Kind, Callable[[AttributeField], Reader]] = {
    Kind.TEXT: _read_text,
    Kind.NUMBER: _read_number,
    Kind.DATE: _read_date,
    Kind.CHOICE: _read_choice,
    Kind.MULTI: _read_multi,
    Kind.BOOLEAN: _read_boolean,
}
_MISFIT = {
    Kind.TEXT: "not_a_text",
    Kind.NUMBER: "not_a_number",
    Kind.DATE: "bad_date",
    Kind.CHOICE: "unknown_choice",
    Kind.MULTI: "unknown_choice",
    Kind.BOOLEAN: "not_yes_or_no",
}
