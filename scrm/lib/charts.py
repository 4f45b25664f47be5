"""Charts as data: one `Chart` answers as an ECharts option, an HTML table, CSV and XLSX.

A string that begins with "@" in an option names a formatter of chart-view.js ("@compact",
"@percent", "@money") or a colour token of the page ("@stage-active", "@surface"), so charts follow
the theme. A data item may carry `"url": "/…"`: a click on it opens the members behind it.

    @chart("rfm_grid", title=_("RFM 客户分组"), permission="insights.view")
    def rfm_grid(request: HttpRequest) -> Chart: ...

The page writes `<c-chart name="rfm_grid" title="…" />`; the function is given that page's pool and
query string.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from scrm.lib import formats
from scrm.lib.export import Column, columns_of, csv_response, xlsx_response
from scrm.lib.registry import Registry

__all__ = ["CHARTS", "Chart", "Column", "answer", "chart"]

FORMS = ("json", "html", "csv", "xlsx")


@dataclass(frozen=True)
class Chart:
    """What a chart shows: the same rows drawn, tabled and downloaded."""

    title: str
    columns: Sequence[Column | str]
    rows: Sequence[Sequence[Any]]
    option: dict[str, Any]
    note: str = ""  # how the figure is defined
    links: Sequence[str | None] = field(default_factory=tuple)  # per row: the members behind it

    @property
    def heads(self) -> list[Column]:
        return columns_of(self.columns)

    @property
    def empty(self) -> bool:
        return not self.rows

    def cells(self) -> list[tuple[str | None, list[tuple[str, bool]]]]:
        """Rows for the HTML table: a link and the printed cells with whether they are numbers."""
        links = [*self.links, *[None] * (len(self.rows) - len(self.links))]
        heads = self.heads
        return [
            (link, [(shown(value, head), head.numeric) for value, head in zip(row, heads, strict=False)])
            for row, link in zip(self.rows, links, strict=True)
        ]


PRINT: dict[str, Callable[[Any], str]] = {
    "number": formats.full,
    "money": formats.money,
    "percent": formats.percent,
    "days": lambda value: formats.decimal(value, 1),
    "decimal": formats.decimal,
}


def shown(value: Any, column: Column) -> str:
    """A cell as a reader sees it."""
    if value is None:
        return formats.NONE
    return PRINT[column.kind](value) if column.kind in PRINT else str(value)


@dataclass(frozen=True)
class Declared:
    """A chart's name, who may see it, and how it is made."""

    name: str
    build: Callable[[HttpRequest], Chart]
    permission: str
    title: Any = ""


CHARTS: Registry[Declared] = Registry("chart")


def chart(
    name: str, *, permission: str = "insights.view", title: Any = ""
) -> Callable[[Callable[[HttpRequest], Chart]], Callable[[HttpRequest], Chart]]:
    """Declare a chart under its name."""

    def keep(build: Callable[[HttpRequest], Chart]) -> Callable[[HttpRequest], Chart]:
        CHARTS.register(name)(Declared(name, build, permission, title))
        return build

    return keep


def answer(request: HttpRequest, made: Chart, form: str) -> HttpResponseBase:
    """A chart as json, html, csv or xlsx."""
    if form == "csv":
        return csv_response(made.title, made.columns, made.rows)
    if form == "xlsx":
        return xlsx_response(made.title, made.columns, made.rows)
    if form == "html":
        return _private(render(request, "chart_table.html", {"chart": made}))
    return _private(JsonResponse({"title": str(made.title), "option": made.option, "empty": made.empty}))


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    return response
