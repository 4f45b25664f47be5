"""Where a request came from, as far as it can be believed."""

import ipaddress
from typing import Any

from django.conf import settings


def address(request: Any) -> str | None:
    """The caller's address. `X-Forwarded-For` counts only as far as PROXIES of our own have written it."""
    meta = getattr(request, "META", {})
    hops = [part.strip() for part in meta.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    trusted = settings.PROXIES
    found = hops[-trusted] if trusted and len(hops) >= trusted else meta.get("REMOTE_ADDR")
    try:
        return str(ipaddress.ip_address(found)) if found else None
    except ValueError:
        return None
