"""The page of one member: who they are, what they did, what may be changed."""

from collections.abc import Callable
from functools import wraps
from itertools import groupby
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members import consents, facets, panels, people, queries, tagging, timeline
from members.attributes import shown
from members.attributes.forms import ValuesForm
from members.forms import IdentityForm, MemberForm, NewMemberForm
from members.models import Consent, Member, Tag
from members.privacy import erasing, looks
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.permissions import may

MOMENTS = 30
ORDERS = 30


def _member(request: HttpRequest, pk: int) -> Member:
    """A member that is still one; a merged one has no tabs of its own."""
    member = queries.member_of(request.pool, pk)
    if member.merged_into is not None:
        raise Http404("merged or erased")
    return member


def saying(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A refusal of a service becomes a toast; the part of the page is shown as it is."""

    @wraps(view)
    def told(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Problem as problem:
            toast(request, problem.message, level=messages.ERROR)
            return redirect("members:detail", kwargs["pk"]) if not getattr(request, "htmx", False) else HttpResponse(status=204)

    return told


@require_GET
@allow("members.view")
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    member = queries.member_of(request.pool, pk)
    if erasing.is_erased(member):
        return redirect("privacy:erase", pk) if may(request.role, "members.erase") else _erased()
    if member.merged_into:
        toast(request, _("会员 %(id)s 已合并到这一位") % {"id": pk}, level=messages.INFO)
        return redirect("members:detail", member.merged_into)
    state, now = getattr(member, "state", None), clock.now()
    looks.note(pool_id=request.pool.pk, actor=request.user, what=looks.What.PAGE, members=[pk], via=looks.via(request), as_of=now)
    context = {
        "member": member,
        "state": state,
        "scores": queries.scores(state, now),
        "identities": queries.identities_of(member),
        "attributes": shown.of_member(member, request.role),
        "worth": shown.worth_of(member, request.role),
        "tags": tagging.of_member(member),
        "preferences": queries.preferences(member),
        "consents": _marketing(member),
        **_tabs(request, member, request.GET.get("tab", "timeline")),
    }
    return render(request, "members/detail.html", context)


def _erased() -> HttpResponse:
    raise Http404(_("这位会员的个人数据已被抹除"))


def _tabs(request: HttpRequest, member: Member, chosen: str) -> dict[str, Any]:
    """The tabs a role may open: key, label, icon, number, address. Only the timeline comes with the page."""

    def at(name: str, *more: str) -> str:
        return reverse(f"members:{name}", args=[member.pk, *more])

    count = getattr(getattr(member, "state", None), "order_count", 0)
    tabs = [
        ("timeline", _("动态"), "activity", 0, at("timeline")),
        ("orders", _("订单"), "shopping-bag", count, at("orders")),
        *((each.key, each.label, each.icon, 0, at("panel", each.key)) for each in panels.shown(request.role)),
        ("consents", _("授权"), "shield-check", 0, at("consents")),
    ]
    tab = chosen if chosen in [key for key, *_rest in tabs] else "timeline"
    return {"tabs": tabs, "tab": tab, **(_moments(request, member) if tab == "timeline" else {})}


def _marketing(member: Member) -> list[consents.Standing]:
    return [row for row in consents.standing(member) if row.purpose == Consent.Purpose.MARKETING]


# -- Tabs -----------------------------------------------------------------------------------------
@require_GET
@allow("members.view")
def tab(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """The row of tabs with another one chosen; it fetches its own content."""
    member = _member(request, pk)
    return render(request, "members/tabs.html", {"member": member, **_tabs(request, member, key)})


@require_GET
@allow("members.view")
def moments(request: HttpRequest, pk: int) -> HttpResponse:
    """The timeline, or its next page."""
    member = _member(request, pk)
    fragment = "#more" if "cursor" in request.GET else ""
    return render(request, f"members/timeline.html{fragment}", {"member": member, **_moments(request, member)})


def _moments(request: HttpRequest, member: Member) -> dict[str, Any]:
    known = {key: each for key, each in timeline.sources.items() if may(request.role, each.permission)}
    chosen = [kind for kind in request.GET.getlist("kind") if kind in known]
    cursor = timeline.Cursor.parse(request.GET.get("cursor", ""))
    found, following = timeline.page(member, kinds=chosen or list(known), cursor=cursor, limit=MOMENTS)
    days = groupby(found, key=lambda moment: moment.at.astimezone(member.pool.zone).date())
    return {
        "sources": [(each, each.key in chosen) for each in known.values()],
        "chosen": chosen,
        "days": [(day, list(rows)) for day, rows in days],
        "following": following,
    }


@require_GET
@allow("members.view")
def orders(request: HttpRequest, pk: int) -> HttpResponse:
    """The member's orders; `before` is the number of the last one seen."""
    member = _member(request, pk)
    found = queries.orders_of(member)
    last = _seen(member, request.GET.get("before", ""))
    rows = list(queries.older(found, last)[: ORDERS + 1])
    more = rows[ORDERS - 1].id if len(rows) > ORDERS else None
    template = "members/orders.html#rows" if last else "members/orders.html"
    context = {"member": member, "state": getattr(member, "state", None), "orders": rows[:ORDERS], "more": more}
    return render(request, template, context)


def _seen(member: Member, text: str) -> Any:
    return member.orders.filter(id=int(text)).first() if text.removeprefix("-").isdecimal() and len(text) < 19 else None


@require_GET
@allow("members.view")
def order(request: HttpRequest, pk: int, order_id: str) -> HttpResponse:
    """The lines of one order."""
    found = queries.order_of(_member(request, pk), int(order_id))
    return render(request, "members/order.html", {"order": found, "lines": queries.lines_of(found)})


@require_GET
@allow("members.view")
def panel(request: HttpRequest, pk: int, key: str) -> HttpResponse:
    """A tab that an upper app brought."""
    member = _member(request, pk)
    if key not in panels.panels:
        raise Http404("no such tab")
    found = panels.panels[key]
    return allow(found.permission)(_panel)(request, member, found)


def _panel(request: HttpRequest, member: Member, found: panels.Panel) -> HttpResponse:
    return render(request, found.template, {"member": member, **found.context(request, member)})


@require_GET
@allow("members.view")
def consent_tab(request: HttpRequest, pk: int) -> HttpResponse:
    return _consents(request, _member(request, pk))


def _consents(request: HttpRequest, member: Member) -> HttpResponse:
    context = {"member": member, "standing": consents.standing(member), "entries": consents.entries(member)}
    return render(request, "members/consents.html", context)


# -- Changes --------------------------------------------------------------------------------------
@require_POST
@allow("members.edit")
@saying
def consent(request: HttpRequest, pk: int) -> HttpResponse:
    """Grant or withdraw on the member's word."""
    member = _member(request, pk)
    carrier, purpose = request.POST.get("carrier"), request.POST.get("purpose")
    if carrier not in Consent.Carrier.values or purpose not in Consent.Purpose.values:
        raise Problem("consent.unknown", _("不认识的渠道或用途"))
    consents.record(
        member=member,
        carrier=carrier,
        purpose=purpose,
        granted=request.POST.get("granted") == "1",
        at=clock.now(),
        source=f"staff:{request.user.pk}",
        actor=request.user,
        wording=request.POST.get("wording", "")[:60] or _wording(request, carrier, purpose),
    )
    return _consents(request, member)


def _wording(request: HttpRequest, carrier: str, purpose: str) -> str:
    """What a member who agrees in person is read: the wording in force."""
    found = consents.in_force(request.pool, clock.now()).get((carrier, purpose))
    return found.version if found and request.POST.get("granted") == "1" else ""


@require_POST
@allow("members.reveal")
@saying
def reveal(request: HttpRequest, pk: int) -> HttpResponse:
    """One identity in the clear; who looked is written down."""
    member = _member(request, pk)
    value = people.reveal(
        member=member,
        kind=request.POST.get("kind", ""),
        value_hash=_hash(request),
        actor=request.user,
        as_of=clock.now(),
        via=looks.via(request),
    )
    return render(request, "members/revealed.html", {"value": value})


def _hash(request: HttpRequest) -> bytes:
    try:
        return bytes.fromhex(request.POST.get("hash", ""))
    except ValueError:
        raise Http404("no such identity") from None


@require_http_methods(["GET", "POST"])
@allow("members.edit")
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    member = _member(request, pk)
    form = MemberForm(request.POST or None, instance=Member.objects.get(pk=member.pk))
    hidden = not may(request.role, shown.REVEALS)
    own = ValuesForm(request.pool, request.POST or None, initial=member.attributes, hidden=hidden)
    if request.method == "POST" and all([form.is_valid(), own.is_valid()]):
        changes = {**form.facts(), "attributes": own.changes()}
        people.edit_member(member=member, changes=changes, actor=request.user, as_of=clock.now())
        toast(request, _("已保存"))
        return redirect("members:detail", member.pk)
    return render(request, "members/edit.html", {"form": form, "own": own, "member": member})


@require_http_methods(["GET", "POST"])
@allow("members.edit")
def new(request: HttpRequest) -> HttpResponse:
    form, own = NewMemberForm(request.POST or None), ValuesForm(request.pool, request.POST or None)
    taken = None
    if request.method == "POST" and all([form.is_valid(), own.is_valid()]):
        try:
            facts = {**form.facts(), "attributes": own.changes()}
            made = people.create_member(
                pool=request.pool, facts=facts, known_as=form.known_as(), actor=request.user, as_of=clock.now()
            )
        except Problem as problem:
            form.add_error(None, problem.message)
            taken = problem.fields.get("member")
        else:
            toast(request, _("已新增会员"))
            return redirect("members:detail", made.pk)
    return render(request, "members/edit.html", {"form": form, "own": own, "member": None, "taken": taken})


@require_http_methods(["GET", "POST"])
@allow("members.edit")
def identity_new(request: HttpRequest, pk: int) -> HttpResponse:
    member = _member(request, pk)
    form, taken = IdentityForm(request.POST or None), None
    if request.method == "POST" and form.is_valid():
        try:
            people.add_identity(member=member, **form.cleaned_data, actor=request.user, as_of=clock.now())
        except Problem as problem:
            form.add_error("value", problem.message)
            taken = problem.fields.get("member")
        else:
            toast(request, _("已添加身份标识"))
            return redirect("members:detail", member.pk)
    return render(request, "members/identity.html", {"form": form, "member": member, "taken": taken})


@require_POST
@allow("members.edit")
@saying
def identity_remove(request: HttpRequest, pk: int) -> HttpResponse:
    member = _member(request, pk)
    people.remove_identity(member=member, kind=request.POST.get("kind", ""), value_hash=_hash(request), actor=request.user)
    toast(request, _("已移除身份标识"))
    return redirect("members:detail", member.pk)


# -- Tags -----------------------------------------------------------------------------------------
@require_GET
@allow("tags.edit")
def tag_menu(request: HttpRequest, pk: int) -> HttpResponse:
    """Tags this member does not carry yet."""
    member = _member(request, pk)
    carried = set(member.tags.values_list("tag_id", flat=True))
    rows = [(value, label) for value, label in facets.tag_options(request.pool, by_hand=True) if value not in carried]
    return render(request, "members/tag_menu.html", {"member": member, "options": rows})


@require_POST
@allow("tags.edit")
@saying
def tag(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a tag to this member or take it away; the chips come back."""
    member = _member(request, pk)
    number = request.POST.get("tag", "")
    chosen = get_object_or_404(Tag, pool=request.pool, pk=int(number) if number.isdecimal() else 0)
    if request.POST.get("remove"):
        tagging.remove_tag(tag=chosen, members=[member.pk], actor=request.user, as_of=clock.now())
    else:
        tagging.add_tag(tag=chosen, members=[member.pk], actor=request.user, as_of=clock.now())
    if not getattr(request, "htmx", False):
        return redirect("members:detail", member.pk)
    return render(request, "members/tag_chips.html", {"member": member, "tags": tagging.of_member(member)})
