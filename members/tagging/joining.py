"""Two tags become one: carriers, history and everything that names the source; for a day it can be taken back."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from members.importing.locks import writing
from members.models import MemberTag, MergedTag, Tag, TagGroup, TagMerge
from members.sets import array
from members.tagging import usage, validity
from members.tagging.groups import save_unique
from members.versions import bump
from scrm.jobs import services as jobs
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

JOB, UNDO_JOB = "tags.merge", "tags.merge.undo"
AT_ONCE = 20_000  # carriers that are moved within the request
KEPT = timedelta(hours=24)  # how long it can be taken back


def refuse(source: Tag, target: Tag, as_of: datetime) -> None:
    """Problem when these cannot be merged."""
    if source.pk == target.pk or source.pool_id != target.pool_id:
        raise Problem("tags.merge_self", _("请选择同一会员池里的另一个标签"), {"target": [target.name]})
    if target.is_kept:
        said = _("「%(tag)s」由%(source)s自动维护，并入的会员会在下次更新时被取下；请并入手工标签")
        told = {"tag": target.name, "source": target.get_source_display()}
        raise Problem("tags.merge_into_kept", said % told, {"target": [target.name]})
    if validity.is_over(target, as_of):
        raise Problem("tags.over", _("「%(tag)s」的有效期已过") % {"tag": target.name}, {"target": [target.name]})
    if fixed := [use for use in usage.uses(source) if use.fixed]:
        raise usage.InUse(fixed, "tags.in_fixed_use")


@transaction.atomic
def merge(*, source: Tag, target: Tag, actor: User | None, as_of: datetime) -> TagMerge:
    """Everybody with the source gets the target instead, and whatever names the source names the target.

    Done when this returns, or by a job when many carry the source. Problem when it cannot be.
    """
    refuse(source, target, as_of)
    carriers = MemberTag.objects.filter(tag=source).count()
    made = TagMerge.objects.create(pool_id=source.pool_id, source=source, target=target, at=as_of, by=actor, carriers=carriers)
    if carriers > AT_ONCE:
        job = jobs.enqueue(kind=JOB, pool_id=source.pool_id, params={"merge": made.pk}, actor=actor, key=f"tag:{source.pk}")
        TagMerge.objects.filter(pk=made.pk).update(job_id=job.pk)
        made.job_id = job.pk
        return made
    return perform(merge=made, as_of=as_of)


@transaction.atomic
def perform(*, merge: TagMerge, as_of: datetime) -> TagMerge:
    """Do a merge, all or nothing; done already: nothing happens."""
    merge = TagMerge.objects.select_for_update().get(pk=merge.pk)
    if merge.done_at:
        return merge
    source, target = _locked(merge)
    refuse(source, target, as_of)
    pair = {"source_id": source.pk, "target_id": target.pk, "merge_id": merge.pk}
    carriers = sql.execute("members/tagging/set_aside_merged", pair)
    ends = {"days": target.valid_days, "until": validity.until(target)}
    told = {"as_of": as_of, "actor_id": merge.by_id, "rivals": array(_rivals(target, but=source))}
    moved = int(sql.value("members/tagging/move_merged", {**pair, **ends, **told}))
    Tag.objects.filter(pk=source.pk).update(retired_at=as_of, merged_into=target)
    notes = usage.rewrite(source, target, merge.by)
    merge.done_at, merge.carriers, merge.moved, merge.rewritten = as_of, carriers, moved, notes
    merge.save()
    bump(merge.pool_id, "tags")
    said = {"source": source.name, "into": target.name, "members": carriers, "moved": moved}
    audit(actor=merge.by, action="tag.merge", target=target, pool_id=merge.pool_id, **said)
    return merge


def _locked(merge: TagMerge) -> tuple[Tag, Tag]:
    """Both tags as they are now, their groups held: nobody puts them on meanwhile."""
    writing(merge.pool_id)
    tags = {tag.pk: tag for tag in Tag.everything.select_related("pool").filter(pk__in=[merge.source_id, merge.target_id])}
    wanted = sorted({tag.group_id for tag in tags.values()})
    list(TagGroup.everything.select_for_update().filter(pk__in=wanted).order_by("pk"))
    return tags[merge.source_id], tags[merge.target_id]


def _rivals(tag: Tag, but: Tag | None = None) -> list[int]:
    if not tag.group.is_exclusive:
        return []
    others = Tag.objects.filter(group=tag.group).exclude(pk__in=[tag.pk, but.pk if but else 0])
    return list(others.values_list("pk", flat=True))


# -- The way back ---------------------------------------------------------------------------------
def why_not_undone(merge: TagMerge, as_of: datetime) -> str:
    """Why a merge cannot be taken back; empty when it can."""
    if merge.undone_at:
        return _("已经撤销过了")
    if not merge.done_at:
        return _("合并还没有完成")
    if merge.done_at < as_of - KEPT:
        return _("已超过 24 小时，不能再撤销")
    if merge.source.group.retired_at:
        return _("原标签组「%(group)s」已删除") % {"group": merge.source.group.name}
    return ""


@transaction.atomic
def ask_undo(*, merge: TagMerge, actor: User | None, as_of: datetime) -> TagMerge:
    """Take a merge back: now, or by a job when many carried the source. Problem "tags.no_undo"."""
    if reason := why_not_undone(merge, as_of):
        raise Problem("tags.no_undo", reason)
    if merge.carriers > AT_ONCE:
        job = jobs.enqueue(
            kind=UNDO_JOB, pool_id=merge.pool_id, params={"merge": merge.pk}, actor=actor, key=f"tag:{merge.source_id}"
        )
        TagMerge.objects.filter(pk=merge.pk).update(job_id=job.pk)
        merge.job_id = job.pk
        return merge
    return undo(merge=merge, actor=actor, as_of=as_of)


@transaction.atomic
def undo(*, merge: TagMerge, actor: User | None, as_of: datetime) -> TagMerge:
    """The source is there again, with those who carried it; what was changed since stays as it is."""
    merge = TagMerge.objects.select_for_update().get(pk=merge.pk)
    if reason := why_not_undone(merge, as_of):
        raise Problem("tags.no_undo", reason)
    source, target = _locked(merge)
    source.retired_at, source.merged_into = None, None
    save_unique(source, _("这个组里已有同名标签：先给它改名，再撤销合并"))
    given = {"merge_id": merge.pk, "source_id": source.pk, "target_id": target.pk, "as_of": as_of}
    given |= {"actor_id": actor.pk if actor else None, "rivals": array(_rivals(source))}
    sql.execute("members/tagging/part_merged", given)
    back = sql.execute("members/tagging/return_merged", given)
    left = usage.restore(merge.rewritten, actor)
    MergedTag.objects.filter(merge=merge).delete()
    merge.undone_at = as_of
    merge.save(update_fields=["undone_at"])
    bump(merge.pool_id, "tags")
    said = {"source": source.name, "members": back, "left": [note.get("name", "") for note in left]}
    audit(actor=actor, action="tag.merge_undo", target=source, pool_id=merge.pool_id, **said)
    return merge


def forget_old(*, as_of: datetime) -> int:
    """Rows that no merge can be taken back with any more; how many went."""
    old = TagMerge.objects.filter(done_at__lt=as_of - KEPT).values("pk")
    return int(MergedTag.objects.filter(merge__in=old).delete()[0])
