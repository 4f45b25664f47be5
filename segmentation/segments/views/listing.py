"""The list of segments."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation.evaluate import Evaluation
from segmentation.models import Segment
from segmentation.preview import fact_groups
from segmentation.segments import queries, usage

PAGE = 50


@allow("segments.view")
@require_GET
def segment_list(request: HttpRequest) -> HttpResponse:
    """All segments of the pool with their sentence, size and history."""
    asked = {name: request.GET.get(name, "") for name in ("q", "kind", "status", "fact")}
    archived = request.GET.get("archived") == "1"
    page = Paginator(queries.segments(request.pool, archived=archived, **asked), PAGE).get_page(
        request.GET.get("after") or request.GET.get("before")
    )
    total = len(Evaluation(request.pool, clock.now()).universe)
    found = list(page.object_list)
    context = {
        "cards": queries.cards(request.pool, found, total),
        "page": page,
        "next": page.next_page_number() if page.has_next() else None,
        "previous": page.previous_page_number() if page.has_previous() else None,
        "total": total,
        "archived": archived,
        "asked": asked,
        "narrowed": any(asked.values()),
        "kinds": Segment.Kind.choices,
        "statuses": [
            (Segment.Status.READY, _("就绪")),
            (Segment.Status.BUILDING, _("计算中")),
            (Segment.Status.FAILED, _("失败")),
        ],
        "facts": _facts(request, asked["fact"]),
        "building": any(segment.status == Segment.Status.BUILDING for segment in found),
        "may_edit": may(request.role, "segments.edit"),
    }
    return render_page(request, "segments/list.html", "rows", context)


def _facts(request: HttpRequest, chosen: str) -> list[tuple[str, str]]:
    """The conditions that segments use, with how many use each."""
    used = usage.facts_used(request.pool.pk)
    labels = {key: label for _group, items in fact_groups(request.pool) for key, label in items}
    named = [(key, f"{labels[key]} ({n})") for key, n in used.items() if key in labels]
    return named if not chosen or chosen in used else [*named, (chosen, chosen)]
