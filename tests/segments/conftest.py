"""Four people in two cities, and a segment of those in Shanghai."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from members.models import Member, Pool
from members.versions import bump
from segmentation.models import Segment
from segmentation.segments import computing, services
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)  # noon in Shanghai


def city(*names: str) -> dict[str, Any]:
    return {"fact": "city", "op": "in", "value": list(names)}


def move(pool: Pool, **where: str) -> None:
    """`move(pool, Ann="杭州")`: somebody lives somewhere else now."""
    for name, place in where.items():
        Member.objects.filter(pool=pool, name=name).update(city=place)
    bump(pool.pk, "members")


@pytest.fixture
def people(pool: Pool) -> Pool:
    for name, place in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海"), ("Dan", "")):
        factories.member(pool, name, city=place)
    return pool


@pytest.fixture
def ids(people: Pool) -> dict[str, int]:
    return dict(Member.objects.filter(pool=people).values_list("name", "pk"))


@pytest.fixture
def make(people: Pool) -> Callable[..., Segment]:
    def made(name: str = "s", rule: Any = None, as_of: datetime = AS_OF) -> Segment:
        segment = services.save(pool=people, name=name, rule=rule or city("上海"), actor=None)
        computing.refresh(segment=segment, as_of=as_of)
        segment.refresh_from_db()
        return segment

    return made
