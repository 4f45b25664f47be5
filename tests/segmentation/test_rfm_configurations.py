"""RFM configurations side by side: of which orders, by which edges; kept up by ticks as by full runs."""

from datetime import timedelta

import pytest

from members.models import MemberStanding, Order, StateChange, TouchedMember
from segmentation.recalculation import configurations, moves, services
from segmentation.standings import services as standings
from segmentation.standings.families import family
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db
LIMITS = {"mode": "threshold", "high_from": 3, "m_amount": [100, 200, 300, 400]}


def scheme(pool, name="尿布 RFM", **chosen):
    return standings.save(pool=pool, family="rfm", name=name, settings=LIMITS | chosen, actor=None)


def standing(of):
    return {row.member_id: (row.code, row.value) for row in MemberStanding.objects.filter(scheme_id=of.pk)}


def reread(of):
    of.refresh_from_db()
    return of


@pytest.fixture
def bought(pool, alice, bob, as_of):
    """Alice: nappies 30 and milk 10 days ago, in two channels. Bob: milk only, 365 days ago."""
    nappies, milk = factories.product(pool, "N", category="尿布"), factories.product(pool, "M", category="奶粉")
    first = factories.order(alice, "A1", days_before(as_of, 30), 500, store="S1")
    factories.line(first, 1, nappies, 150)
    factories.line(first, 2, milk, 350)
    factories.line(factories.order(alice, "A2", days_before(as_of, 10), 900, channel="tmall"), 1, milk, 900)
    factories.line(factories.order(bob, "B1", days_before(as_of, 365), 250), 1, milk, 250)
    return first


def test_each_configuration_counts_its_own_orders(pool, bought, alice, bob, as_of):
    made = {
        "all": scheme(pool, "全部"),
        "nappies": scheme(pool, "尿布", categories=["尿布"]),
        "tmall": scheme(pool, "天猫", channels=[Order.objects.get(number="A2").channel_id]),
        "store": scheme(pool, "门店", stores=["S1"]),
        "long": scheme(pool, "两年", window_days=730),
    }
    services.recalculate(pool=pool, as_of=as_of)
    found = {name: standing(each) for name, each in made.items()}
    # R: within 30, 90, 180, 365 days → 5 … 2 (exactly 30 is no longer within 30); F: 2 orders → 2; M in minor units
    assert found["all"] == {alice.pk: (5, 525), bob.pk: (0, 111)}
    assert found["nappies"] == {alice.pk: (4, 412)}  # the lines of nappies only: 150
    assert found["tmall"] == {alice.pk: (5, 515)}
    assert found["store"] == {alice.pk: (5, 415)}
    assert family("rfm").reasons(reread(made["all"]), alice, as_of) == [
        ("R 5 分（高）", "30 天内"), ("F 2 分（低）", "≥ 2 单"), ("M 5 分（高）", "≥ ¥4.00"),
    ]  # fmt: skip
    assert found["long"] == {alice.pk: (5, 525), bob.pk: (1, 113)}  # his order is in the window, and old


def test_a_standing_is_due_when_an_order_leaves_the_window_or_an_age_is_reached(pool, bought, alice, as_of):
    made = scheme(pool, categories=["奶粉"])
    services.recalculate(pool=pool, as_of=as_of)
    assert MemberStanding.objects.get(scheme_id=made.pk, member=alice).due == days_before(as_of, 10) + timedelta(days=30)
    later = as_of + timedelta(days=20)
    assert services.tick(pool=pool, as_of=later) is not None
    row = MemberStanding.objects.get(scheme_id=made.pk, member=alice)
    assert (row.value, row.due) == (425, days_before(as_of, 10) + timedelta(days=90))


def test_where_all_orders_count_ticks_look_for_who_crossed_an_age(pool, bought, alice, as_of):
    made = scheme(pool)
    services.recalculate(pool=pool, as_of=as_of)
    row = MemberStanding.objects.get(scheme_id=made.pk, member=alice)
    assert (row.value, row.due) == (525, days_before(as_of, 30) + timedelta(days=365))  # no age, only the window
    crossed = days_before(as_of, 10) + timedelta(days=30)
    assert services.tick(pool=pool, as_of=crossed - timedelta(seconds=1)) is None
    assert services.tick(pool=pool, as_of=crossed) is not None
    assert standing(made)[alice.pk][1] == 425


def test_a_late_line_and_a_backdated_order_are_counted_by_the_tick_as_by_a_full_run(pool, bought, alice, bob, as_of):
    made = scheme(pool, categories=["尿布"])
    services.recalculate(pool=pool, as_of=as_of)
    late = factories.order(bob, "B2", days_before(as_of, 100), 600)
    factories.line(late, 1, bought_product("N"), 600)
    TouchedMember.objects.create(member=bob, pool=pool)
    now = as_of + timedelta(minutes=1)
    services.tick(pool=pool, as_of=now)
    ticked = list(
        MemberStanding.objects.filter(scheme_id=made.pk).order_by("pk").values_list("member_id", "code", "value", "due")
    )
    assert (bob.pk, 5, 315) in [row[:3] for row in ticked]
    services.recalculate(pool=pool, as_of=now)
    again = list(MemberStanding.objects.filter(scheme_id=made.pk).order_by("pk").values_list("member_id", "code", "value", "due"))
    assert again == ticked
    assert StateChange.objects.filter(kind=made.kind, member=bob).count() == 1


def bought_product(sku):
    from members.models import Product

    return Product.objects.get(sku=sku)


def test_means_of_the_configuration_not_of_the_pool_split_high_from_low(pool, bought, alice, bob, as_of):
    made = scheme(pool, mode="mean", categories=["奶粉"])
    services.recalculate(pool=pool, as_of=as_of)
    made.refresh_from_db()
    # last orders 10 and 365 days ago; two orders and none in the window; 1250 and none
    assert (made.edges["buyers"], made.edges["f_split"], made.edges["m_split"]) == (2, 1, 625)
    assert made.edges["r_split"] == 187.5 * 86400
    assert {pk: code for pk, (code, _value) in standing(made).items()} == {alice.pk: 7, bob.pk: 0}


def test_configurations_stand_side_by_side_with_their_migrations(pool, bought, alice, bob, as_of):
    made = scheme(pool, "尿布", categories=["尿布"])
    services.recalculate(pool=pool, as_of=as_of)
    table = configurations.side_by_side(pool)
    assert [(column.name, column.members) for column in table.columns] == [("", 2), ("尿布", 1)]
    assert "品类：尿布" in table.columns[1].scope
    sizes = {label: [size.members for size in row] for label, row in table.rows}
    assert sizes["一般发展"] == [0, 1]
    services.recalculate(pool=pool, as_of=as_of + timedelta(days=400))
    between = moves.Span(pool, as_of.date(), (as_of + timedelta(days=400)).date())
    found = moves.moves(pool, made.kind, between)
    assert found.flows == [(4, 0, 1)]
    assert list(moves.movers(pool, f"{made.kind}~4~0~{between.first}~{between.last}")) == [alice.pk]
    assert "尿布" in moves.say_movers(pool, f"{made.kind}~4~0~{between.first}~{between.last}")


def test_the_pages_make_try_and_show_a_configuration(login, pool, bought, as_of):
    services.recalculate(pool=pool, as_of=as_of)
    client = login("analyst")
    page = client.get("/p/demo/segments/standings/new/", {"family": "rfm"})
    given = dict(page.context["form"].initial) | {"family": "rfm", "name": "奶粉", "note": "", "categories": ["奶粉"]}
    tried = client.post("/p/demo/segments/standings/preview/", given)
    assert tried.status_code == 200
    assert "谁换到哪里" in tried.content.decode()
    assert "少于 30 人的分组" in tried.content.decode()
    assert client.post("/p/demo/segments/standings/new/", given).status_code == 302
    shown = client.get("/p/demo/segments/models/").content.decode()
    assert "奶粉" in shown
    assert "待计算" in shown


def test_what_is_wrong_is_said(pool):
    from scrm.lib.problems import Problem

    for wrong, said in (
        ({"r_days": [1, 2, 3, 4]}, "R 的天数"),
        ({"mode": "median"}, "mode"),
        ({"categories": [""]}, "categories"),
    ):
        with pytest.raises(Problem) as refused:
            scheme(pool, **wrong)
        assert said in refused.value.message
