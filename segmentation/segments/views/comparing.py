"""Several segments side by side: matrix, Venn diagram or bars, and a new segment made of them."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from scrm.lib import clock
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.permissions import may
from segmentation.models import Segment
from segmentation.segments import algebra, petals, venn
from segmentation.segments.forms import CombineForm, first_error
from segmentation.segments.overlap import MOST, Region, Together

PICTURED = 3  # so many sets have circles whose areas tell, and every field is named; of more only those with members


def _chosen(request: HttpRequest, data: QueryDict) -> list[Segment]:
    """The segments of an address, in its order, each once."""
    numbers = list(dict.fromkeys(int(text) for text in data.getlist("s") if text.isdecimal() and len(text) < 18))[:MOST]
    known = Segment.objects.filter(pool=request.pool).select_related("pool").in_bulk(numbers)
    return [known[number] for number in numbers if number in known]


@allow("segments.view")
@require_GET
def compare(request: HttpRequest) -> HttpResponse:
    """`?s=1&s=2`: what up to five segments share."""
    chosen = _chosen(request, request.GET)
    together = Together.of(request.pool, chosen, clock.now()) if len(chosen) > 1 else None
    shown = _regions(together) if together else []
    context = {
        "chosen": chosen,
        "slots": [chosen[n] if n < len(chosen) else None for n in range(MOST)],
        "options": Segment.objects.filter(pool=request.pool, is_archived=False).only("name", "size").order_by("name"),
        "together": together,
        "regions": shown,
        "empty": len(together.regions) - len(shown) if together else 0,
        "picture": _picture(together) if together else None,
        "form": CombineForm(initial={"kind": Segment.Kind.LIVE}),
        "may_edit": may(request.role, "segments.edit"),
    }
    return render_page(request, "segments/compare.html", "together", context)


def _regions(together: Together) -> list[dict[str, Any]]:
    """Each field with a dot per segment, its part of the largest, and where it leads."""
    most = max((region.size for region in together.regions), default=0)
    found = [region for region in together.regions if region.size or len(together.segments) <= PICTURED]
    return [
        {
            "region": region,
            "dots": [segment in region.inside for segment in together.segments],
            "part": region.size / most if most else 0.0,
            "url": f"{reverse('members:list')}?segment_region={region.key}",
            "name": _name(region),
            "new": urlencode({"name": _name(region)[:80], "rule": json.dumps(_rule(region))}),
        }
        for region in found
    ]


def _rule(region: Region) -> dict[str, Any]:
    return algebra.region_rule([segment.pk for segment in region.inside], [segment.pk for segment in region.outside])


def _name(region: Region) -> str:
    if len(region.inside) == 1:
        return _("只在 %(name)s") % {"name": region.inside[0].name}
    return " ∩ ".join(segment.name for segment in region.inside)


def _picture(together: Together) -> dict[str, Any] | None:
    """Circles as large as the sets, of four and five ellipses; with the number of every field that is drawn."""
    shapes = venn.circles(together.sets) or petals.ellipses(len(together.sets))
    if not shapes:
        return None
    sizes = {tuple(together.segments.index(segment) for segment in region.inside): region.size for region in together.regions}
    areas = len(together.sets) <= PICTURED
    marks = [(mark, sizes[mark.inside]) for mark in (venn.marks(shapes) if areas else petals.marks(len(shapes)))]
    drawn = {mark.inside for mark, _size in marks}
    names = zip(shapes, together.segments, together.sets, strict=True)
    return {
        "box": f"0 0 {venn.WIDTH:.0f} {venn.HEIGHT if areas else petals.HEIGHT:.0f}",
        "shapes": [
            {"shape": shape, "segment": segment, "size": len(ids), "n": n} for n, (shape, segment, ids) in enumerate(names)
        ],
        "areas": areas,
        "marks": [(mark, size) for mark, size in marks if size],
        "hidden": sum(size for inside, size in sizes.items() if size and inside not in drawn),
    }


@allow("segments.edit")
@require_POST
def combine(request: HttpRequest) -> HttpResponse:
    """A new segment made of those compared."""
    chosen, form = _chosen(request, request.POST), CombineForm(request.POST)
    back = f"{reverse('segments:compare')}?{'&'.join(f's={segment.pk}' for segment in chosen)}"
    if not form.is_valid():
        toast(request, first_error(form), level=messages.ERROR)
        return redirect(back)
    try:
        made = algebra.combine(pool=request.pool, segments=chosen, actor=request.user, as_of=clock.now(), **form.cleaned_data)
    except Problem as problem:
        toast(request, problem.message, level=messages.ERROR)
        return redirect(back)
    toast(request, _("新分群已保存"))
    return redirect("segments:detail", made.pk)
