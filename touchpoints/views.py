"""Pages of reach: connectors, the catch-all inbox, the contact policy."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from members.queries import member_of
from scrm import inbox
from scrm.lib.htmx import render_page
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.permissions import may
from touchpoints import links, mailbox, policy, queries, receipts, services
from touchpoints.connectors.registry import CONNECTORS
from touchpoints.forms import TRIES, ConnectorForm, PolicyForm, TryForm, put_errors
from touchpoints.models import Block, Connector

PAGE = 50


def _edits(request: HttpRequest) -> bool:
    return may(request.role, "connectors.edit")


# -- Connectors ----------------------------------------------------------------------------------
@require_GET
@allow("connectors.view")
def connector_list(request: HttpRequest) -> HttpResponse:
    rows = [(row, CONNECTORS[row.key], queries.health(row)) for row in queries.connectors(request.pool)]
    context = {"rows": rows, "kinds": CONNECTORS.items(), "waiting": queries.waiting(request.pool), "may_edit": _edits(request)}
    return render(request, "connectors/list.html", context)


@allow("connectors.edit")
def connector_new(request: HttpRequest, key: str) -> HttpResponse:
    if key not in CONNECTORS:
        raise Http404(key)
    return _edited(request, key, None)


@allow("connectors.edit")
def connector_edit(request: HttpRequest, pk: int) -> HttpResponse:
    connector = get_object_or_404(Connector, pool=request.pool, pk=pk)
    return _edited(request, connector.key, connector)


def _edited(request: HttpRequest, key: str, connector: Connector | None) -> HttpResponse:
    form = ConnectorForm(request.POST or None, key=key, connector=connector)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_connector(
                pool=request.pool,
                key=key,
                name=form.cleaned_data["name"],
                config=form.config(),
                secrets=form.secrets(),
                is_active=connector.is_active if connector else True,
                is_sandbox=form.cleaned_data["is_sandbox"],
                connector=connector,
                actor=request.user,
            )
        except Problem as problem:
            put_errors(form, problem)
        else:
            toast(request, _("已保存连接器“%(name)s”") % {"name": saved.name})
            return redirect("connectors:detail", pk=saved.pk)
    context = {"form": form, "kind": CONNECTORS[key], "connector": connector}
    return render(request, "connectors/edit.html", context, status=422 if form.errors else 200)


@require_GET
@allow("connectors.view")
def connector_detail(request: HttpRequest, pk: int) -> HttpResponse:
    connector = get_object_or_404(Connector, pool=request.pool, pk=pk)
    return render(request, "connectors/detail.html", _detail(request, connector))


def _detail(request: HttpRequest, connector: Connector) -> dict[str, Any]:
    kind = CONNECTORS[connector.key]
    return {
        "connector": connector,
        "may_edit": _edits(request),
        "kind": kind,
        "health": queries.health(connector),
        "facts": queries.config_facts(connector),
        "recorded": queries.recorded(connector, limit=20) if connector.is_sandbox or connector.key == "fake" else None,
        "calls": queries.calls(connector, limit=20),
        "unknown": queries.unknown_deliveries(request.pool, connector=connector, limit=20),
        "catcher": links.catcher(connector.pk) if connector.key == "webhook" and receipts.may_catch(connector) else "",
        "hook": links.hook(connector.pk) if "push" in kind.caps.receipts and connector.key == "webhook" else "",
        "is_inbox": connector.key == "email_smtp" and mailbox.is_ours(connector.config),
    }


@require_POST
@allow("connectors.edit")
def connector_test(request: HttpRequest, pk: int) -> HttpResponse:
    connector = get_object_or_404(Connector, pool=request.pool, pk=pk)
    try:
        words = services.test_connector(connector=connector, actor=request.user)
        toast(request, _("连接正常：%(words)s") % {"words": words})
    except Problem as problem:
        toast(request, _("连接失败：%(words)s") % {"words": problem.message}, level=messages.ERROR)
    return redirect("connectors:detail", pk=pk)


@require_POST
@allow("connectors.edit")
def connector_send_test(request: HttpRequest, pk: int) -> HttpResponse:
    connector = get_object_or_404(Connector, pool=request.pool, pk=pk)
    address = request.POST.get("address", "").strip()
    try:
        if CONNECTORS[connector.key].caps.address and not address:
            raise Problem("address", _("请填写收件地址"))
        words = services.send_test(connector=connector, address=address, actor=request.user)
        toast(request, _("测试消息已发出：%(words)s") % {"words": words or _("已接收")})
    except Problem as problem:
        toast(request, _("测试消息没有发出：%(words)s") % {"words": problem.message}, level=messages.ERROR)
    return redirect("connectors:detail", pk=pk)


@require_POST
@allow("connectors.edit")
def connector_switch(request: HttpRequest, pk: int) -> HttpResponse:
    connector = get_object_or_404(Connector, pool=request.pool, pk=pk)
    services.disable_connector(connector=connector, actor=request.user, on=not connector.is_active)
    toast(request, _("已停用，不再发送") if connector.is_active else _("已启用"))
    return redirect("connectors:detail", pk=pk)


# -- The inbox -----------------------------------------------------------------------------------
def _seen(request: HttpRequest) -> Callable[[inbox.Message], inbox.Message]:
    """What somebody may see of a message: members' addresses only with their permission."""
    return (lambda message: message) if may(request.role, "members.reveal") else mailbox.masked


@require_GET
@allow("inbox.view")
def inbox_list(request: HttpRequest) -> HttpResponse:
    after, to = request.GET.get("after", ""), request.GET.get("to", "").strip()
    wanted = mailbox.of_pool(request.pool)
    rows = inbox.messages(PAGE + 1, before=after, to=to, wanted=wanted, seen=_seen(request))
    more = rows[PAGE - 1].id if len(rows) > PAGE else None
    context = {"rows": rows[:PAGE], "next": more, "to": to, "count": inbox.count(wanted=wanted), "after": after}
    return render_page(request, "inbox/list.html", "rows", context)


@require_GET
@allow("inbox.view")
def inbox_message(request: HttpRequest, name: str) -> HttpResponse:
    message = inbox.message(name)
    if message is None or not mailbox.of_pool(request.pool)(name):
        raise Http404(name)
    message = _seen(request)(message)
    # Shown in a frame without scripts or origin; links leave it for a new window.
    framed = f'<base target="_blank">{message.html}' if message.html else ""
    return render(request, "inbox/message.html", {"message": message, "framed": framed})


# -- The contact policy --------------------------------------------------------------------------
@allow("connectors.view")
def policy_page(request: HttpRequest) -> HttpResponse:
    if request.method == "POST":
        return _policy_saved(request)
    return render(request, "reach/policy.html", _policy_context(request, PolicyForm(policy=policy.of(request.pool))))


@allow("policy.edit")
def _policy_saved(request: HttpRequest) -> HttpResponse:
    form = PolicyForm(request.POST)
    if form.is_valid():
        try:
            services.save_policy(pool=request.pool, values=form.values(), actor=request.user)
        except Problem as problem:
            put_errors(form, problem)
        else:
            toast(request, _("触达策略已保存，从下一次发送起生效"))
            return redirect("reach:policy")
    return render(request, "reach/policy.html", _policy_context(request, form), status=422)


def _policy_context(request: HttpRequest, form: PolicyForm) -> dict[str, Any]:
    return {"form": form, "suppressed": queries.recent_suppressions(request.pool), "may_edit": may(request.role, "policy.edit")}


@require_POST
@allow("members.edit")
def block_lift(request: HttpRequest, member_id: int, carrier: str) -> HttpResponse:
    block = get_object_or_404(Block, member_id=member_id, carrier=carrier, member__pool=request.pool)
    services.lift_block(block=block, actor=request.user)
    toast(request, _("已移出黑名单"))
    return redirect("members:detail", pk=member_id)


@require_POST
@allow(TRIES)
def try_content(request: HttpRequest, pk: int) -> HttpResponse:
    """A content as this member would get it, sent to whoever tries it; the member gets nothing."""
    member = member_of(request.pool, pk)
    form = TryForm(request.pool, request.POST)
    try:
        if not form.is_valid():
            raise Problem("try", next(iter(form.errors.values()))[0])
        services.send_test(**form.cleaned_data, member=member, actor=request.user)
        toast(request, _("已试发到 %(address)s") % {"address": form.cleaned_data["address"]})
    except Problem as problem:
        toast(request, _("没有试发：%(words)s") % {"words": problem.message}, level=messages.ERROR)
    return redirect(f"{reverse('members:detail', args=[member.pk])}?tab=reach")
