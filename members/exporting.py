"""The member list as a file: masked unless asked otherwise, written in pieces that survive a crash."""

import csv
import io
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from members import identities, queries
from members.models import Identity, Member, MemberTag, Pool
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib.export import cell, safe
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

KIND = "members.export"
CHUNK = 2000
CONTACTS = (Identity.Kind.PHONE, Identity.Kind.EMAIL)


@transaction.atomic
def ask_for_export(*, pool: Pool, chosen: dict[str, Any], plain: bool, purpose: str, actor: User) -> JobRun:
    """Queue an export. What it is for is written down; phones and e-mails stay masked unless `plain`."""
    if len(purpose.strip()) < 4:
        raise Problem(
            "export.no_purpose", _("请写明导出的用途（至少 4 个字）"), {"purpose": [_("请写明导出的用途（至少 4 个字）")]}
        )
    params = {**chosen, "plain": plain, "purpose": purpose.strip()[:200]}
    made = jobs.enqueue(kind=KIND, pool_id=pool.pk, params=params, actor=actor)
    audit(
        actor=actor,
        action="member.export",
        target=made,
        pool_id=pool.pk,
        plain=plain,
        purpose=params["purpose"],
        query=chosen.get("query", ""),
    )
    return made


def path_of(job: JobRun | Any) -> Path:
    """Where a job's file lies."""
    return Path(settings.MEDIA_ROOT) / "exports" / str(job.pool_id) / f"{getattr(job, 'pk', None) or job.id}.csv"


def heads() -> list[str]:
    """The first line."""
    return [*_person(), *_computed()]


def _person() -> list[str]:
    names = [_("会员编号"), _("姓名"), _("身份"), _("性别"), _("生日"), _("省份"), _("城市")]
    return [*names, _("手机号"), _("邮箱"), _("来源渠道"), _("加入时间")]


def _computed() -> list[str]:
    return [_("生命周期"), _("RFM 分组"), "R", "F", "M", _("订单数"), _("累计消费（元）"), _("最近下单"), _("标签")]


def as_text(lines: list[list[Any]]) -> str:
    """CSV of some lines; text that a spreadsheet would run is made inert."""
    out = io.StringIO()
    csv.writer(out).writerows([["" if value is None else safe(value) for value in line] for line in lines])
    return out.getvalue()


def rows(pool: Pool, ids: list[int], plain: bool) -> list[list[Any]]:
    """The lines of some members, by id."""
    found = list(queries.live(pool).filter(id__any_of=ids).select_related("state", "channel").order_by("id"))
    known, tags = _contacts(ids, plain), _tags(ids)
    return [_line(pool, member, known.get(member.pk, {}), tags.get(member.pk, [])) for member in found]


def _contacts(ids: list[int], plain: bool) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for row in Identity.objects.filter(member_id__in=ids, kind__in=CONTACTS).order_by("-seen_at"):
        found.setdefault(row.member_id, {}).setdefault(row.kind, identities.plain(row) if plain else row.hint)
    return found


def _tags(ids: list[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for member_id, name in (
        MemberTag.objects.filter(member_id__in=ids).order_by("tag__name").values_list("member_id", "tag__name")
    ):
        found.setdefault(member_id, []).append(name)
    return found


def _line(pool: Pool, member: Member, known: dict[str, str], tags: list[str]) -> list[Any]:
    state = getattr(member, "state", None)
    return [
        member.pk,
        member.name,
        member.get_status_display(),
        member.get_gender_display(),
        member.birthday,
        member.province,
        member.city,
        known.get("phone"),
        known.get("email"),
        str(member.channel or ""),
        _day(pool, member.joined_at),
        *(_state(pool, state) if state else ["", "", "", "", "", 0, 0, ""]),
        "、".join(tags),
    ]


def _state(pool: Pool, state: Any) -> list[Any]:
    group = state.get_rfm_group_display() if state.rfm_group is not None else ""
    money = cell(state.amount_total, "money")
    return [
        state.get_stage_display(),
        group,
        state.r,
        state.f,
        state.m,
        state.order_count,
        money,
        _day(pool, state.last_order_at),
    ]


def _day(pool: Pool, at: datetime | None) -> str:
    return at.astimezone(pool.zone).strftime("%Y-%m-%d %H:%M") if at else ""


def pieces(ids: Any, after: int) -> Iterator[list[int]]:
    """The ids beyond `after`, in chunks."""
    rest = [number for number in ids if number > after]
    for start in range(0, len(rest), CHUNK):
        yield rest[start : start + CHUNK]
