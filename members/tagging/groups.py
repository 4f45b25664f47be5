"""Groups of tags: made, changed, put away."""

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Count, Prefetch, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members.models import MemberTag, Pool, PoolAccess, Tag, TagGroup
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

COLORS = [
    ("blue", gettext_lazy("蓝")),
    ("green", gettext_lazy("绿")),
    ("amber", gettext_lazy("橙")),
    ("red", gettext_lazy("红")),
    ("violet", gettext_lazy("紫")),
    ("slate", gettext_lazy("灰")),
]
FIELDS = ("name", "color", "is_exclusive", "owner_id", "place", "note")


@transaction.atomic
def save_group(
    *,
    pool: Pool,
    group: TagGroup | None,
    name: str,
    color: str,
    is_exclusive: bool,
    actor: User | None,
    owner: User | None = None,
    place: int = 0,
    note: str = "",
) -> TagGroup:
    """Make or change a group. It can become exclusive only while nobody carries two of its tags."""
    group = TagGroup.objects.select_for_update().get(pk=group.pk) if group else TagGroup(pool=pool)
    before = {field: getattr(group, field) for field in FIELDS} if group.pk else None
    if is_exclusive and group.pk and not group.is_exclusive and (several := _carry_several(group)):
        raise Problem("tags.not_exclusive", _("有 %(n)s 位会员带有这个组的多个标签，不能设为互斥；请先清理") % {"n": several})
    if owner and not PoolAccess.objects.filter(pool=pool, user=owner).exists():
        raise Problem("tags.no_owner", _("负责人不是这个会员池的成员"), {"owner": [str(owner)]})
    group.name, group.color, group.is_exclusive = name, color, is_exclusive
    group.owner, group.place, group.note = owner, place, note
    save_unique(group, _("已有同名标签组"))
    audit(
        actor=actor, action="tag_group.save", target=group, pool_id=pool.pk, before=before, name=name, is_exclusive=is_exclusive
    )
    return group


def _carry_several(group: TagGroup) -> int:
    carriers = MemberTag.objects.filter(tag__group=group).values("member_id").annotate(n=Count("tag_id")).filter(n__gt=1)
    return carriers.count()


def save_unique(row: Tag | TagGroup, message: str) -> None:
    """Save, or Problem "tags.name_taken"."""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        raise Problem("tags.name_taken", message, {"name": [message]}) from None


@transaction.atomic
def delete_group(*, group: TagGroup, actor: User | None, as_of: datetime) -> None:
    """Put an empty group away."""
    group = TagGroup.objects.select_for_update().get(pk=group.pk)
    if group.tags.exists():
        raise Problem("tags.group_not_empty", _("标签组里还有标签，请先删除它们"))
    audit(actor=actor, action="tag_group.delete", target=group, pool_id=group.pool_id, name=group.name)
    TagGroup.objects.filter(pk=group.pk).update(retired_at=as_of)


def groups(pool: Pool) -> QuerySet[TagGroup]:
    """Groups with their tags, in their order, then by name."""
    tags = Prefetch("tags", queryset=Tag.objects.order_by("place", "name"))
    found: QuerySet[TagGroup] = TagGroup.objects.filter(pool=pool)
    return found.select_related("owner").prefetch_related(tags).order_by("place", "name")
