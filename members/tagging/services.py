"""Tags themselves: made, changed, moved to another group, deleted. Who carries them: marking.py and keeping.py."""

from datetime import date, datetime

from django.db import transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from members.models import MemberTag, Tag, TagGroup
from members.tagging import usage, validity
from members.tagging.groups import save_unique
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

FIELDS = ("name", "note", "place", "valid_days", "valid_until", "group_id")


@transaction.atomic
def save_tag(
    *,
    group: TagGroup,
    tag: Tag | None,
    name: str,
    actor: User | None,
    source: str = Tag.Source.MANUAL,
    note: str = "",
    valid_days: int | None = None,
    valid_until: date | None = None,
    place: int | None = None,
) -> Tag:
    """Make or change a tag. A new validity counts for everybody who carries it, from when they were tagged."""
    tag = Tag.objects.select_for_update().get(pk=tag.pk) if tag else Tag(pool_id=group.pool_id, source=source)
    before = {field: getattr(tag, field) for field in FIELDS} if tag.pk else None
    _move(tag, group)
    tag.name, tag.note, tag.valid_days, tag.valid_until = name, note, valid_days, valid_until
    tag.place = _place(group, tag) if place is None else place
    save_unique(tag, _("这个组里已有同名标签"))
    if before and (before["valid_days"], before["valid_until"]) != (valid_days, valid_until):
        _count_anew(tag)
    audit(actor=actor, action="tag.save", target=tag, pool_id=group.pool_id, before=before and _plain(before), name=name)
    return tag


def _plain(before: dict[str, object]) -> dict[str, object]:
    return {key: str(value) if isinstance(value, date) else value for key, value in before.items()}


def _move(tag: Tag, group: TagGroup) -> None:
    """Into another group; into an exclusive one only while nobody carries another tag of it."""
    if tag.pk and tag.group_id != group.pk:
        group = TagGroup.objects.select_for_update().get(pk=group.pk)
        mine = MemberTag.objects.filter(tag=tag).values("member_id")
        rivals = MemberTag.objects.filter(tag__group=group, member_id__in=mine)
        if group.is_exclusive and (n := rivals.values("member_id").distinct().count()):
            said = _("有 %(n)s 位会员同时带有「%(group)s」的其他标签，不能移入这个互斥组") % {"n": n, "group": group.name}
            raise Problem("tags.rivals", said, {"group": [said]})
    tag.group = group


def _place(group: TagGroup, tag: Tag) -> int:
    """Where it stands; a new one after all others."""
    if tag.pk:
        return tag.place
    return (Tag.objects.filter(group=group).aggregate(last=Max("place"))["last"] or 0) + 1


def _count_anew(tag: Tag) -> None:
    days = None if tag.is_kept else tag.valid_days  # of a kept one they count from leaving
    sql.execute("members/tagging/set_all_due", {"tag_id": tag.pk, "days": days, "until": validity.until(tag)})


@transaction.atomic
def delete_tag(*, tag: Tag, actor: User | None, as_of: datetime) -> int:
    """Take a tag off everybody and put it away; how many carried it. InUse, with the list, while something names it."""
    TagGroup.everything.select_for_update().get(pk=tag.group_id)
    if found := usage.uses(tag):
        raise usage.InUse(found)
    by = actor.pk if actor else None
    carriers = sql.execute("members/tagging/strip_tag", {"tag_id": tag.pk, "as_of": as_of, "by_id": by})
    audit(actor=actor, action="tag.delete", target=tag, pool_id=tag.pool_id, name=tag.name, members=carriers)
    Tag.objects.filter(pk=tag.pk).update(retired_at=as_of)
    bump(tag.pool_id, "tags")
    return carriers


@transaction.atomic
def set_source(*, tag: Tag, source: str) -> Tag:
    """Who keeps the tag from now on. Called by those who keep tags; who carries it stays until their next run."""
    tag = Tag.objects.select_for_update().get(pk=tag.pk)
    tag.source = source
    tag.save(update_fields=["source"])
    _count_anew(tag)
    return tag
