"""Values as Chinese and English readers expect them: numbers, money, moments. A library of template filters."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django import template
from django.utils import timezone
from django.utils.functional import lazy
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from scrm.lib import clock

register = template.Library()
NONE = "–"
# Money is kept in hundredths, so only currencies that have them.
CURRENCIES = {
    "CNY": "¥",
    "HKD": "HK$",
    "TWD": "NT$",
    "MOP": "MOP$",
    "SGD": "S$",
    "MYR": "RM",
    "USD": "US$",
    "EUR": "€",
    "GBP": "£",
}
_sign: ContextVar[str] = ContextVar("sign of the currency", default="¥")


def sign_of(code: str) -> str:
    """The sign of a currency; the code itself where there is none."""
    return CURRENCIES.get(code, code)


@contextmanager
def in_currency(code: str) -> Iterator[None]:
    """Amounts are written in this currency meanwhile."""
    token = _sign.set(sign_of(code))
    try:
        yield
    finally:
        _sign.reset(token)


def use_currency(code: str) -> None:
    """Amounts are written in this currency until the surrounding `in_currency` ends."""
    _sign.set(sign_of(code))


@register.simple_tag
def currency_sign() -> str:
    """The sign amounts are written with."""
    return _sign.get()


def _with_sign(text: object) -> str:
    return str(text) % {"sign": _sign.get()}


# A sentence with %(sign)s in it, filled when it is read: labels of forms and columns.
with_sign = lazy(_with_sign, str)


# -- Numbers -------------------------------------------------------------------------------------
def _zh() -> bool:
    return (get_language() or "zh").startswith("zh")


def as_number(value: Any) -> Decimal | None:
    """What can be counted with; None for nothing, for words and for infinities."""
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


@register.filter
def listed(parts: Iterable[object]) -> str:
    """甲、乙 or A, B."""
    return ("、" if _zh() else ", ").join(str(part) for part in parts)


@register.filter
def clauses(parts: Iterable[object]) -> str:
    """甲；乙 or A; B."""
    return ("；" if _zh() else "; ").join(str(part) for part in parts)


@register.filter
def quoted(text: object) -> str:
    """「甲」 or “A”, with the space English wants before it."""
    return f"「{text}」" if _zh() else f" “{text}”"


@register.filter
def bracketed(text: object) -> str:
    """（甲） or (A), with the space English wants before it."""
    return f"（{text}）" if _zh() else f" ({text})"


@register.filter
def labelled(label: object, text: object) -> str:
    """甲：乙 or A: B."""
    return f"{label}：{text}" if _zh() else f"{label}: {text}"


def _trim(value: Decimal, digits: int) -> str:
    text = f"{value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):,f}"
    return text.rstrip("0").rstrip(".") if digits else text


def _steps() -> list[tuple[Decimal, str]]:
    if _zh():
        return [(Decimal(10**8), "亿"), (Decimal(10**4), "万")]
    return [(Decimal(10**9), "B"), (Decimal(10**6), "M"), (Decimal(10**3), "K")]


@register.filter
def compact(value: Any, digits: int = 1) -> str:
    """12345 → 1.2万 (English 12.3K): for tiles and axes; tables print the whole number."""
    number = as_number(value)
    if number is None:
        return NONE
    for step, unit in _steps():
        # 9,999.6 rounds to 10,000, which is written in the larger unit.
        if abs(number.quantize(Decimal(1), ROUND_HALF_UP)) >= step:
            return _trim(number / step, int(digits)) + unit
    return _trim(number, 0 if number == number.to_integral() else int(digits))


@register.filter
def full(value: Any, digits: int = 0) -> str:
    """12345.6 → 12,346."""
    number = as_number(value)
    return NONE if number is None else f"{number.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP):,f}"


@register.filter
def decimal(value: Any, digits: int = 2) -> str:
    """Up to `digits` places, without trailing zeros."""
    number = as_number(value)
    return NONE if number is None else _trim(number, int(digits))


def significant(value: Any, digits: int = 4) -> str:
    """35671.2 → 35,671, 0.042196 → 0.0422: figures whose size nobody knows beforehand, never with an exponent."""
    number = as_number(value)
    return NONE if number is None else _trim(number, max(0, digits - 1 - number.adjusted()))


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """0.318 → 31.8%."""
    number = as_number(value)
    return NONE if number is None else f"{(number * 100).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP):,f}%"


@register.filter
def signed(value: Any, digits: int = 1) -> str:
    """0.034 → +3.4%: a change, with its sign."""
    number = as_number(value)
    return NONE if number is None else ("+" if number > 0 else "") + percent(number, digits)


@register.filter
def points(value: Any, digits: int = 1) -> str:
    """0.012 → 1.2 个百分点: the difference of two rates."""
    number = as_number(value)
    if number is None:
        return NONE
    text = f"{(number * 100).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP):+,f}"
    return _("%(n)s 个百分点") % {"n": text}


@register.filter
def money(minor: Any, digits: int = 2) -> str:
    """Minor units (分) → ¥1,234.50."""
    number = as_number(minor)
    if number is None:
        return NONE
    return ("-" if number < 0 else "") + _sign.get() + full(abs(number) / 100, digits)


@register.filter
def money_compact(minor: Any, digits: int = 1) -> str:
    """Minor units (分) → ¥1.2万."""
    number = as_number(minor)
    if number is None:
        return NONE
    return ("-" if number < 0 else "") + _sign.get() + compact(abs(number) / 100, digits)


@register.filter
def bytes_size(value: Any) -> str:
    """1536 → 1.5 KB."""
    number = as_number(value)
    if number is None:
        return NONE
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024 or unit == "GB":
            return f"{_trim(number, 0 if unit == 'B' else 1)} {unit}"
        number /= 1024
    return NONE


@register.filter
def spark(values: Sequence[float | int | None] | str | None, size: str = "84x28") -> str:
    """Numbers → the points of a polyline inside width×height; text passes unchanged."""
    if isinstance(values, str) or values is None:
        return values or ""
    known = [float(value) for value in values if value is not None]
    if len(known) < 2:
        return ""
    width, height = (float(part) for part in size.split("x"))
    low, span = min(known), (max(known) - min(known)) or 1.0
    step = (width - 4) / (len(known) - 1)
    return " ".join(f"{2 + i * step:.1f},{height - 3 - (value - low) / span * (height - 6):.1f}" for i, value in enumerate(known))


# -- Time ----------------------------------------------------------------------------------------
AGES = (
    (86400 * 365, N_("%(n)s 年前"), N_("%(n)s 年后")),
    (86400 * 30, N_("%(n)s 个月前"), N_("%(n)s 个月后")),
    (86400, N_("%(n)s 天前"), N_("%(n)s 天后")),
    (3600, N_("%(n)s 小时前"), N_("%(n)s 小时后")),
    (60, N_("%(n)s 分钟前"), N_("%(n)s 分钟后")),
)


def _aware(moment: datetime | date) -> datetime:
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time.min, timezone.get_current_timezone())
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


@register.filter
def ago(moment: datetime | date | None) -> str | SafeString:
    """A <time> that reads 3 天前 (or 3 天后) and tells the exact moment on hover."""
    if not moment:
        return NONE
    local = timezone.localtime(_aware(moment))
    seconds = (clock.now() - local).total_seconds()
    past = seconds >= 0
    for size, before, after in AGES:
        if abs(seconds) >= size:
            text = _(before if past else after) % {"n": int(abs(seconds) // size)}
            break
    else:
        text = _("刚刚") if past else _("马上")
    return format_html('<time datetime="{}" title="{}">{}</time>', local.isoformat(), f"{local:%Y-%m-%d %H:%M:%S}", text)


@register.filter
def exact(moment: datetime | date | None, style: str = "minute") -> str | SafeString:
    """A <time> that prints the moment itself: 2026-11-21 14:03 (style: day, minute, second)."""
    if not moment:
        return NONE
    if not isinstance(moment, datetime):
        return format_html('<time datetime="{}">{}</time>', moment.isoformat(), moment.isoformat())
    local = timezone.localtime(_aware(moment))
    shape = {"day": "%Y-%m-%d", "second": "%Y-%m-%d %H:%M:%S"}.get(style, "%Y-%m-%d %H:%M")
    return format_html('<time datetime="{}">{}</time>', local.isoformat(), local.strftime(shape))


@register.filter
def duration(seconds: Any) -> str:
    """200 → 3 分 20 秒."""
    number = as_number(seconds)
    if number is None:
        return NONE
    total = max(0, int(number))
    if total < 60:
        return _("%(n)s 秒") % {"n": total}
    if total < 3600:
        return _("%(m)s 分 %(s)s 秒") % {"m": total // 60, "s": total % 60}
    if total < 86400:
        return _("%(h)s 小时 %(m)s 分") % {"h": total // 3600, "m": total % 3600 // 60}
    return _("%(d)s 天 %(h)s 小时") % {"d": total // 86400, "h": total % 86400 // 3600}


@register.simple_tag
def greeting(moment: datetime | None = None) -> str:
    """早上好, 下午好 or 晚上好 at the pool's clock."""
    hour = timezone.localtime(moment or clock.now()).hour
    return _("早上好") if 5 <= hour < 12 else _("下午好") if 12 <= hour < 18 else _("晚上好")
