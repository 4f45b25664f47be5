"""When a rule that follows changes is looked at again: when anything it reads may be otherwise."""

from datetime import timedelta

import pytest

from members.versions import bump
from segmentation.models import TagRule
from segmentation.segments import services as segments
from segmentation.tagging.stamps import stamp

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
SENT = {"fact": "sequence", "op": "any", "of": ["$sent"], "then": {"of": ["visit"], "within": 1, "unit": "days"}}


def of(pool, **condition):
    return TagRule(pool=pool, rule={"all": [condition]})


def bought(**more):
    return {"fact": "orders", "op": "any", **more}


@pytest.mark.parametrize(
    ("asked", "domain"),
    [
        (bought(), "orders"),
        (bought(), "members"),  # who joins has no orders
        (bought(window={"since": "last_event", "of": ["visit"]}), "events"),
        (bought(window={"since": "stage_change"}), "state"),
        (SENT, "deliveries"),
    ],
)
def test_a_change_of_what_it_reads_is_seen(pool, as_of, asked, domain):
    rule = of(pool, **asked)
    before = stamp(rule, as_of)
    bump(pool.pk, "consents")
    assert stamp(rule, as_of + MINUTE) == before
    bump(pool.pk, domain)
    assert stamp(rule, as_of + MINUTE) != before


def test_what_segments_it_names_read_counts_too(pool, as_of, crowd):
    fixed = segments.save_list(pool=pool, name="名单", text=str(crowd[0].pk), actor=None, as_of=as_of)
    asks = [{"fact": "segment", "op": "any", "value": [fixed.segment.pk]}, {"fact": "points", "op": "gte", "value": 1}]
    live = segments.save(pool=pool, name="内", rule={"any": asks}, actor=None)
    rule = of(pool, fact="segment", op="none", value=[live.pk])
    before = stamp(rule, as_of)
    assert stamp(rule, as_of + MINUTE) == before
    bump(pool.pk, "points")
    richer = stamp(rule, as_of)
    assert richer != before
    segments.edit_list(segment=fixed.segment, ids=segments.BitMap([crowd[1].pk]), remove=False, actor=None, as_of=as_of)
    assert stamp(rule, as_of) != richer


@pytest.mark.parametrize(
    "asked",
    [
        bought(window={"last": 3, "unit": "hours"}),
        {"fact": "campaign_entered", "op": "any"},  # nobody counts the changes of campaigns
    ],
)
def test_what_moves_by_the_minute_is_never_the_same(pool, as_of, asked):
    rule = of(pool, **asked)
    assert stamp(rule, as_of) == stamp(rule, as_of)
    assert stamp(rule, as_of) != stamp(rule, as_of + MINUTE)
