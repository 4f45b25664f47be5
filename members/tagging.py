"""Tags: groups, labels, and who carries them. Members come as ids: one or a million."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import Member, MemberTag, Pool, Tag, TagGroup
from members.sets import array
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

SHOWN = 50  # ids that an audit line spells out
COLORS = [
    ("blue", gettext_lazy("蓝")),
    ("green", gettext_lazy("绿")),
    ("amber", gettext_lazy("橙")),
    ("red", gettext_lazy("红")),
    ("violet", gettext_lazy("紫")),
    ("slate", gettext_lazy("灰")),
]


@transaction.atomic
def add_tag(*, tag: Tag, members: Iterable[int], actor: User | None, as_of: datetime) -> list[int]:
    """Tag members of the tag's pool; the ids that did not carry it before.

    Of an exclusive group a member keeps only the new tag.
    """
    group = TagGroup.objects.select_for_update().get(pk=tag.group_id)  # two rivals wait for each other
    wanted = {"tag_id": tag.pk, "group_id": group.pk, "pool_id": tag.pool_id, "ids": array(members)}
    replaced = sql.execute("members/untag_rivals", wanted) if group.is_exclusive else 0
    rows = sql.rows("members/tag_members", {**wanted, "as_of": as_of, "by_id": actor.pk if actor else None})
    added = [row["member_id"] for row in rows]
    _say("tag.add", tag, added, actor, replaced=replaced)
    return added


@transaction.atomic
def remove_tag(*, tag: Tag, members: Iterable[int], actor: User | None) -> list[int]:
    """Take a tag off members; the ids that carried it."""
    rows = sql.rows("members/untag_members", {"tag_id": tag.pk, "ids": array(members)})
    gone = [row["member_id"] for row in rows]
    _say("tag.remove", tag, gone, actor)
    return gone


def _say(action: str, tag: Tag, members: list[int], actor: User | None, **more: int) -> None:
    if members or any(more.values()):
        bump(tag.pool_id, "tags")
    target = f"members.member:{members[0]}" if len(members) == 1 else tag
    audit(
        actor=actor,
        action=action,
        target=target,
        pool_id=tag.pool_id,
        tag=tag.name,
        members=len(members),
        ids=members[:SHOWN],
        **more,
    )


@transaction.atomic
def save_group(*, pool: Pool, group: TagGroup | None, name: str, color: str, is_exclusive: bool, actor: User | None) -> TagGroup:
    """Make or change a group. It can become exclusive only while nobody carries two of its tags."""
    group = group or TagGroup(pool=pool)
    before = {"name": group.name, "color": group.color, "is_exclusive": group.is_exclusive} if group.pk else None
    if is_exclusive and group.pk and not group.is_exclusive and (several := _carry_several(group)):
        raise Problem("tags.not_exclusive", _("有 %(n)s 位会员带有这个组的多个标签，不能设为互斥；请先清理") % {"n": several})
    group.name, group.color, group.is_exclusive = name, color, is_exclusive
    _unique(group, _("已有同名标签组"))
    audit(
        actor=actor, action="tag_group.save", target=group, pool_id=pool.pk, before=before, name=name, is_exclusive=is_exclusive
    )
    return group


def _carry_several(group: TagGroup) -> int:
    carriers = MemberTag.objects.filter(tag__group=group).values("member_id").annotate(n=Count("tag_id")).filter(n__gt=1)
    return carriers.count()


@transaction.atomic
def save_tag(*, group: TagGroup, tag: Tag | None, name: str, actor: User | None, source: str = Tag.Source.MANUAL) -> Tag:
    """Make or rename a tag."""
    before = tag.name if tag else None
    tag = tag or Tag(pool_id=group.pool_id, group=group, source=source)
    tag.name = name
    _unique(tag, _("这个组里已有同名标签"))
    audit(actor=actor, action="tag.save", target=tag, pool_id=group.pool_id, before=before, name=name)
    return tag


def _unique(row: Tag | TagGroup, message: str) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Problem("tags.name_taken", message, {"name": [message]}) from None


@transaction.atomic
def delete_tag(*, tag: Tag, actor: User | None) -> int:
    """Delete a tag and take it off everybody; how many carried it."""
    carriers, _detail = MemberTag.objects.filter(tag=tag).delete()
    audit(actor=actor, action="tag.delete", target=tag, pool_id=tag.pool_id, name=tag.name, members=carriers)
    bump(tag.pool_id, "tags")
    tag.delete()
    return carriers


@transaction.atomic
def delete_group(*, group: TagGroup, actor: User | None) -> None:
    """Delete an empty group."""
    if group.tags.exists():
        raise Problem("tags.group_not_empty", _("标签组里还有标签，请先删除它们"))
    audit(actor=actor, action="tag_group.delete", target=group, pool_id=group.pool_id, name=group.name)
    group.delete()


def groups(pool: Pool) -> QuerySet[TagGroup]:
    """Groups with their tags, by name."""
    tags = Prefetch("tags", queryset=Tag.objects.order_by("name"))
    return TagGroup.objects.filter(pool=pool).prefetch_related(tags).order_by("name")


def coverage(pool: Pool) -> dict[int, int]:
    """How many members carry each tag."""
    counted = MemberTag.objects.filter(tag__pool=pool).values("tag_id").annotate(n=Count("member_id"))
    return dict(counted.values_list("tag_id", "n"))


def of_member(member: Member) -> QuerySet[MemberTag]:
    """The tags a member carries, by group."""
    return member.tags.select_related("tag__group", "by").order_by("tag__group__name", "tag__name")
