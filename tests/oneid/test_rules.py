"""What kinds of identity prove, what a pool says otherwise, whom a person told apart; which source wins for a field."""

import itertools
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from members import identities, merging
from members import people as by_hand
from members.importing import pipeline
from members.merging import apart
from members.models import Channel, Identity, MatchCount, Member, Merge, NotSame, Pool, Review
from members.oneid import services
from scrm.lib.problems import Problem
from tests import factories
from tests.oneid.conftest import brought, people, ruled, stored, uploaded

pytestmark = pytest.mark.django_db
A, B = "13800000001", "13800000002"
Bring = Callable[..., Any]


@pytest.mark.parametrize(
    ("kind", "written", "read"),
    [
        ("phone", "＋86 138-0000 0001", A),
        ("phone", "0086(138)00000001", A),
        ("phone", '="13800000001"', A),
        ("phone", "'13800000001", A),
        ("phone", "138\u200b0000\ufeff0001", A),
        ("phone", "13800000001.0", A),
        ("email", " Zhang.San+shop@GMAIL.com ", "zhang.san@gmail.com"),
        ("email", "a+b@qq.com", "a+b@qq.com"),
        ("tmall_nick", "小❤️Fan👨‍👩‍👧", "小❤fan👨‍👩‍👧"),
        ("card_no", "vip 00 1", "VIP001"),
        ("openid", "oAbC@wx12", "oAbC@wx12"),
    ],
)
def test_one_way_of_writing(kind: str, written: str, read: str) -> None:
    assert identities.normalise(kind, written) == read
    assert identities.problem(kind, read) == ""


@pytest.mark.parametrize("value", ["11111111111", "00000000000", "12345678901", "13800138000", "99999999999"])
def test_numbers_that_are_nobodys(value: str) -> None:
    assert identities.problem("phone", value) == "placeholder"


def test_every_kind_has_rules_and_a_number_of_its_own() -> None:
    assert set(identities.KINDS) == set(Identity.Kind.values)
    assert len(identities.NUMBERS) == len(identities.KINDS)
    assert {kind for kind, each in identities.KINDS.items() if each.joins == "attach"} == set(Identity.WEAK)


# -- Joining ---------------------------------------------------------------------------------------
def test_a_kind_that_asks_joins_nobody_and_puts_the_pair_before_a_person(pool: Pool, bring: Bring) -> None:
    ruled(pool, email={"joins": "ask"})
    bring([A, "a@b.cn", ""], [B, "c@d.cn", ""])
    run = bring([A, "c@d.cn", "C9"])
    assert stored(pool) == people(f"{A} a@b.cn C9", f"{B} c@d.cn")
    review = Review.objects.get()
    one, two = (Identity.objects.get(value_hash=identities.fingerprint("phone", each)).member_id for each in (A, B))
    assert (review.one_id, review.two_id, review.reason, review.cause_kind, review.run) == (one, two, "asked", "email", run)
    assert review.evidence == {"line": 2, "rows": 1}
    bring([A, "c@d.cn", "C9"])
    assert Review.objects.count() == 1


def test_a_kind_that_asks_still_tells_who_somebody_is(pool: Pool, bring: Bring) -> None:
    ruled(pool, email={"joins": "ask"})
    bring(["", "a@b.cn", ""])
    bring(["", "A@B.CN", ""], ["", "x@y.cn", ""])
    assert stored(pool) == people("a@b.cn", "x@y.cn")


def test_members_told_apart_stay_apart(pool: Pool, bring: Bring, as_of: datetime, staff: Any) -> None:
    bring([A, "", "C1"], [B, "", "C2"])
    one, two = Member.objects.order_by("pk")
    apart.say_apart(pool=pool, one=one.pk, two=two.pk, reason="", actor=staff["admin"], as_of=as_of)
    run = bring([A, "", "C2"], [B, "", "C2"])
    assert stored(pool) == people(f"{A} C1", f"{B} C2")
    assert run.counts["merged"] == 0
    assert not Review.objects.exists(), "a person has decided that already"


def test_too_many_of_a_kind_are_asked_about(pool: Pool, bring: Bring) -> None:
    ruled(pool, card_no={"most": 1})
    bring([A, "", "C1"], [B, "", "C2"])
    bring([A, "a@b.cn", ""], [B, "a@b.cn", ""])
    assert len(stored(pool)) == 2
    assert Review.objects.get().reason == "conflict"


def test_a_merge_says_which_identity_caused_it(pool: Pool, bring: Bring) -> None:
    bring([A, "", ""], ["", "", "C2"])
    run = bring([A, "", "C2"])
    merge = Merge.objects.get()
    assert (merge.cause_kind, merge.cause_hint, merge.source) == (
        "card_no",
        "C2",
        f"import:{run.pk}",
    ) or merge.cause_kind == "phone"


def test_an_openid_belongs_to_its_app(pool: Pool, bring: Bring) -> None:
    pool.settings = {"oneid": {"scopes": {"openid:mini_program": "wx1"}}}
    pool.save()
    code = Channel.objects.exclude(code="pos").values_list("code", flat=True)
    assert "mini_program" in code
    bring(["o1", A], head=["openid", "手机号"], channel="mini_program")
    bring(["o1", B], head=["openid", "手机号"], channel="pos")
    assert stored(pool) == people(f"o1@wx1 {A}", f"o1 {B}")


# -- Counts ----------------------------------------------------------------------------------------
def counted(run: Any) -> dict[tuple[str, str], int]:
    return {(row.outcome, row.kind): row.people for row in MatchCount.objects.filter(run=run)}


def test_an_import_keeps_how_its_people_were_recognised(pool: Pool, bring: Bring) -> None:
    bring([A, "", "C1"], [B, "", ""], ["", "x@y.cn", ""])
    run = bring([A, "", "C1"], [B, "", "C2"], ["", "", "C3"], ["", "x@y.cn", ""])
    assert counted(run) == {("matched", "card_no"): 1, ("matched", "phone"): 1, ("matched", "email"): 1, ("new", ""): 1}


def test_a_check_rehearses(pool: Pool, bring: Bring, as_of: datetime) -> None:
    bring([A, "", ""], ["", "", "C2"], [B, "", ""])
    run = uploaded(pool, [[A, "", "C2"], [B, "", "C3"], ["", "n@n.cn", ""]])
    counts = pipeline.check(run, as_of=as_of)
    result = run.rehearsals.get().result
    one, two = (
        Identity.objects.get(value_hash=identities.fingerprint(*each)).member_id for each in (("phone", A), ("card_no", "C2"))
    )
    assert counts["merged"] == result["merges"] == 1
    assert (result["people"], result["new"]) == (3, 1)
    assert [group["members"] for group in result["groups"]] == [[one, two]]
    assert Merge.objects.count() == MatchCount.objects.filter(run=run).count() == 0
    assert Member.objects.count() == 3


# -- Whose word counts for a field -----------------------------------------------------------------
NAMED = ["手机号", "姓名", "城市"]


def named(pool: Pool, as_of: datetime, *sources: tuple[str, str]) -> tuple[str, str]:
    for place, (channel, name) in enumerate(sources):
        brought(pool, [[A, name, ""]], as_of + timedelta(hours=place), head=NAMED, channel=channel)
    member = Member.objects.get(merged_into=None)
    return member.name, member.city


def test_without_a_rule_the_newest_file_wins(pool: Pool, as_of: datetime) -> None:
    assert named(pool, as_of, ("tmall", "甲"), ("pos", "乙"))[0] == "乙"
    assert Member.objects.get().sources["name"][0] == str(Channel.objects.get(code="pos").pk)


@pytest.mark.parametrize("order", list(itertools.permutations([("pos", "店"), ("tmall", "猫"), ("jd", "狗")])))
def test_the_most_trusted_source_wins_in_any_order(pool: Pool, as_of: datetime, order: Any) -> None:
    pool.settings = {"oneid": {"precedence": {"name": {"rule": "trusted", "order": ["staff", "pos", "tmall", "jd"]}}}}
    pool.save()
    assert named(pool, as_of, *order)[0] == "店"


def test_a_trusted_source_that_says_the_same_vouches_for_it(pool: Pool, as_of: datetime) -> None:
    pool.settings = {"oneid": {"precedence": {"name": {"rule": "trusted", "order": ["staff", "pos", "tmall", "jd"]}}}}
    pool.save()
    assert named(pool, as_of, ("jd", "甲"), ("pos", "甲"), ("tmall", "乙"))[0] == "甲"


def test_what_somebody_wrote_here_beats_every_file(pool: Pool, as_of: datetime, staff: Any) -> None:
    named(pool, as_of, ("tmall", "甲"))
    by_hand.edit_member(member=Member.objects.get(), changes={"name": "真名"}, actor=staff["operator"], as_of=as_of)
    assert named(pool, as_of, ("pos", "乙"))[0] == "真名"
    run = brought(pool, [[A, "丙", "上海"]], as_of, head=NAMED)
    assert (Member.objects.get().name, Member.objects.get().city) == ("真名", "上海")
    assert run.counts["updated"] == 1


def test_the_newest_wins_where_the_pool_says_so(pool: Pool, as_of: datetime, staff: Any) -> None:
    pool.settings = {"oneid": {"precedence": {"name": {"rule": "newest"}}}}
    pool.save()
    named(pool, as_of, ("tmall", "甲"))
    by_hand.edit_member(member=Member.objects.get(), changes={"name": "真名"}, actor=staff["operator"], as_of=as_of)
    assert named(pool, as_of, ("pos", "乙"))[0] == "乙"


def test_merging_goes_by_the_same_order(pool: Pool, as_of: datetime) -> None:
    pool.settings = {"oneid": {"precedence": {"name": {"rule": "trusted", "order": ["staff", "pos", "tmall"]}}}}
    pool.save()
    channel = {each.code: each for each in Channel.objects.all()}
    one = factories.member(pool, "猫", phone=A, channel=channel["tmall"], city="杭州")
    two = factories.member(pool, "店", phone=B, channel=channel["pos"], city="上海")
    merging.merge_pairs(pool_id=pool.pk, pairs=[(one.pk, two.pk)], cause=merging.Cause(), actor=None, as_of=as_of)
    one.refresh_from_db()
    assert (one.name, one.city) == ("店", "杭州")
    assert one.sources["name"][0] == str(channel["pos"].pk)


# -- Decisions -------------------------------------------------------------------------------------
@pytest.fixture
def review(pool: Pool, alice: Member, bob: Member, as_of: datetime) -> Review:
    return Review.objects.create(pool=pool, one_id=alice.pk, two_id=bob.pk, reason="asked", cause_kind="email", at=as_of)


def test_merging_a_pair(pool: Pool, review: Review, alice: Member, bob: Member, staff: Any, as_of: datetime) -> None:
    given: dict[str, Any] = {
        "pool": pool,
        "reviews": [review.pk],
        "verdict": "merged",
        "actor": staff["operator"],
        "as_of": as_of,
    }
    assert services.decide(**given, keep={review.pk: bob.pk}) == 1
    assert Member.objects.get(pk=alice.pk).merged_into == bob.pk
    assert Merge.objects.get().source == f"review:{review.pk}"
    review.refresh_from_db()
    assert (review.status, review.decided_by, review.decided_at) == ("merged", staff["operator"], as_of)
    assert services.decide(**given) == 0


def test_saying_that_they_are_two(pool: Pool, review: Review, alice: Member, bob: Member, staff: Any, as_of: datetime) -> None:
    services.decide(pool=pool, reviews=[review.pk], verdict="apart", actor=staff["operator"], as_of=as_of)
    assert list(NotSame.objects.values_list("first_id", "second_id")) == [(alice.pk, bob.pk)]
    assert Member.objects.filter(merged_into=None).count() == 2


def test_leaving_it(pool: Pool, review: Review, staff: Any, as_of: datetime) -> None:
    services.decide(pool=pool, reviews=[review.pk], verdict="ignored", actor=staff["operator"], as_of=as_of)
    review.refresh_from_db()
    services.reopen(review=review, actor=staff["operator"])
    review.refresh_from_db()
    assert review.status == "open"


def test_rules_that_are_none_are_refused(pool: Pool, staff: Any) -> None:
    for wrong in ({"kinds": {"fax": {}}}, {"kinds": {"phone": {"limit": -1}}}, {"precedence": {"name": {"rule": "x"}}}, {"x": 1}):
        with pytest.raises(Problem) as refused:
            services.save_rules(pool=pool, changes=wrong, actor=staff["admin"])
        assert refused.value.code == "oneid.unknown"
    with pytest.raises(Problem) as refused:
        services.save_rules(pool=pool, changes={"kinds": {"device_id": {"joins": "merge"}}}, actor=staff["admin"])
    assert refused.value.code == "oneid.weak"
