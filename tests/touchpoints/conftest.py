"""Members who may be written to, a connector that is not there, a content."""

from collections.abc import Callable
from datetime import datetime

import pytest

from members.models import Consent, Member, Pool
from touchpoints import services
from touchpoints.models import Connector, Content, Step

BODY = '{{member.name|default:"您"}}，您好！\n\n[看看新品]({{campaign.link}})'


def agree(member: Member, carrier: str = "email", *, granted: bool = True, purpose: str = "marketing") -> None:
    Consent.objects.create(
        member=member, carrier=carrier, purpose=purpose, granted=granted, at=member.joined_at, source="test", wording=""
    )


@pytest.fixture
def fake(pool: Pool) -> Connector:
    return services.save_connector(pool=pool, key="fake", name="Fake", config={"mode": "record"})


@pytest.fixture
def content(pool: Pool) -> Content:
    return services.save_content(
        pool=pool, carrier="email", name="Hello", subject="{{member.name}}，您好", body=BODY, link="https://shop.example/new"
    )


@pytest.fixture
def open_step(pool: Pool, fake: Connector, as_of: datetime) -> Callable[..., Step]:
    def make(source: str = "test:1", **given: object) -> Step:
        return services.open_step(**{"pool": pool, "source": source, "connector": fake, "due_at": as_of, **given})

    return make


@pytest.fixture(autouse=True)
def _loopback(settings) -> None:
    """The doubles of providers listen on this machine."""
    settings.ALLOW_PRIVATE_TARGETS = True
