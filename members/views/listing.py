"""The member list: its rows, counts, filter panel and columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST

from members import cells, columns, facets, listing, queries, saved, search
from members.bulk.acts import open_to
from members.filters import GROUPS, Chip, Facet
from members.models import ExportRequest, ListSettings, Member, SavedView
from scrm.lib.htmx import render_page
from scrm.staff.access import allow

EVERYBODY = "all"  # ?view=all: the first tab, also for whom another one opens first


@require_GET
@allow("members.view")
def member_list(request: HttpRequest) -> HttpResponse:
    taste = saved.settings_of(request.pool, request.user)
    tabs = saved.tabs(request.pool, request.user, taste)
    if elsewhere := _elsewhere(request, taste, tabs):
        return HttpResponseRedirect(elsewhere)
    view = next((tab for tab in tabs if str(tab.pk) == request.GET.get("view")), None)
    asked = listing.ask(request.GET, request.pool)
    page = listing.page(asked, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    layout = saved.layout_of(taste, view, request.GET)
    known = columns.known(request.pool, request.role)
    shown = columns.chosen(known, layout.columns)
    query = saved.cleaned(request.GET.urlencode())
    context = {
        "page": page,
        "columns": shown,
        "rows": _rows(request, page.rows, shown),
        "chips": [_chip(request, chip) for chip in asked.chips],
        "wrong": asked.wrong,
        "about": asked.about,
        "narrowed": asked.narrowed,
        "layout": layout,
        "query_string": query,
        "asked_for": saved.asked(query),
        "carried": _carried(request.GET, {"q", *facets.QUICK}),
        "quick": facets.QUICK,
        "acts": open_to(request.role),
        "purposes": ExportRequest.Purpose.choices,
        "tabs": tabs,
        "view": view,
        "default_view": taste.default_view_id,
        "is_changed": bool(view and not saved.same(query, view.query)),
        "is_partial": getattr(request, "htmx", False),
    }
    if not getattr(request, "htmx", False):
        context |= _frame(request, known, shown)
    response = render_page(request, "members/list.html", "results", context)
    if getattr(request, "htmx", False) and any(not value for value in request.GET.values()):
        response["HX-Push-Url"] = _address(saved.tidied(request.GET.urlencode()))
    return response


def _address(query: str) -> str:
    return reverse("members:list") + (f"?{query}" if query else "")


def _elsewhere(request: HttpRequest, taste: ListSettings, tabs: Sequence[SavedView]) -> str:
    """An address with blank parts is tidied; one without anything opens the tab somebody likes first."""
    if getattr(request, "htmx", False):
        return ""
    if not request.GET:
        first = next((tab for tab in tabs if tab.pk == taste.default_view_id), None)
        return _address(saved.address_of(first)) if first else ""
    if all(all(values) for _key, values in request.GET.lists()):
        return ""
    return _address(saved.tidied(request.GET.urlencode()) or f"view={EVERYBODY}")


@dataclass(frozen=True)
class Row:
    """One member as the list shows it."""

    member: Member
    contact: str
    drawn: Sequence[tuple[bool, cells.Cell]] = ()  # whether it is a number, and what stands there

    @property
    def pk(self) -> str:
        return str(self.member.pk)


def _rows(request: HttpRequest, members: Sequence[Member], shown: Sequence[columns.Column]) -> list[Row]:
    contacts = queries.contacts(members)
    by_column = [[(column.numeric, cell) for cell in column.cells(request.pool, members)] for column in shown]
    across = zip(*by_column, strict=True) if by_column else repeat(())
    return [Row(member, contacts.get(member.pk, ""), each) for member, each in zip(members, across, strict=bool(by_column))]


def _chip(request: HttpRequest, chip: Chip) -> dict[str, Any]:
    """A chip, and where its condition can be changed."""
    key, value, label = chip
    facet = key.removesuffix("_min").removesuffix("_max")
    return {"key": key, "value": value, "label": label, "facet": facet, "quick": key in facets.QUICK, "fixed": key == "q"}


def _carried(params: QueryDict, shown: set[str]) -> list[tuple[str, str]]:
    """What a filter form has no control for and must not lose."""
    gone = shown | set(saved.PASSING)
    return [(key, value) for key, values in params.lists() if key not in gone for value in values if value]


def _frame(request: HttpRequest, known: dict[str, columns.Column], shown: Sequence[columns.Column]) -> dict[str, Any]:
    """What only the whole page needs: the choices at hand, the columns to choose from."""
    keys = [column.key for column in shown]
    own = {facet.key: facet for facet in facets.FACETS}
    quick = [own[key] for key in facets.QUICK]
    return {
        "menus": [(facet, facet.options(request.pool)) for facet in quick],  # type: ignore[attr-defined]
        "all_columns": [*shown, *(column for column in known.values() if column.key not in keys)],
        "shown_keys": keys,
    }


@require_GET
@allow("members.view")
def count(request: HttpRequest) -> HttpResponse:
    """How many exactly: asked for by the page once it stands."""
    asked = listing.ask(request.GET, request.pool)
    return render(request, "members/count.html", {"count": asked.count(), "may_act": bool(open_to(request.role))})


# -- The filter panel -----------------------------------------------------------------------------
@require_GET
@allow("members.view")
def panel(request: HttpRequest) -> HttpResponse:
    """Everything the list can be narrowed by, as the address has it now; read when the panel is opened."""
    found = facets.panel(request.pool)
    keys = {key for facet in found for key in facet.keys}
    groups: dict[str, list[dict[str, Any]]] = {group: [] for group in GROUPS}
    for facet in found:
        groups[facet.group if facet.group in groups else "other"].append(_control(request, facet))
    context = {
        "groups": [(GROUPS[group], controls) for group, controls in groups.items() if controls],
        "carried": _carried(request.GET, keys),
        "at": request.GET.get("at", ""),
    }
    return render(request, "members/panel.html", context)


def _control(request: HttpRequest, facet: Facet) -> dict[str, Any]:
    given = {key: request.GET.getlist(key) for key in facet.keys}
    options = facet.options(request.pool) if facet.control == "choice" else []  # type: ignore[attr-defined]
    return {
        "facet": facet,
        "options": options,
        "chosen": sum(bool(value) for values in given.values() for value in values),
        "values": [(key, values[0] if values else "") for key, values in given.items()],
        "sift": len(options) > 8,
    }


# -- Columns --------------------------------------------------------------------------------------
@require_POST
@allow("members.view")
def layout(request: HttpRequest) -> HttpResponse:
    """Keep columns and density for this tab."""
    known = columns.known(request.pool, request.role)
    view = saved.visible(request.pool, request.user).filter(pk=_number(request.POST.get("view", ""))).first()
    wanted = tuple(column.key for column in columns.chosen(known, request.POST.getlist("column")))
    saved.choose_layout(
        pool=request.pool, user=request.user, view=view, layout=saved.Layout(wanted, request.POST.get("dense") == "1")
    )
    return back(request)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 19 else 0


def back(request: HttpRequest, query: str | None = None) -> HttpResponseRedirect:
    """To the list as it was."""
    return HttpResponseRedirect(_address(saved.cleaned(request.POST.get("query", "") if query is None else query)))


@require_GET
@allow("members.view")
def find(request: HttpRequest) -> HttpResponse:
    """The first members for a search text, for the command palette and for choosing somebody."""
    condition = search.where(request.pool, request.GET.get("q", ""))
    members: Sequence[Member] = []
    if condition is not None:
        members = list(search.searchable(queries.live(request.pool)).filter(condition).order_by("-joined_at", "-id")[:8])
    template = "members/choose.html" if request.GET.get("for") == "merge" else "members/found.html"
    return render(request, template, {"rows": _rows(request, members, ()), "winner": request.GET.get("winner", "")})
