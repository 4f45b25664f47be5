"""Numbers in addresses as nobody writes them: what is no number is left out, it does not break the page."""

from collections.abc import Callable
from typing import Any

import pytest

from members.models import Member, Pool
from segmentation.segments import services
from segmentation.standings import services as standings

pytestmark = pytest.mark.django_db
ADDRESSES = [
    "/p/demo/segments/{segment}/edit/?version={odd}",
    "/p/demo/segments/standings/{scheme}/?after={odd}.1",
    "/p/demo/segments/standings/{scheme}/?after={odd}.1&due=week",
    "/p/demo/members/{member}/orders/?before={odd}",
    "/p/demo/settings/audit/?before={odd}",
    "/p/demo/imports/new/?corrects={odd}",
    "/p/demo/oneid/?run={odd}&before={odd}",
    "/p/demo/dashboard/?days={odd}",
    "/p/demo/charts/member_spend.json?member={odd}",
    "/p/demo/charts/member_hours.json?member={odd}",
    "/p/demo/charts/quality_trend.json?source={odd}",
    "/p/demo/charts/consent_changes.json?days={odd}",
]


@pytest.fixture
def known(pool: Pool, alice: Member) -> dict[str, int]:
    segment = services.save(pool=pool, name="上海", rule={"all": [{"fact": "city", "op": "in", "value": ["上海"]}]}, actor=None)
    scheme = standings.save(pool=pool, family="value", name="价值", settings={}, actor=None)
    return {"member": alice.pk, "segment": segment.pk, "scheme": scheme.pk}


@pytest.mark.parametrize("odd", ["²", "--5", "9" * 5000], ids=["superscript", "two signs", "endless"])
def test_a_number_that_is_none_breaks_no_page(login: Callable[..., Any], known: dict[str, int], odd: str) -> None:
    client = login("admin")
    for address in ADDRESSES:
        assert client.get(address.format(odd=odd, **known)).status_code in (200, 404), address
