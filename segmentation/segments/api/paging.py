"""Pages of member ids, by the last id of the page before."""

from typing import Any

from pyroaring import BitMap
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from segmentation.segments import queries

LIMIT, MOST = 1000, 10_000


def whole(request: Request, name: str, default: int) -> int:
    """A whole number of the address."""
    text = request.query_params.get(name, "")
    if not text:
        return default
    try:
        return int(text)
    except ValueError:
        raise ValidationError({name: ["A whole number is expected."]}) from None


def paged(request: Request, found: BitMap) -> dict[str, Any]:
    """`{"ids", "next"}`: the ids above `?after=`, at most `?limit=` of them."""
    after, limit = whole(request, "after", -1), max(1, min(whole(request, "limit", LIMIT), MOST))
    ids = queries.page(found, after, limit)
    return {"ids": ids, "next": ids[-1] if len(ids) == limit else None}
