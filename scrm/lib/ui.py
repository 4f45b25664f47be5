"""The vocabulary of templates: icons, addresses, and the parts that components work out."""

import json
import re
from decimal import Decimal
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.forms import BoundField
from django.forms import widgets as w
from django.http import QueryDict
from django.template.context import Context
from django.templatetags.static import static
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from scrm.lib.formats import as_number, spark

register = template.Library()


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


# -- Persons -------------------------------------------------------------------------------------


TONES = ("blue", "green", "amber", "red", "violet", "slate")


@register.filter
def tone_of(value: Any) -> str:
    """A steady tone for an avatar: the same person always has the same colour."""
    return TONES[sum(str(value).encode()) % len(TONES)]


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
    number = as_number(delta)
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
    whole, part, share = as_number(total), as_number(done) or Decimal(0), as_number(ratio)
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
