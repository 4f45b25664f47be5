"""A readable page of the API, made from the same schema that programs get."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from drf_spectacular.generators import SchemaGenerator


def _operations(schema: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for address, methods in schema["paths"].items():
        for method, operation in methods.items():
            tag = (operation.get("tags") or ["api"])[0]
            groups.setdefault(tag, []).append({"method": method.upper(), "address": address, **operation})
    return groups


def api_docs(request: HttpRequest) -> HttpResponse:
    """Every endpoint with its parameters and answers; no script, no address off the machine."""
    schema = SchemaGenerator().get_schema(request=None, public=True)
    return render(request, "api_docs.html", {"groups": _operations(schema), "info": schema["info"]})
