"""What the builder offers to choose from: stores are told by their names, found by them, and kept by the code orders name."""

from datetime import datetime

import pytest

from members.models import Member, Pool, Store
from segmentation import choices
from segmentation.rules.explain import explain
from segmentation.rules.parse import parse
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def stores(pool: Pool, alice: Member, as_of: datetime) -> None:
    Store.objects.create(pool=pool, code="S1", name="南京路店", created_at=as_of)
    Store.objects.create(pool=pool, code="S2", name="S2", created_at=as_of)
    for n, code in enumerate(("S1", "S2", "S9")):
        factories.order(alice, f"A{n}", as_of, 100, store=code)


def test_stores_are_offered_by_name_and_found_by_name_or_code(pool: Pool, stores: None) -> None:
    assert choices.options(pool, "stores") == [("S1", "南京路店 · S1"), ("S2", "S2"), ("S9", "S9")]
    assert choices.options(pool, "stores", "南京") == [("S1", "南京路店 · S1")]
    assert choices.options(pool, "stores", "s9") == [("S9", "S9")]


def test_sentences_name_the_store(pool: Pool, other_pool: Pool, stores: None) -> None:
    rule = parse({"fact": "store", "op": "any", "value": ["S1", "S9"]})
    assert explain(rule, "zh-hans", choices.namer(pool, "zh-hans")) == "在南京路店或 S9 消费过"
    assert explain(rule, "zh-hans", choices.namer(other_pool, "zh-hans")) == "在 S1 或 S9 消费过"
