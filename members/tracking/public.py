"""Addresses that pages of others talk to: the script, what it sends, and who a visitor is."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import condition, require_GET, require_http_methods
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from members.models import Site
from members.tracking import budget, collecting, services, stitching
from members.tracking.collecting import Id, Kind
from scrm.lib import clock
from scrm.lib.machines import is_machine
from scrm.lib.problems import Problem

SCRIPT = Path(settings.BASE_DIR) / "static" / "tracking" / "track.js"
LARGEST = 64 * 1024
View = Callable[[HttpRequest, Site, bytes], HttpResponse]


class Proof(BaseModel):
    """Who a visitor is, signed by the site's own server."""

    model_config = ConfigDict(extra="forbid")
    visitor: Id
    kind: Kind
    value: Annotated[str, StringConstraints(min_length=1, max_length=120)]
    at: int
    signature: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


def _etag(_request: HttpRequest) -> str:
    about = SCRIPT.stat()
    return f'"{about.st_mtime_ns:x}-{about.st_size:x}"'


@require_GET
@condition(etag_func=_etag)
def script(request: HttpRequest) -> HttpResponse:
    """The same address for every site and version; browsers ask again after an hour."""
    response = HttpResponse(SCRIPT.read_bytes(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "public, max-age=3600"
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    response["Access-Control-Allow-Origin"] = "*"
    return response


def from_site(view: View) -> Callable[[HttpRequest, str], HttpResponse]:
    """Only pages of the site itself: known key, its own origin, no machine, a bounded body, a bounded rate."""

    @csrf_exempt  # sent by pages of another origin, without cookies; the origin is checked instead
    @require_http_methods(["POST", "OPTIONS"])
    @wraps(view)
    def guarded(request: HttpRequest, key: str) -> HttpResponse:
        site = get_object_or_404(Site.objects.select_related("pool", "channel"), key=key, is_active=True)
        origin = request.headers.get("Origin", "")
        if origin not in site.origins:
            return _answer({"code": "origin", "detail": f"{origin or 'no origin'} is not an address of this site"}, 403)
        return _opened(_guarded(request, site, view), origin)

    return guarded


def _guarded(request: HttpRequest, site: Site, view: View) -> HttpResponse:
    if request.method == "OPTIONS":
        return HttpResponse(status=204)
    if is_machine(request):
        return HttpResponse(status=204)
    if not budget.spend(request.META.get("REMOTE_ADDR", "")):
        return _answer({"code": "too_many", "detail": "too many requests from this address; try again in a minute"}, 429)
    body = request.read(LARGEST + 1)
    if len(body) > LARGEST:
        return _answer({"code": "too_large", "detail": f"at most {LARGEST} bytes at a time"}, 413)
    try:
        return view(request, site, body)
    except Problem as problem:
        return _answer({"code": problem.code, "detail": str(problem.message)}, 400)


def _opened(response: HttpResponse, origin: str) -> HttpResponse:
    response["Access-Control-Allow-Origin"] = origin
    response["Access-Control-Allow-Headers"] = "Content-Type"
    response["Access-Control-Max-Age"] = "86400"
    response["Vary"] = "Origin"
    return response


def _answer(data: dict[str, object], status: int) -> JsonResponse:
    return JsonResponse(data, status=status)


@from_site
def collect(request: HttpRequest, site: Site, body: bytes) -> HttpResponse:
    """Events of one visitor; the same delivery again adds nothing."""
    visit = collecting.read(body)
    return _answer({"added": collecting.collect(site=site, visit=visit, as_of=clock.now())}, 202)


@from_site
def identify(request: HttpRequest, site: Site, body: bytes) -> HttpResponse:
    """The visitor has signed in: who it is, proved by the site's server. A page alone can prove nothing."""
    try:
        proof = Proof.model_validate_json(body).model_dump()
    except ValidationError as error:
        raise Problem("identify.malformed", str(error.errors(include_url=False, include_input=False)[0]["msg"])) from error
    now = clock.now()
    if not services.is_proof(site, proof, now):
        return _answer({"code": "signature", "detail": "the signature does not fit, or is older than an hour"}, 403)
    stitching.identify(
        pool=site.pool, visitor=proof["visitor"], kind=proof["kind"], value=proof["value"], actor=None, as_of=now,
        channel=site.channel,
    )  # fmt: skip
    return HttpResponse(status=204)
