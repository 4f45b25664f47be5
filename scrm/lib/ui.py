"""The vocabulary of templates: icons, numbers as Chinese and English readers expect them, addresses."""

import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.forms import widgets as w
from django.http import QueryDict
from django.template.context import Context
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop as N_

from scrm.lib import clock

register = template.Library()
NONE = "–"


# -- Icons and modules ---------------------------------------------------------------------------
@cache
def icon_body(name: str, filled: bool = False) -> SafeString:
    """The inside of a Tabler icon; raises FileNotFoundError for a name that does not exist."""
    folder = "filled" if filled else "outline"
    svg = (settings.NPM_DIR / f"@tabler/icons/icons/{folder}/{name}.svg").read_text()
    found = re.search(r"<svg[^>]*>(.*)</svg>", svg, re.DOTALL)
    body = found[1] if found else ""
    body = body.replace('<path stroke="none" d="M0 0h24v24H0z" fill="none" />', "")
    return mark_safe(re.sub(r"\s*\n\s*", "", body))  # noqa: S308 - a package file, not user data


@register.simple_tag
def icon(name: str, size: int = 18, cls: str = "", label: str = "", filled: bool = False) -> SafeString:
    """An inline Tabler icon: decorative unless given a label; nothing without a name."""
    if not name:
        return SafeString("")
    paint = 'fill="currentColor"' if filled else 'fill="none" stroke="currentColor" stroke-width="1.75"'
    access = format_html('role="img" aria-label="{}"', label) if label else mark_safe('aria-hidden="true"')
    return format_html(
        '<svg class="icon {}" width="{}" height="{}" viewBox="0 0 24 24" {} '
        'stroke-linecap="round" stroke-linejoin="round" {}>{}</svg>',
        cls,
        size,
        size,
        mark_safe(paint),  # noqa: S308 - one of two constants
        access,
        icon_body(str(name), filled),
    )


@register.simple_tag(takes_context=True)
def importmap(context: Context) -> SafeString:
    """The import map, with the one nonce that the policy allows."""
    imports = {name: static(path) for name, path in settings.IMPORT_MAP.items()}
    nonce = str(getattr(context.get("request"), "csp_nonce", ""))
    body = json.dumps({"imports": imports})
    return format_html('<script type="importmap" nonce="{}">{}</script>', nonce, mark_safe(body))  # noqa: S308


# -- Numbers -------------------------------------------------------------------------------------
def _zh() -> bool:
    return (get_language() or "zh").startswith("zh")


def _number(value: Any) -> Decimal | None:
    if value is None or value == "":
        return None
    try:
        number = Decimal(str(value))
    except ArithmeticError:
        return None
    return number if number.is_finite() else None


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
    number = _number(value)
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
    number = _number(value)
    return NONE if number is None else f"{number.quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP):,f}"


@register.filter
def decimal(value: Any, digits: int = 2) -> str:
    """Up to `digits` places, without trailing zeros."""
    number = _number(value)
    return NONE if number is None else _trim(number, int(digits))


@register.filter
def percent(value: Any, digits: int = 1) -> str:
    """0.318 → 31.8%."""
    number = _number(value)
    return NONE if number is None else f"{(number * 100).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP):,f}%"


@register.filter
def signed(value: Any, digits: int = 1) -> str:
    """0.034 → +3.4%: a change, with its sign."""
    number = _number(value)
    return NONE if number is None else ("+" if number > 0 else "") + percent(number, digits)


@register.filter
def points(value: Any, digits: int = 1) -> str:
    """0.012 → 1.2 个百分点: the difference of two rates."""
    number = _number(value)
    if number is None:
        return NONE
    text = f"{(number * 100).quantize(Decimal(1).scaleb(-int(digits)), ROUND_HALF_UP):+,f}"
    return _("%(n)s 个百分点") % {"n": text}


@register.filter
def money(minor: Any, digits: int = 2) -> str:
    """Minor units (分) → ¥1,234.50."""
    number = _number(minor)
    if number is None:
        return NONE
    return ("-" if number < 0 else "") + "¥" + full(abs(number) / 100, digits)


@register.filter
def money_compact(minor: Any, digits: int = 1) -> str:
    """Minor units (分) → ¥1.2万."""
    number = _number(minor)
    if number is None:
        return NONE
    return ("-" if number < 0 else "") + "¥" + compact(abs(number) / 100, digits)


@register.filter
def bytes_size(value: Any) -> str:
    """1536 → 1.5 KB."""
    number = _number(value)
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


# -- Persons -------------------------------------------------------------------------------------


TONES = ("blue", "green", "amber", "red", "violet", "slate")


@register.filter
def tone_of(value: Any) -> str:
    """A steady tone for an avatar: the same person always has the same colour."""
    return TONES[sum(str(value).encode()) % len(TONES)]


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
    number = _number(seconds)
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
    hour = timezone.localtime(moment or datetime.now(UTC)).hour
    return _("早上好") if 5 <= hour < 12 else _("下午好") if 12 <= hour < 18 else _("晚上好")


# -- Addresses -----------------------------------------------------------------------------------
def _params(context: Context) -> QueryDict:
    request = context.get("request")
    return request.GET.copy() if request is not None else QueryDict(mutable=True)


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """The current query string with some keys changed; None drops a key. Paging starts over."""
    params = _params(context)
    for cursor in ("after", "before", "page"):
        params.pop(cursor, None)
    for key, value in changes.items():
        params.pop(key, None)
        if value is not None:
            params[key] = str(value)
    return "?" + params.urlencode()


@register.simple_tag(takes_context=True)
def query_without(context: Context, key: str, value: Any = None) -> str:
    """The current query string without one value of a key, or without the key."""
    params = _params(context)
    kept = [each for each in params.getlist(key) if value is not None and each != str(value)]
    params.setlist(key, kept)
    for cursor in ("after", "before", "page"):
        params.pop(cursor, None)
    return "?" + params.urlencode()


@register.simple_tag(takes_context=True)
def query_fields(context: Context, drop: str = "") -> SafeString:
    """Hidden inputs that carry the current query string through a GET form."""
    gone = {*drop.split(), "after", "before", "page"}
    pairs = [(key, value) for key, values in _params(context).lists() if key not in gone for value in values]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


# -- Parts that components work out ---------------------------------------------------------------
@register.simple_tag(takes_context=True)
def chart_slots(context: Context, name: str, query: str = "", id: str = "") -> dict[str, str]:
    """The four addresses of a chart, carrying the page's filters and the chart's own parameters."""
    params = _params(context)
    for key in ("after", "before", "page"):
        params.pop(key, None)
    for key, values in QueryDict(query or "").lists():
        params.setlist(key, values)
    tail = f"?{params.urlencode()}" if params else ""
    forms = {form: maybe_url("chart", name, form) + tail for form in ("json", "html", "csv", "xlsx")}
    return {"id": f"chart-{id or name}", **forms}


@register.simple_tag
def stat_parts(delta: Any, inverse: Any = "", values: Any = None) -> dict[str, Any]:
    """Colour, arrow and sparkline of a figure against the period before."""
    number = _number(delta)
    sign = 0 if not number else (1 if number > 0 else -1) * (-1 if inverse else 1)
    tone = {1: "green", 0: "slate", -1: "red"}[sign]
    arrow = "minus" if not number else "trending-up" if number > 0 else "trending-down"
    return {"known": number is not None, "delta": number, "tone": tone, "icon": arrow, "points": spark(values)}


@register.simple_tag
def filter_options(options: Any, chosen: Any, params: Any, name: str) -> dict[str, Any]:
    """Options as (value, label) or (value, label, count), marked by `chosen` or the query string."""
    picked = {str(value) for value in (chosen or (params.getlist(name) if params else ()))}
    rows = [
        {"value": each[0], "label": each[1], "count": each[2] if len(each) > 2 else None, "chosen": str(each[0]) in picked}
        for each in options
    ]
    return {"options": rows, "count": sum(row["chosen"] for row in rows)}


@register.simple_tag
def date_presets(presets: str, days: Any, since: Any = "", until: Any = "") -> dict[str, Any]:
    """近 7 天 · 近 30 天 …, and whether dates of one's own are set."""
    found = [
        {"days": int(each), "label": _("近 %(n)s 天") % {"n": each.strip()}, "current": str(days) == each.strip()}
        for each in presets.split(",")
    ]
    return {"presets": found, "custom": bool(since and until and not any(each["current"] for each in found))}


@register.simple_tag
def wizard_steps(steps: Any, current: Any) -> list[dict[str, Any]]:
    """Steps as labels or (label, url) pairs; `current` counts from 1."""
    here = int(current)
    pairs = [(step, "") if isinstance(step, str) or not isinstance(step, (tuple, list)) else step for step in steps]
    states = ["past" if n < here else "here" if n == here else "next" for n in range(1, len(pairs) + 1)]
    return [
        {"label": label, "url": url if state == "past" else "", "state": state}
        for (label, url), state in zip(pairs, states, strict=True)
    ]


@register.simple_tag
def progress_parts(done: Any, total: Any, ratio: Any) -> dict[str, Any]:
    """The share done; unknown while the total is unknown."""
    whole, part, share = _number(total), _number(done) or Decimal(0), _number(ratio)
    if share is None and whole:
        share = part / whole
    return {"total": whole, "ratio": None if share is None else float(min(max(share, Decimal(0)), Decimal(1)))}


@register.simple_tag(takes_context=True)
def sort_state(context: Context, key: str) -> dict[str, str]:
    """How a column is sorted now (?sort=key or -key) and what the next click asks for."""
    now = _params(context).get("sort", "")
    direction = {key: "ascending", f"-{key}": "descending"}.get(now, "") if key else ""
    return {"direction": direction, "next": key if direction == "descending" else f"-{key}"}


# -- Forms and data ------------------------------------------------------------------------------
@register.simple_tag
def control(field: BoundField, **attrs: Any) -> SafeString:
    """A bound field's widget in the look of the app; attributes with `_` become `-`."""
    widget = field.field.widget
    given = {key.replace("_", "-"): value for key, value in attrs.items() if value not in ("", None, False)}
    look = _look(widget)
    classes = " ".join(part for part in (look, widget.attrs.get("class", ""), given.pop("class", "")) if part)
    if field.errors:
        classes += " is-invalid"
    return field.as_widget(attrs=given | ({"class": classes.strip()} if classes.strip() else {}))


def _look(widget: w.Widget) -> str:
    if isinstance(widget, (w.CheckboxInput, w.RadioSelect, w.CheckboxSelectMultiple)):
        return "form-check-input"
    if isinstance(widget, w.Select):
        return "form-select"
    return "" if isinstance(widget, w.HiddenInput) else "form-control"


@register.filter
def widget_kind(field: BoundField) -> str:
    """How `<c-field>` lays a field out: check, choices, hidden or input."""
    widget = field.field.widget
    if isinstance(widget, w.HiddenInput):
        return "hidden"
    if isinstance(widget, (w.RadioSelect, w.CheckboxSelectMultiple)):
        return "choices"
    return "check" if isinstance(widget, w.CheckboxInput) else "input"


@register.filter
def pretty_json(value: Any) -> str:
    """JSON with two spaces, Chinese left readable."""
    return json.dumps(value, ensure_ascii=False, indent=2, default=str, sort_keys=False)


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """mapping[key], or nothing."""
    try:
        return mapping[key]
    except (KeyError, IndexError, TypeError):
        return None


@register.simple_tag
def maybe_url(name: str, *args: Any, **kwargs: Any) -> str:
    """`{% url %}` that is empty where the page does not exist."""
    from django.urls import NoReverseMatch, reverse

    try:
        return reverse(name, args=args, kwargs=kwargs)
    except NoReverseMatch:
        return ""


@register.filter
def lines(value: str | None) -> SafeString:
    """Text with its line breaks, as spans that need no <pre>."""
    parts = [conditional_escape(part) for part in str(value or "").splitlines()]
    return SafeString("<br>".join(parts))
