"""What the parts of a dimension are called."""

from typing import Any

from django.utils.translation import gettext as _

from members.models import Pool, Store
from scrm.lib import formats
from segmentation import choices, own
from segmentation.portraits.cutting import REST
from segmentation.portraits.dimensions import Dimension
from segmentation.rules import facts_own


def names(pool: Pool, about: Dimension, values: list[Any], language: str) -> list[str]:
    """A name for each value, in the same order."""
    if about.banded:
        return [_band(about, value) for value in values]
    plain = [value for value in values if not isinstance(value, dict)]
    known = _known(pool, about, plain, language)
    return [_rest(value) if isinstance(value, dict) else known.get(value, str(value)) for value in values]


def _rest(value: dict[str, int]) -> str:
    return _("其他（%(n)s 项）") % {"n": value[REST]}


def _known(pool: Pool, about: Dimension, values: list[Any], language: str) -> dict[Any, str]:
    if about.choices:
        return {choice.value: choice.label.said(language) for choice in about.choices}
    if about.source == "stores":
        return dict(Store.objects.filter(pool=pool, code__in=values).values_list("code", "name"))
    if about.source.startswith(facts_own.SOURCE):
        return own.choice_names(pool, about.source.removeprefix(facts_own.SOURCE), values, language)
    if about.source in choices.NAMES:
        return {value: str(name) for value, name in choices.NAMES[about.source](pool, values, language).items()}
    return {}


def _band(about: Dimension, ends: list[Any]) -> str:
    """From the first to before the second; whole numbers name the last that is in it."""
    low, high = ends
    whole = about.scale == 1 and not about.money
    if whole and low is not None and high is not None:
        return formats.full(low) if high == low + 1 else f"{formats.full(low)}–{formats.full(high - 1)}"
    if low is None and high is None:
        return _("有")
    if low is None:
        return f"< {_number(about, high)}"
    return f"≥ {_number(about, low)}" if high is None else f"{_number(about, low)}–{_number(about, high)}"


def _number(about: Dimension, value: int) -> str:
    if about.money:
        return formats.money(value, 0 if value % 100 == 0 else 2)
    return formats.full(value) if about.scale == 1 else formats.decimal(value / about.scale)
