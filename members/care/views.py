"""Notes and tasks: a tab of the member's page, and everybody's list of what is to be done."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from members import queries as people
from members.care import queries, services
from members.care.forms import NoteForm, TaskForm
from members.models import Member
from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.lib.toasts import toast
from scrm.staff.access import allow
from scrm.staff.models import User

PANEL = "care/panel.html"


def panel(request: HttpRequest, member: Member) -> dict[str, Any]:
    """What the tab shows: notes, tasks, and the two forms."""
    today = clock.now().astimezone(request.pool.zone).date()  # type: ignore[attr-defined]
    first = {"assignee": member.owner_id or request.user.pk, "due_on": today}
    return {
        "notes": queries.notes_of(member)[:100],
        "tasks": queries.tasks_of(member)[:100],
        "note_form": NoteForm(),
        "task_form": TaskForm(request.pool, initial=first),  # type: ignore[attr-defined]
        "today": today,
    }


def on_member(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
    """Find the member, act, answer with the tab; what is wrong is said beside the form."""

    @wraps(view)
    def acted(request: HttpRequest, pk: int, *args: Any, **kwargs: Any) -> HttpResponse:
        member = people.member_of(request.pool, pk)
        if member.merged_into:
            raise Http404("merged")
        try:
            wrong = view(request, member, *args, **kwargs) or {}
        except Problem as problem:
            toast(request, problem.message, level=messages.ERROR)
            wrong = {}
        if not getattr(request, "htmx", False):
            return redirect(f"{member_page(member)}?tab=care")
        return render(request, PANEL, {"member": member, **panel(request, member), **wrong})

    return acted


def member_page(member: Member) -> str:
    return reverse("members:detail", args=[member.pk])


@require_POST
@allow("members.note")
@on_member
def note_new(request: HttpRequest, member: Member) -> dict[str, Any] | None:
    form = NoteForm(request.POST)
    if not form.is_valid():
        return {"note_form": form}
    services.write_note(member=member, **form.cleaned_data, actor=_me(request), as_of=clock.now())
    return None


@require_POST
@allow("members.note")
@on_member
def note_change(request: HttpRequest, member: Member, number: int) -> None:
    """Pin, unpin, reword or remove one note."""
    note, act = queries.note_of(member, number), request.POST.get("act")
    if act == "remove":
        services.remove_note(note=note, actor=_me(request))
    elif act in ("pin", "unpin"):
        services.change_note(note=note, is_pinned=act == "pin", actor=_me(request), as_of=clock.now())
    else:
        services.change_note(note=note, text=request.POST.get("text", ""), actor=_me(request), as_of=clock.now())


@require_POST
@allow("members.note")
@on_member
def task_new(request: HttpRequest, member: Member) -> dict[str, Any] | None:
    form = TaskForm(request.pool, request.POST)
    if not form.is_valid():
        return {"task_form": form}
    given = form.cleaned_data
    assignee = User.objects.get(pk=given.pop("assignee"))
    services.give_task(member=member, assignee=assignee, **given, actor=_me(request), as_of=clock.now())
    toast(request, _("已交给%(name)s") % {"name": assignee})
    return None


@require_POST
@allow("members.note")
def task_steer(request: HttpRequest, number: int) -> HttpResponse:
    """Done, or not after all; answered where it was asked: the tab or the list."""
    task = queries.task_of(request.pool, number)
    if request.POST.get("act") == "reopen":
        services.reopen_task(task=task, actor=_me(request))
    else:
        services.finish_task(task=task, outcome=request.POST.get("outcome", ""), actor=_me(request), as_of=clock.now())
    if request.POST.get("place") == "list":
        return redirect(request.POST["back"] if _inside(request) else "care:list")
    if not getattr(request, "htmx", False):
        return redirect(f"{member_page(task.member)}?tab=care")
    member = people.member_of(request.pool, task.member_id)
    return render(request, PANEL, {"member": member, **panel(request, member)})


def _inside(request: HttpRequest) -> bool:
    return str(request.POST.get("back", "")).startswith(reverse("care:list"))


@require_GET
@allow("members.view")
def task_list(request: HttpRequest) -> HttpResponse:
    whose, is_done = request.GET.get("whose", "mine"), request.GET.get("done") == "1"
    found = queries.tasks(request.pool, whose=whose, user=_me(request), is_done=is_done)
    rows, after = queries.as_page(found, request.GET.get("after", ""))
    today = clock.now().astimezone(request.pool.zone).date()
    context = {
        "tasks": rows,
        "after": after,
        "whose": whose,
        "is_done": is_done,
        "today": today,
        "counts": queries.counts(request.pool, _me(request), today),
        "colleagues": queries.colleagues(request.pool),
    }
    return render(request, "care/list.html", context)


def _me(request: HttpRequest) -> User:
    return request.user  # type: ignore[return-value]
