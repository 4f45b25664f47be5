"""Figures on small tables worked by hand; every number here can be counted on fingers."""

from datetime import UTC, date, datetime, timedelta

import pytest

from insights import catalog, figures, queries
from insights.behind import buyers, cohort, movers, scored
from insights.models import Figure
from insights.period import Period
from members.models import Member, MemberState, StateChange
from members.models.state import RfmGroup, Stage
from members.versions import bump
from tests import factories

pytestmark = pytest.mark.django_db


def at(day, hour=12):
    """A moment of October 2026 in Shanghai."""
    return datetime(2026, 10, day, hour, tzinfo=UTC) - timedelta(hours=8)


@pytest.fixture
def october(pool):
    return Period(pool, date(2026, 10, 1), date(2026, 10, 31))


@pytest.fixture
def shop(pool, alice, bob):
    """Alice buys 100 and 50, Bob 30 of which 10 come back; Carol's order was cancelled."""
    carol = factories.member(pool, "Carol", joined_at=at(5))
    factories.order(alice, "A-1", at(1, hour=0), 10_000)
    factories.order(alice, "A-2", at(20), 5_000)
    factories.order(bob, "B-1", at(31, hour=23), 3_000, refunded=1_000)
    factories.order(carol, "C-1", at(10), 99_900, status=3)
    factories.order(alice, "A-0", at(1, hour=0) - timedelta(seconds=1), 777)  # September's last second
    return {"alice": alice, "bob": bob, "carol": carol}


def test_trade_of_a_month_counts_paid_net_amounts_of_local_days(shop, october):
    assert queries.trade(october) == {"orders": 3, "gmv": 17_000, "buyers": 2, "repeat_buyers": 1}
    assert queries.trade(october.before)["gmv"] == 777


def test_days_without_orders_are_zero_not_missing(shop, october):
    days = queries.trade_days(october)
    assert len(days) == 31
    assert days[0] == {"day": "2026-10-01", "orders": 1, "gmv": 10_000, "buyers": 1}
    assert days[1]["gmv"] == 0
    assert days[30]["gmv"] == 2_000


def test_members_joined_and_total(shop, october):
    assert queries.members(october) == {"total": 3, "leads": 0, "joined": 1}
    days = queries.join_days(october)
    assert (days[3]["total"], days[4]["total"], days[4]["joined"]) == (2, 3, 1)


def test_merged_members_are_nobody(shop, october, pool):
    Member.objects.filter(pk=shop["carol"].pk).update(merged_into=shop["alice"].pk)
    assert queries.members(october)["total"] == 2


def test_readings_compare_with_the_days_before(shop, october):
    gmv = catalog.read("gmv", october)
    assert (gmv.value, gmv.before) == (17_000, 777)
    assert gmv.change == pytest.approx((17_000 - 777) / 777)
    assert catalog.read("repurchase_rate", october).value == 0.5
    assert catalog.read("aov", october).value == pytest.approx(17_000 / 3)


def test_a_pool_without_data_reads_as_nothing_rather_than_failing(october):
    for key in catalog.metrics:
        reading = catalog.read(key, october)
        assert reading.value in (0, None)
        assert reading.change is None


def test_figures_of_another_pool_stay_there(shop, other_pool):
    theirs = Period(other_pool, date(2026, 10, 1), date(2026, 10, 31))
    assert queries.trade(theirs)["orders"] == 0
    assert queries.members(theirs)["total"] == 0


def test_the_members_behind_a_figure_are_those_it_counted(shop, pool):
    assert set(buyers(pool, "1~2026-10-01~2026-10-31")) == {shop["alice"].pk, shop["bob"].pk}
    assert set(buyers(pool, "2~2026-10-01~2026-10-31")) == {shop["alice"].pk}
    assert set(buyers(pool, "1~2026-10-31~2026-10-31")) == {shop["bob"].pk}


@pytest.fixture
def moved(pool, alice, bob):
    """Alice active → silent → sleeping in October; Bob silent all along; Carol appears as active."""
    carol = factories.member(pool, "Carol")
    for member, stage in ((alice, Stage.SLEEPING), (bob, Stage.SILENT), (carol, Stage.ACTIVE)):
        MemberState.objects.create(member=member, pool=pool, stage=stage, r=5, f=4, rfm_group=RfmGroup.CHAMPIONS)

    def change(member, day, start, end):
        StateChange.objects.create(member=member, pool=pool, kind=1, at=at(day), from_code=start, to_code=end)

    change(alice, 3, Stage.ACTIVE, Stage.SILENT)
    change(alice, 20, Stage.SILENT, Stage.SLEEPING)
    change(carol, 9, None, Stage.ACTIVE)
    return {"alice": alice, "bob": bob, "carol": carol}


def test_a_flow_joins_the_two_ends_whatever_happened_between(moved, october):
    found = {(row["from_code"], row["to_code"]): row["members"] for row in queries.moves(october, StateChange.Kind.STAGE)}
    assert found == {(Stage.ACTIVE, Stage.SLEEPING): 1, (Stage.SILENT, Stage.SILENT): 1, (None, Stage.ACTIVE): 1}


def test_a_flow_of_the_past_forgets_what_came_later(moved, pool):
    early = Period(pool, date(2026, 10, 1), date(2026, 10, 10))
    found = {(row["from_code"], row["to_code"]): row["members"] for row in queries.moves(early, StateChange.Kind.STAGE)}
    assert found == {(Stage.ACTIVE, Stage.SILENT): 1, (Stage.SILENT, Stage.SILENT): 1, (None, Stage.ACTIVE): 1}


def test_the_members_behind_an_arrow(moved, pool):
    month = "2026-10-01~2026-10-31"
    assert set(movers(pool, f"1~{Stage.ACTIVE}~{Stage.SLEEPING}~{month}")) == {moved["alice"].pk}
    assert set(movers(pool, f"1~-~{Stage.ACTIVE}~{month}")) == {moved["carol"].pk}
    assert set(movers(pool, f"1~{Stage.SILENT}~{Stage.SILENT}~{month}")) == {moved["bob"].pk}
    assert set(scored(pool, "5~4")) == {member.pk for member in moved.values()}
    assert not scored(pool, "5~5")


def test_cohorts_count_who_came_back_in_which_month(pool, alice, bob):
    august = datetime(2026, 8, 10, tzinfo=UTC)
    for member in (alice, bob):
        factories.order(member, f"{member.pk}-first", august, 1000)
        MemberState.objects.create(member=member, pool=pool, first_order_at=august, order_count=1)
    factories.order(alice, "again", at(10), 1000)
    period = Period(pool, date(2026, 1, 1), date(2026, 10, 31))
    found = {(row["cohort"], row["later"]): row["members"] for row in queries.cohorts(period)}
    assert found == {("2026-08-01", 0): 2, ("2026-08-01", 2): 1}
    assert set(cohort(pool, "2026-08~2")) == {alice.pk}
    assert set(cohort(pool, "2026-08~0")) == {alice.pk, bob.pk}


def test_the_ladder_counts_who_got_at_least_that_far(pool, alice, bob):
    MemberState.objects.create(member=alice, pool=pool, order_count=3)
    MemberState.objects.create(member=bob, pool=pool, order_count=1)
    assert [row["members"] for row in queries.ladder(pool.pk)] == [2, 1, 1, 0, 0]


class TestKeeping:
    def test_an_answer_is_kept_until_its_data_changes(self, shop, october, django_assert_num_queries):
        first = queries.trade(october)
        with django_assert_num_queries(2):  # the versions and the kept answer
            assert queries.trade(october) == first
        factories.order(shop["bob"], "B-2", at(2), 100)
        assert queries.trade(october) == first  # nobody said that orders changed
        bump(october.pool.pk, "orders")
        assert queries.trade(october)["orders"] == 4

    def test_other_domains_do_not_disturb_it(self, shop, october):
        queries.trade(october)
        bump(october.pool.pk, "tags")
        queries.trade(october)
        assert Figure.objects.filter(name="sum_trade").count() == 1

    def test_old_answers_go(self, shop, october, as_of):
        queries.trade(october)
        assert figures.forget(datetime.now(UTC)) == 0
        assert figures.forget(datetime.now(UTC) + timedelta(days=8)) == 1
