"""A pool with members who may be written to, a segment of all, a fake provider, and a campaign for them."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from campaigns import services
from campaigns.models import Campaign
from members.models import Consent, Member, MemberState, Pool
from segmentation.models import Segment, SegmentVersion
from tests import factories
from touchpoints.models import Connector

EVERYBODY: dict[str, Any] = {"all": []}
IMPORTANT = {"fact": "rfm_group", "op": "in", "value": [7, 5, 3, 1]}


def consenting(pool: Pool, name: str, email: str, **state: Any) -> Member:
    member = factories.member(pool, name, email=email)
    Consent.objects.create(
        member=member, carrier="email", purpose="marketing", granted=True, at=factories.LONG_AGO, source="test"
    )
    Consent.objects.create(
        member=member, carrier="webhook", purpose="marketing", granted=True, at=factories.LONG_AGO, source="test"
    )
    MemberState.objects.create(member=member, pool=pool, **state)
    return member


def segment_of(pool: Pool, rule: dict[str, Any], name: str = "全部会员") -> Segment:
    segment = Segment.objects.create(pool=pool, name=name)
    SegmentVersion.objects.create(segment=segment, n=1, rule=rule)
    return segment


@pytest.fixture
def people(pool: Pool) -> list[Member]:
    """Forty members, every fourth of an important RFM group."""
    return [
        consenting(pool, f"会员{n}", f"m{n}@example.com", rfm_group=7 if n % 4 == 0 else 2, stage=1, order_count=n % 3)
        for n in range(40)
    ]


@pytest.fixture
def segment(pool: Pool) -> Segment:
    return segment_of(pool, EVERYBODY)


@pytest.fixture
def connector(pool: Pool) -> Connector:
    return Connector.objects.create(pool=pool, key="fake", name="演示渠道", config={})


@pytest.fixture
def draft(pool: Pool, people: list[Member], segment: Segment, connector: Connector) -> Campaign:
    """Complete and ready to launch: two layers, a quarter held out, 14 days."""
    made = services.create(pool=pool, actor=None, name="回归", segment=segment)
    made = services.save(campaign=made, actor=None, connector=connector, holdout_percent=25, unit_cost=10)
    (rest,) = made.layers.all()
    said = {"subject": "Hi {{member.name}}", "body": "[去看看]({{campaign.link}})", "link": "https://shop.example.com/"}
    services.save_layer(campaign=made, layer=rest, actor=None, name="其余", rule=None, **said)
    services.add_layer(campaign=made, actor=None, name="重要", rule=IMPORTANT, **said)
    return made


@pytest.fixture
def later(as_of: datetime) -> Callable[[float], datetime]:
    """`later(15)`: so many days after now."""
    return lambda days: as_of + timedelta(days=days)
