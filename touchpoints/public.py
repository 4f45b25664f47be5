"""Addresses without login: opened mails, followed links, people who leave, providers that report."""

import base64
from functools import lru_cache

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from members.models import Member
from scrm.lib import clock
from scrm.lib.machines import is_machine
from touchpoints import library, links, receipts
from touchpoints.models import Call, Connector, Content, Delivery

PIXEL = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
LARGEST = 256 * 1024


@never_cache
@require_http_methods(["GET", "HEAD"])
def open_pixel(request: HttpRequest, token: str) -> HttpResponse:
    """One transparent point; a forged token gets it too and counts for nothing."""
    ticket = links.read(links.OPEN, token)
    if ticket and not is_machine(request) and (found := _delivery(ticket)):
        receipts.opened(ticket._replace(member_id=found.member_id), clock.now())
    return HttpResponse(PIXEL, content_type="image/gif")


@never_cache
@require_http_methods(["GET", "HEAD"])
def follow(request: HttpRequest, token: str) -> HttpResponse:
    """On to where the content says: the address is never part of the request."""
    ticket = links.read(links.CLICK, token)
    delivery = _delivery(ticket) if ticket else None
    target = _target(delivery, ticket.link) if delivery and ticket else ""
    if not target or not ticket or not delivery:
        raise Http404("no such link")
    if not is_machine(request):
        receipts.clicked(ticket._replace(member_id=delivery.member_id), clock.now())
    return HttpResponseRedirect(target)


def _delivery(ticket: links.Ticket) -> Delivery | None:
    """The delivery of a ticket, also when its member has been merged into another since."""
    rows = Delivery.objects.filter(step_id=ticket.step_id).select_related("step__connector", "step__pool")
    found = rows.filter(sent_as=ticket.member_id).first() or rows.filter(member_id=ticket.member_id).first()
    if found is None:
        heir = Member.objects.filter(pk=ticket.member_id).values_list("merged_into", flat=True).first()
        found = rows.filter(member_id=heir).first() if heir else None
    return found


def _target(delivery: Delivery, index: int) -> str:
    targets = _targets(delivery.content_id) if delivery.content_id else ()
    return targets[index] if index < len(targets) else ""


@lru_cache(maxsize=512)
def _targets(content_id: int) -> tuple[str, ...]:
    # A content that deliveries use is never changed, so this may be kept.
    return tuple(library.compiled(Content.objects.select_related("pool").get(pk=content_id)).targets)


@csrf_exempt  # mail programs post here by themselves (RFC 8058); the token is the authority
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST unsubscribes: scanners follow links, but they do not post."""
    ticket = links.read(links.LEAVE, token)
    delivery = _delivery(ticket) if ticket else None
    if not ticket or not delivery:
        raise Http404("no such link")
    if request.method == "POST":
        receipts.unsubscribed(ticket._replace(member_id=delivery.member_id), clock.now())
    context = {"sender": delivery.step.pool.name, "done": request.method == "POST", "pool": None}
    return render(request, "reach/unsubscribe.html", context)


# -- Requests of programs ------------------------------------------------------------------------
@csrf_exempt
@require_POST
def take_receipts(request: HttpRequest, pk: int) -> HttpResponse:
    """A provider reports: verified, kept raw, answered at once; the ticker reads it."""
    connector = get_object_or_404(Connector, pk=pk)
    body = _body(request)
    if body is None:
        return HttpResponse("too large", status=413)
    call = receipts.take_call(connector=connector, kind=Call.Kind.RECEIPTS, headers=_headers(request), body=body, at=clock.now())
    return HttpResponse("signature does not fit", status=401) if call is None else HttpResponse(status=202)


@csrf_exempt
@require_POST
def catch(request: HttpRequest, token: str) -> HttpResponse:
    """The receiver of this installation's own demo webhooks: keeps what came, as the inbox keeps mails."""
    ticket = links.read(links.CATCH, token)
    connector = get_object_or_404(Connector, pk=ticket.step_id if ticket else 0)
    body = _body(request)
    if not receipts.may_catch(connector) or body is None:
        raise Http404("not a demo")
    receipts.take_call(connector=connector, kind=Call.Kind.CAUGHT, headers=_headers(request), body=body, at=clock.now())
    return HttpResponse("kept", status=200)


def _body(request: HttpRequest) -> bytes | None:
    if int(request.headers.get("Content-Length") or 0) > LARGEST:
        return None
    body = request.read(LARGEST + 1)
    return body if len(body) <= LARGEST else None


def _headers(request: HttpRequest) -> dict[str, str]:
    return {name.lower(): value[:500] for name, value in request.headers.items()}
