"""One page template, whole or by fragment."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def render_page(request: HttpRequest, template: str, fragment: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """The whole page, or only its `{% partialdef fragment %}` when htmx asks."""
    name = f"{template}#{fragment}" if getattr(request, "htmx", False) else template
    return render(request, name, context, status=status)
