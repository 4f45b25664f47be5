"""Merging and undoing as the apps above members take part: messages on their way, points, arms, lists."""

import uuid
from datetime import timedelta

import pytest
from pyroaring import BitMap

from campaigns import results
from campaigns.models import Campaign, JourneyVersion, Participant, Run
from loyalty import services as loyalty
from loyalty.models import Account, EarningRule, Entry
from members import merging
from members.merging import Cause, Told, merge_pairs
from members.models import Consent, ConsentEntry, Event, Merge, Order
from scrm.lib import sql
from scrm.lib.problems import Problem
from segmentation.models import Segment, SegmentSnapshot
from segmentation.segments import services as segments
from tests import factories
from touchpoints import links, outbox, receipts, resolving
from touchpoints.connectors.base import Receipt as Said
from touchpoints.models import Connector, Content, Delivery, Receipt, Recorded, Step

pytestmark = pytest.mark.django_db
S = Delivery.Status


def merge(pool, winner, loser, as_of):
    merge_pairs(pool_id=pool.pk, pairs=[(winner.pk, loser.pk)], cause=Cause("manual"), actor=None, as_of=as_of)
    return Merge.objects.latest("pk")


def undo(row, as_of, **more):
    return merging.undo(merge=row, actor=None, as_of=as_of, **more)


@pytest.fixture
def step(pool, as_of):
    connector = Connector.objects.create(pool=pool, key="fake", name="fake", config={"carrier": "email"}, is_sandbox=True)
    return Step.objects.create(pool=pool, source="test:1", connector=connector, due_at=as_of)


@pytest.fixture
def content(pool):
    return Content.objects.create(pool=pool, carrier="email", name="c", subject="hi", body="hello")


def delivery(member, step, content, status, as_of, **more):
    return Delivery.objects.create(
        member=member, step=step, pool_id=step.pool_id, content=content, status=status, next_at=as_of, **more
    )


def sending(member, step, content, as_of, token):
    return delivery(
        member,
        step,
        content,
        S.SENDING,
        as_of,
        tried_at=as_of,
        lease_token=token,
        lease_until=as_of + timedelta(days=9),
        attempt=1,
    )


# -- Messages on their way ------------------------------------------------------------------------
def test_a_message_being_sent_is_recorded_where_it_went_to(pool, alice, bob, step, content, as_of):
    token = uuid.uuid4()
    sending(bob, step, content, as_of, token)
    row = merge(pool, alice, bob, as_of)
    shift = outbox._Shift(step, outbox.PACE, 500, as_of)
    shift.moment = as_of
    shift._record(str(token), (S.ACCEPTED, "", "", "ref-1", timedelta(0), 0), [bob.pk])
    found = Delivery.objects.get()
    assert (found.member_id, found.status, found.provider_ref, found.sent_as) == (alice.pk, S.ACCEPTED, "ref-1", bob.pk)
    receipts.record([Said(links.key_of(bob.pk, step.pk), "read", as_of)])
    assert Delivery.objects.get().opened_at == as_of
    assert Receipt.objects.get().member_id == alice.pk
    undo(row, as_of)
    found = Delivery.objects.get()
    assert (found.member_id, found.status, found.sent_as) == (bob.pk, S.READ, None)
    assert Receipt.objects.get().member_id == bob.pk
    receipts.record([Said(links.key_of(bob.pk, step.pk), "clicked", as_of)])
    assert Delivery.objects.get().status == S.CLICKED


def test_a_lease_is_taken_back_and_nobody_sends_it_twice(pool, alice, bob, step, content, as_of):
    token = uuid.uuid4()
    delivery(bob, step, content, S.LEASED, as_of, lease_token=token, lease_until=as_of + timedelta(days=9))
    merge(pool, alice, bob, as_of)
    shift = outbox._Shift(step, outbox.PACE, 500, as_of)
    shift.moment = as_of
    assert shift._intend(str(token), [bob.pk]) == []
    assert outbox.pump(step.pk, as_of=as_of).accepted == 1
    assert Recorded.objects.get().key == links.key_of(alice.pk, step.pk)


def test_of_two_messages_of_one_step_the_one_that_left_stays(pool, alice, bob, step, content, as_of):
    delivery(alice, step, content, S.PLANNED, as_of)
    delivery(bob, step, content, S.DELIVERED, as_of, tried_at=as_of, sent_at=as_of)
    row = merge(pool, alice, bob, as_of)
    assert Delivery.objects.get().status == S.DELIVERED
    assert outbox.pump(step.pk, as_of=as_of).accepted == 0
    undo(row, as_of)
    assert dict(Delivery.objects.values_list("member_id", "status")) == {alice.pk: S.PLANNED, bob.pk: S.DELIVERED}


def test_a_doubt_is_resolved_under_the_key_it_was_sent_with(pool, alice, bob, step, content, as_of):
    long_ago = as_of - timedelta(days=30)
    delivery(bob, step, content, S.UNKNOWN, as_of, tried_at=long_ago, unsure_since=long_ago, lease_until=long_ago)
    Delivery.objects.update(unsure_since=sql.fetch("SELECT clock_timestamp()")[0][0])
    Recorded.objects.create(connector=step.connector, key=links.key_of(bob.pk, step.pk), at=as_of)
    merge(pool, alice, bob, as_of)
    resolving.resolve(step.pk)
    outbox.pump(step.pk, as_of=as_of)
    assert Delivery.objects.get().status == S.ACCEPTED
    assert {row.key for row in Recorded.objects.all()} == {links.key_of(bob.pk, step.pk)}


def test_a_second_try_has_the_key_of_the_first(pool, alice, bob, step, content, as_of):
    delivery(bob, step, content, S.PLANNED, as_of, tried_at=as_of, attempt=1)
    merge(pool, alice, bob, as_of)
    assert outbox.pump(step.pk, as_of=as_of).accepted == 1
    assert Recorded.objects.get().key == links.key_of(bob.pk, step.pk)


def test_a_message_since_goes_with_the_address_it_went_to(pool, as_of, step, content):
    winner = factories.member(pool, "W", phone="13800000001")
    loser = factories.member(pool, "L", email="l@example.com")
    row = merge(pool, winner, loser, as_of)
    delivery(winner, step, content, S.ACCEPTED, as_of, tried_at=as_of, sent_at=as_of)
    assert [each.verdict for each in merging.preview(row, as_of).since] == ["address"]
    undo(row, as_of)
    found = Delivery.objects.get()
    assert (found.member_id, found.sent_as) == (loser.pk, winner.pk)
    receipts.record([Said(links.key_of(winner.pk, step.pk), "read", as_of)])
    assert Delivery.objects.get().opened_at == as_of


# -- Arms -----------------------------------------------------------------------------------------
@pytest.fixture
def run(pool, as_of):
    campaign = Campaign.objects.create(pool=pool, name="c")
    version = JourneyVersion.objects.create(campaign=campaign, n=1, graph={})
    return Run.objects.create(campaign=campaign, slot=as_of, version=version, entered_at=as_of)


@pytest.mark.parametrize("treated_wins", [True, False])
def test_a_person_of_both_arms_is_compared_with_nobody(pool, alice, bob, run, as_of, treated_wins):
    for member, arm, node in ((alice, 1 if treated_wins else 0, "w"), (bob, 0 if treated_wins else 1, "l")):
        Participant.objects.create(member=member, run=run, arm=arm, entered_at=as_of, node=node)
    before = list(Participant.objects.order_by("member_id").values())
    row = merge(pool, alice, bob, as_of)
    found = Participant.objects.get()
    assert (found.member_id, found.arm, found.node) == (alice.pk, 2, "w" if treated_wins else "l")
    read = results.results(run.campaign, as_of, run)
    assert (read.whole.treated.members, read.whole.holdout.members, read.both.members) == (0, 0, 1)
    undo(row, as_of)
    assert list(Participant.objects.order_by("member_id").values()) == before


def test_two_of_one_arm_are_one(pool, alice, bob, run, as_of):
    for member in (alice, bob):
        Participant.objects.create(member=member, run=run, arm=1, entered_at=as_of, node="x")
    merge(pool, alice, bob, as_of)
    assert Participant.objects.get().arm == 1


# -- Points ---------------------------------------------------------------------------------------
def balances():
    return dict(Account.objects.values_list("member_id", "position"))


@pytest.fixture
def points(staff, as_of):
    def give(member, amount, key):
        return loyalty.adjust(member=member, amount=amount, key=key, at=as_of, reason="r", actor=staff["operator"])

    return give


def test_points_go_back_through_the_ledger(pool, alice, bob, points, as_of):
    points(alice, 10, "a")
    points(bob, 30, "b")
    row = merge(pool, alice, bob, as_of)
    assert balances() == {alice.pk: 40, bob.pk: 0}
    points(alice, 5, "c")
    undo(row, as_of)
    assert balances() == {alice.pk: 15, bob.pk: 30}
    assert not sql.fetch("SELECT * FROM loyalty_audit")


def test_what_an_order_of_the_loser_lost_since_is_the_losers(pool, alice, bob, points, as_of):
    EarningRule.objects.create(pool=pool, n=1, starts_at=factories.LONG_AGO, points=1, step=100)
    factories.order(bob, "B", as_of, 5000)
    sql.run("INSERT INTO loyalty_duemember (member_id, pool_id) SELECT id, pool_id FROM members_member")
    loyalty.earn_chunk(pool_id=pool.pk, as_of=as_of)
    row = merge(pool, alice, bob, as_of)
    assert balances() == {alice.pk: 50, bob.pk: 0}
    Order.objects.update(refunded=2000)
    sql.run("INSERT INTO loyalty_duemember (member_id, pool_id) SELECT id, pool_id FROM members_member WHERE merged_into IS NULL")
    loyalty.earn_chunk(pool_id=pool.pk, as_of=as_of)
    assert balances() == {alice.pk: 30, bob.pk: 0}
    undo(row, as_of)
    assert balances() == {alice.pk: 0, bob.pk: 30}


def test_points_spent_since_are_asked_about(pool, alice, bob, points, as_of):
    points(bob, 30, "b")
    row = merge(pool, alice, bob, as_of)
    loyalty.spend(member=alice, amount=20, key="s", at=as_of, reason="", actor=None)
    assert [each.key for each in merging.preview(row, as_of).questions] == ["points"]
    assert balances() == {alice.pk: 10, bob.pk: 0}
    with pytest.raises(Problem) as refusal:
        undo(row, as_of)
    assert refusal.value.code == "merge.open_question"
    undo(row, as_of, choices={"points": "available"})
    assert balances() == {alice.pk: 0, bob.pk: 10}
    assert Merge.objects.get().undone["points_missing"] == 20


def test_all_points_go_back_when_a_person_says_so(pool, alice, bob, points, as_of):
    points(bob, 30, "b")
    row = merge(pool, alice, bob, as_of)
    loyalty.spend(member=alice, amount=20, key="s", at=as_of, reason="", actor=None)
    undo(row, as_of, choices={"points": "full"})
    assert balances() == {alice.pk: -20, bob.pk: 30}
    assert Entry.objects.filter(key__startswith="unmerge:").count() == 2


# -- Facts since ----------------------------------------------------------------------------------
def test_an_order_since_goes_by_its_channel_or_by_word(pool, as_of):
    winner, loser = factories.member(pool, "W"), factories.member(pool, "L")
    factories.order(winner, "W1", as_of, 100, channel="pos")
    factories.order(loser, "L1", as_of, 100, channel="tmall")
    row = merge(pool, winner, loser, as_of)
    sku = factories.product(pool, "SKU")
    factories.line(factories.order(winner, "W2", as_of, 100, channel="pos"), 1, sku, 100)
    factories.line(factories.order(winner, "L2", as_of, 100, channel="tmall"), 1, sku, 100)
    opened = factories.order(winner, "X", as_of, 100, channel="jd")
    factories.line(opened, 1, sku, 100)
    shown = {each.text.split(" ")[0]: each for each in merging.preview(row, as_of).since}
    assert {name: (each.loser_id, each.verdict) for name, each in shown.items()} == {
        "W2": (None, "channel"),
        "L2": (loser.pk, "channel"),
        "X": (None, ""),
    }
    undo(row, as_of, assignments=[Told.parse(shown["X"].key, loser.pk)])
    owners = dict(Order.objects.values_list("number", "member__name"))
    assert owners == {"W1": "W", "W2": "W", "L1": "L", "L2": "L", "X": "L"}
    assert sql.fetch(
        "SELECT count(*) FROM members_orderline l JOIN members_order o USING (member_id) WHERE l.order_id = o.id"
    ) == [(3,)]


def test_a_persons_word_reaches_through_later_merges(pool, as_of):
    a, b, c = (factories.member(pool, name) for name in "ABC")
    inner = merge(pool, b, c, as_of)
    merge(pool, a, b, as_of)
    Event.objects.create(member=a, occurred_at=as_of, id=7, pool_id=pool.pk, kind="view")
    (row,) = merging.preview(inner, as_of).since
    undo(inner, as_of, assignments=[Told.parse(row.key, c.pk)])
    assert Event.objects.get().member_id == c.pk


def test_a_withdrawal_since_counts_for_both(pool, alice, bob, as_of):
    row = merge(pool, alice, bob, as_of)
    from members import consents

    for granted, at in ((True, as_of - timedelta(hours=2)), (False, as_of)):
        consents.record(member=alice, carrier="email", purpose="marketing", granted=granted, at=at, source="x", actor=None)
    undo(row, as_of)
    assert dict(Consent.objects.values_list("member_id", "granted")) == {alice.pk: False, bob.pk: False}
    assert ConsentEntry.objects.filter(member=bob).count() == 1


# -- Lists ----------------------------------------------------------------------------------------
def test_the_winner_stands_in_the_losers_lists(pool, alice, bob, as_of):
    other = factories.member(pool, "Carol")
    segments.fix(pool=pool, name="l", ids=BitMap([bob.pk, other.pk]), actor=None, as_of=as_of, kind=Segment.Kind.LIST)
    row = merge(pool, alice, bob, as_of)
    assert set(BitMap.deserialize(SegmentSnapshot.objects.get().bitmap)) == {alice.pk, other.pk}
    undo(row, as_of)
    assert set(BitMap.deserialize(SegmentSnapshot.objects.get().bitmap)) == {bob.pk, other.pk}
