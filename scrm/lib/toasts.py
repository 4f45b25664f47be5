"""Short messages to the person at the page: Django's messages, also after an htmx answer."""

import json
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

TONES = {"debug": "slate", "info": "blue", "success": "green", "warning": "amber", "error": "red"}
UNDO = "undo:"


def toast(request: HttpRequest, text: str | Promise, *, level: int = messages.SUCCESS, undo: str = "") -> None:
    """Say something once; `undo` is an address that takes a POST and reverses the act."""
    messages.add_message(request, level, str(text), extra_tags=f"{UNDO}{undo}" if undo else "")


def as_data(message: Any) -> dict[str, str]:
    """A message as app.js and the toast template read it."""
    extra = message.extra_tags or ""
    undo = extra.removeprefix(UNDO) if extra.startswith(UNDO) else ""
    return {"text": str(message), "tone": TONES.get(message.level_tag, "slate"), "undo": undo}


class ToastMiddleware:
    """Messages left over by an htmx answer travel in HX-Trigger; whole pages print their own."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if not getattr(request, "htmx", False) or response.status_code in (301, 302, 303, 307, 308) or _leaves(response):
            return response
        waiting = [as_data(message) for message in messages.get_messages(request)]
        if waiting:
            events = json.loads(response.headers.get("HX-Trigger", "{}") or "{}") if _is_json(response) else {}
            response["HX-Trigger"] = json.dumps({**events, "toast": {"target": "body", "items": waiting}})
        return response


def _leaves(response: HttpResponse) -> bool:
    return any(name in response.headers for name in ("HX-Redirect", "HX-Refresh", "HX-Location"))


def _is_json(response: HttpResponse) -> bool:
    return response.headers.get("HX-Trigger", "").lstrip().startswith("{")
