"""What waits for somebody on the workbench, by what the role may do about it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from campaigns.models import Campaign
from members import exporting
from members.communities.queries import dying as _dying
from members.models import ImportRun, MemberState, Pool
from members.models.state import RfmGroup, Stage
from members.oneid import queries as oneid
from members.team.workload import left_behind
from scrm.jobs.models import JobRun
from scrm.lib.formats import compact
from scrm.staff.permissions import may

RECENT = timedelta(days=2)
MOST = 6


@dataclass(frozen=True)
class Task:
    """One thing to do: where it leads, how urgent it looks, since when."""

    title: str
    text: str
    url: str
    icon: str
    tone: str
    at: datetime | None = None


def waiting(request: HttpRequest, as_of: datetime) -> list[Task]:
    """The most pressing first."""
    pool_id, role = request.pool.pk, request.role  # type: ignore[attr-defined]
    found = [
        *_exports(request, as_of),
        *_campaigns(pool_id, role),
        *_failed(pool_id, as_of),
        *_imports(pool_id, role),
        *_pairs(pool_id, role),
    ]
    found += [*_groups(pool_id, role), *_behind(request.pool, role)]  # type: ignore[attr-defined]
    return [*found, *_losing(pool_id, role)][:MOST]


def _exports(request: HttpRequest, as_of: datetime) -> list[Task]:
    """Colleagues who wait for somebody to agree to an export."""
    if not may(request.role, "members.export.approve"):  # type: ignore[attr-defined]
        return []
    waiting = exporting.waiting_for(request.pool, request.user, as_of)  # type: ignore[attr-defined]
    first, count = waiting.last(), waiting.count()
    if first is None:
        return []
    title = _("%(n)s 个完整导出等您审批") % {"n": count}
    return [
        Task(title, f"{first.requester} · {first.reason}", reverse("privacy:approvals"), "shield-check", "red", first.created_at)
    ]


def _campaigns(pool_id: int, role: str) -> list[Task]:
    if not may(role, "campaigns.view"):
        return []
    open_ones = Campaign.objects.filter(pool_id=pool_id, status__in=["scheduled", "running", "paused"]).order_by("scheduled_at")
    return [
        Task(
            _("「%(name)s」%(state)s") % {"name": campaign.name, "state": campaign.get_status_display()},
            _("查看发送进度"),
            reverse("campaigns:monitor", args=[campaign.pk]),
            "send",
            "amber" if campaign.status == "paused" else "blue",
            campaign.scheduled_at or campaign.launched_at,
        )
        for campaign in open_ones[:3]
    ]


def _failed(pool_id: int, as_of: datetime) -> list[Task]:
    failed = JobRun.objects.filter(pool_id=pool_id, status="failed", finished_at__gte=as_of - RECENT).order_by("-finished_at")[:2]
    return [
        Task(
            _("%(job)s失败") % {"job": job.title}, job.error[:80], reverse("jobs:list"), "alert-triangle", "red", job.finished_at
        )
        for job in failed
    ]


def _imports(pool_id: int, role: str) -> list[Task]:
    if not may(role, "imports.run"):
        return []
    ready = ImportRun.objects.filter(pool_id=pool_id, status=ImportRun.Status.CHECKED).order_by("-created_at")[:2]
    return [
        Task(
            _("导入待确认：%(file)s") % {"file": run.file_name},
            _("检查已完成，确认后写入"),
            reverse("imports:detail", args=[run.pk]),
            "file-check",
            "amber",
            run.created_at,
        )
        for run in ready
    ]


def _pairs(pool_id: int, role: str) -> list[Task]:
    """Members that rules could not tell from each other."""
    waiting_ones = oneid.waiting(pool_id) if may(role, "members.merge") else 0
    if not waiting_ones:
        return []
    title = _("%(n)s 对会员待确认身份") % {"n": compact(waiting_ones)}
    return [Task(title, _("是同一个人就合并，不是就分开"), reverse("oneid:list"), "fingerprint", "amber")]


def _losing(pool_id: int, role: str) -> list[Task]:
    """Good customers on their way out, and the way to win them back."""
    states = MemberState.objects.filter(pool_id=pool_id)
    important = states.filter(rfm_group__in=[RfmGroup.IMPORTANT_KEEP, RfmGroup.IMPORTANT_WINBACK]).count()
    sleeping = states.filter(stage=Stage.SLEEPING).count()
    advice = _("可建分群并发起挽留活动") if may(role, "campaigns.edit") else _("查看这些会员")
    listed: list[tuple[int, Any, str, str]] = [
        (
            important,
            _("%(n)s 位重要会员久未购买"),
            f"rfm={RfmGroup.IMPORTANT_KEEP}&rfm={RfmGroup.IMPORTANT_WINBACK}",
            "user-exclamation",
        ),
        (sleeping, _("%(n)s 位会员处于睡眠期"), f"stage={Stage.SLEEPING}", "zzz"),
    ]
    place = reverse("members:list")
    return [Task(text % {"n": compact(n)}, advice, f"{place}?{query}", icon, "violet") for n, text, query, icon in listed if n]


def _groups(pool_id: int, role: str) -> list[Task]:
    """Groups that are dying and nobody looks after yet."""
    if not may(role, "communities.edit"):
        return []
    return [
        Task(
            _("社群「%(name)s」快不行了") % {"name": alert.community},
            _("低于健康标准，看看原因并指派跟进"),
            reverse("communities:detail", args=[alert.community_id]),
            "heartbeat",
            "red",
            alert.raised_at,
        )
        for alert in _dying(pool_id)[:2]
    ]


def _behind(pool: Pool, role: str) -> list[Task]:
    """Members of colleagues who have left."""
    if not may(role, "owners.assign"):
        return []
    return [
        Task(
            _("%(name)s 已离职，%(n)s 位会员待移交") % {"name": who, "n": compact(n)},
            _("选择接收员工，开始离职继承"),
            f"{reverse('ownership:handover_new')}?from={who.pk}&kind=left",
            "transfer",
            "amber",
        )
        for who, n in left_behind(pool)[:2]
    ]
