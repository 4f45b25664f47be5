"""A pool with a few people and groups of tags."""

from collections.abc import Callable
from typing import Any

import pytest

from members.models import Member, MemberTag, Pool, Tag, TagChange, TagGroup
from tests import factories


@pytest.fixture
def crowd(pool: Pool) -> list[Member]:
    """Eight members."""
    return [factories.member(pool, f"M{n}") for n in range(8)]


@pytest.fixture
def group_of(pool: Pool) -> Callable[..., TagGroup]:
    """A group by name: `group_of("价值", is_exclusive=True)`."""

    def make(name: str, **more: Any) -> TagGroup:
        return TagGroup.objects.create(pool=pool, name=name, **more)

    return make


@pytest.fixture
def tag_of(pool: Pool) -> Callable[..., Tag]:
    """A tag of a group: `tag_of(group, "高", source="rule")`."""

    def make(group: TagGroup, name: str, **more: Any) -> Tag:
        return Tag.objects.create(pool=pool, group=group, name=name, **more)

    return make


def carriers(tag: Tag) -> set[int]:
    return set(MemberTag.objects.filter(tag=tag).values_list("member_id", flat=True))


def told(member: Member) -> list[tuple[str, str, str]]:
    """A member's history of tags: tag, what, how; in the order it happened."""
    rows = TagChange.objects.filter(member=member).order_by("id").select_related("tag")
    return [(row.tag.name, TagChange.What(row.what).name, TagChange.How(row.how).name) for row in rows]
