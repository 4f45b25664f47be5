"""Who gives way to whom in an exclusive group: what a person says beats rules and segments, these beat models."""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from members.models import Tag, TagGroup
from scrm.lib.problems import Problem

RANK = {Tag.Source.MANUAL: 3, Tag.Source.RULE: 2, Tag.Source.SEGMENT: 2, Tag.Source.MODEL: 1}


@dataclass(frozen=True)
class Rivals:
    """The other tags of an exclusive group: those that go when this one comes, and those that keep it away."""

    weaker: tuple[int, ...] = ()
    stronger: tuple[int, ...] = ()


def rank(tag: Tag) -> int:
    return RANK[Tag.Source(tag.source)]


def lock(tag: Tag) -> TagGroup:
    """The tag's group, held to the end of the transaction: two rivals wait for each other. Problem when the tag is gone."""
    group = TagGroup.everything.select_for_update().get(pk=tag.group_id)
    if not Tag.objects.filter(pk=tag.pk).exists():
        raise Problem("tags.gone", _("「%(tag)s」已被删除或合并") % {"tag": tag.name}, {"tag": [tag.name]})
    return group


def of(tag: Tag, group: TagGroup) -> Rivals:
    """The rivals of a tag; none where tags get along."""
    if not group.is_exclusive:
        return Rivals()
    others = [other for other in Tag.objects.filter(group=group) if other.pk != tag.pk]
    weaker = tuple(other.pk for other in others if rank(other) <= rank(tag))
    return Rivals(weaker, tuple(other.pk for other in others if rank(other) > rank(tag)))
