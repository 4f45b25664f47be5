"""Undoing a merge: both members exactly as they were, with what happened since."""

import pytest

from members import merging
from members.merging import Cause, merge_pairs
from members.models import Identity, Member, MemberTag, Merge, NotSame, Order, OrderLine, Tag, TagGroup
from scrm.lib.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db


def merge(pool, winner, loser, as_of, **more):
    merge_pairs(pool_id=pool.pk, pairs=[(winner.pk, loser.pk)], cause=Cause("manual"), actor=None, as_of=as_of, **more)
    return Merge.objects.latest("pk")


def undo(row, as_of, **more):
    return merging.undo(merge=row, actor=None, as_of=as_of, **more)


def test_both_are_as_they_were(pool, alice, bob, as_of):
    order = factories.order(bob, "B-1", as_of, 5000)
    factories.line(order, 1, factories.product(pool, "SKU"), 5000)
    factories.order(alice, "A-1", as_of, 700)
    Member.objects.filter(pk=bob.pk).update(city="杭州", province="浙江", attributes={"a": 1})
    row = merge(pool, alice, bob, as_of)
    Order.objects.filter(number="B-1").update(refunded=1000)
    done = undo(row, as_of)
    assert done.members == 1
    assert dict(Order.objects.values_list("number", "member_id")) == {"B-1": bob.pk, "A-1": alice.pk}
    assert Order.objects.get(number="B-1").refunded == 1000  # an order refunded since stays refunded
    assert OrderLine.objects.get().member_id == bob.pk
    assert set(Identity.objects.filter(member=bob).values_list("kind", flat=True)) == {"phone", "email"}
    assert Identity.objects.filter(member=alice).count() == 2
    alice.refresh_from_db()
    assert (alice.city, alice.attributes) == ("", {})
    assert Member.objects.get(pk=bob.pk).merged_into is None
    assert NotSame.objects.get().first_id == min(alice.pk, bob.pk)
    assert undo(row, as_of).members == 0


def test_rows_that_gave_way_come_back(pool, alice, bob, as_of):
    group = TagGroup.objects.create(pool=pool, name="g")
    early, late = factories.days_before(as_of, 9), factories.days_before(as_of, 1)
    for name, first, second in (("t", early, late), ("u", late, early)):
        tag = Tag.objects.create(pool=pool, group=group, name=name)
        MemberTag.objects.create(member=alice, tag=tag, at=first)
        MemberTag.objects.create(member=bob, tag=tag, at=second)
    before = set(MemberTag.objects.values_list("member_id", "tag__name", "at"))
    row = merge(pool, alice, bob, as_of)
    assert MemberTag.objects.count() == 2
    undo(row, as_of)
    assert set(MemberTag.objects.values_list("member_id", "tag__name", "at")) == before


def test_fields_edited_since_stay(pool, as_of):
    winner = factories.member(pool, "")
    loser = factories.member(pool, "王敏", city="上海", province="上海")
    row = merge(pool, winner, loser, as_of)
    Member.objects.filter(pk=winner.pk).update(city="苏州", province="江苏")
    undo(row, as_of)
    winner.refresh_from_db()
    assert (winner.name, winner.city) == ("", "苏州")


def test_the_first_of_two_may_be_undone_first(pool, as_of):
    a, b, c = (factories.member(pool, name, phone=f"1380000000{n}") for n, name in enumerate("ABC"))
    for member in (a, b, c):
        factories.order(member, member.name, as_of, 100)
    first, second = merge(pool, a, b, as_of), merge(pool, a, c, as_of)
    done = undo(first, as_of)
    assert (done.members, done.again) == (1, 1)
    assert dict(Order.objects.values_list("number", "member_id")) == {"A": a.pk, "B": b.pk, "C": a.pk}
    second.refresh_from_db()
    assert second.undone_at is None
    undo(second, as_of)
    assert dict(Order.objects.values_list("number", "member_id")) == {"A": a.pk, "B": b.pk, "C": c.pk}


def test_a_loser_whose_winner_was_merged_on_comes_out_of_the_current_one(pool, as_of):
    a, b, c = (factories.member(pool, name, phone=f"1380000000{n}") for n, name in enumerate("ABC"))
    for member in (a, b, c):
        factories.order(member, member.name, as_of, 100)
    inner, outer = merge(pool, b, c, as_of), merge(pool, a, b, as_of)
    assert Member.objects.get(pk=c.pk).merged_into == a.pk
    undo(inner, as_of)
    assert dict(Order.objects.values_list("number", "member_id")) == {"A": a.pk, "B": a.pk, "C": c.pk}
    assert dict(Member.objects.values_list("name", "merged_into")) == {"A": None, "B": a.pk, "C": None}
    undo(outer, as_of)
    assert dict(Order.objects.values_list("number", "member_id")) == {"A": a.pk, "B": b.pk, "C": c.pk}


def test_undoing_the_outer_keeps_the_inner(pool, as_of):
    a, b, c = (factories.member(pool, name) for name in "ABC")
    merge(pool, b, c, as_of)
    outer = merge(pool, a, b, as_of)
    undo(outer, as_of)
    assert dict(Member.objects.values_list("name", "merged_into")) == {"A": None, "B": None, "C": b.pk}


def test_they_are_not_joined_again_but_by_a_person(pool, alice, bob, as_of):
    undo(merge(pool, alice, bob, as_of), as_of)
    pairs = {"pool_id": pool.pk, "pairs": [(alice.pk, bob.pk)], "cause": Cause("phone"), "actor": None, "as_of": as_of}
    assert merge_pairs(**pairs) == 0
    third = factories.member(pool, "Carol")
    assert merge_pairs(**{**pairs, "pairs": [(alice.pk, third.pk), (third.pk, bob.pk)]}) == 0
    assert merge_pairs(**pairs, insist=True) == 1
    assert not NotSame.objects.exists()


def test_what_cannot_be_undone_says_why(pool, alice, bob, as_of, settings):
    row = merge(pool, alice, bob, as_of)
    settings.MERGE_UNDO_DAYS = 3
    with pytest.raises(Problem) as refusal:
        undo(row, factories.days_before(as_of, -4))
    assert (refusal.value.code, refusal.value.fields["reason"]) == ("merge.sealed", "expired")
    merging.seal_erased(pool_id=pool.pk, members=[bob.pk])
    with pytest.raises(Problem) as refusal:
        undo(row, as_of)
    assert refusal.value.fields["reason"] == "erased"
    assert not row.rows.exists()
