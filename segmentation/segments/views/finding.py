"""What every page of a segment begins with."""

from typing import Any

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from pyroaring import BitMap

from members.models import Member
from scrm.lib.ui import maybe_url
from scrm.staff.permissions import may
from segmentation.models import Segment
from segmentation.segments import queries

PAGE = 50  # members


def one(request: HttpRequest, pk: int) -> Segment:
    """The segment of this pool, or 404."""
    return get_object_or_404(Segment.objects.select_related("pool", "actor"), pool=request.pool, pk=pk)


def number_in(request: HttpRequest, name: str) -> int | None:
    """A whole number of the address; None when it is none."""
    text = request.GET.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 18 else None


def people(request: HttpRequest, ids: BitMap) -> dict[str, Any]:
    """One page of members by their ids; `?after=` is the last of the page before."""
    after = number_in(request, "after")
    page = queries.page(ids, after if after is not None else -1, PAGE)
    known = Member.objects.filter(pool=request.pool).select_related("state", "channel").in_bulk(page)
    more = bool(page) and ids.rank(page[-1]) < len(ids)
    return {"people": [known[number] for number in page if number in known], "next": page[-1] if more else None, "after": after}


def head(request: HttpRequest, segment: Segment, tab: str) -> dict[str, Any]:
    """What the head of every page of a segment shows: its tabs and what may be done."""
    campaigns = maybe_url("campaigns:new") if may(request.role, "campaigns.edit") else ""
    return {
        "segment": segment,
        "tab": tab,
        "may_edit": may(request.role, "segments.edit"),
        "may_export": may(request.role, "members.export"),
        "may_hooks": may(request.role, "connectors.view"),
        "campaign_url": f"{campaigns}?segment={segment.pk}" if campaigns else "",
    }
