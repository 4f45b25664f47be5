"""A pool of forty members whose portrait is worked out by hand."""

from datetime import UTC, datetime

import pytest

from members.models import Member, Pool, Store
from segmentation.models import Segment
from tests import factories
from tests.portraits.drawing import AS_OF, segment_of


@pytest.fixture
def people(pool: Pool) -> list[Member]:
    """Forty: the first twenty women in Shanghai who bought powder at night on Tmall; of the others, four are women."""
    shop = Store.objects.create(pool=pool, code="S1", name="一店", created_at=AS_OF)
    powder = factories.product(pool, "P1", category="奶粉", brand="甲")
    toys = factories.product(pool, "T1", category="玩具", brand="乙")
    made = []
    for n in range(40):
        first = n < 20
        member = factories.member(
            pool,
            f"M{n}",
            gender=2 if first or n < 24 else 1,
            city="上海" if first else "杭州",
            birthday=datetime(1996 if first else 1980, 1, 1).date(),
            store=shop if n % 2 else None,
        )
        made.append(member)
        # 23:00 on a Saturday, noon on a Monday
        at = datetime(2026, 10, 3, 15, tzinfo=UTC) if first else datetime(2026, 10, 5, 4, tzinfo=UTC)
        if n < 30:
            order = factories.order(member, f"O{n}", at, 30_000 if first else 5_000, channel="tmall" if first else "pos")
            factories.line(order, 1, powder if first else toys, 5_000)
            factories.event(member, n, at, "add_to_cart" if first else "view")
    return made


@pytest.fixture
def shanghai(pool: Pool, people: list[Member]) -> Segment:
    return segment_of(pool, "上海客", {"all": [{"fact": "city", "op": "in", "value": ["上海"]}]})
