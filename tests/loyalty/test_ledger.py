"""The ledger: append-only, idempotent, never negative, exact under concurrency."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import IntegrityError, connections, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loyalty import queries, services
from loyalty.models import Account, DueMember, EarningRule, Entry
from members.models import Order
from scrm.lib import sql
from scrm.lib.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def rule(pool, as_of):
    """One point for each full yuan, on orders of at least ten."""
    return services.save_rule(pool=pool, points=1, step=100, least=1000, starts_at=factories.LONG_AGO, actor=None)


def due(member):
    DueMember.objects.bulk_create([DueMember(member=member, pool_id=member.pool_id)], ignore_conflicts=True)


def earn(pool, as_of):
    return services.earn_chunk(pool_id=pool.pk, as_of=as_of)


def balance(member):
    return queries.account_of(member).balance


def promises_kept():
    return sql.fetch("SELECT * FROM loyalty_audit") == []


def test_an_order_earns_its_full_yuan_once(pool, alice, rule, as_of):
    factories.order(alice, "A-1", as_of, 12_399)
    for _time in range(3):
        due(alice)
        earn(pool, as_of)
    assert balance(alice) == 123
    assert Entry.objects.count() == 1
    assert promises_kept()


@pytest.mark.parametrize(("amount", "points"), [(999, 0), (1000, 10), (1099, 10), (1100, 11)])
def test_the_least_amount_and_the_step_are_edges(pool, alice, rule, as_of, amount, points):
    factories.order(alice, "A-1", as_of, amount)
    due(alice)
    earn(pool, as_of)
    assert balance(alice) == points


def test_an_order_earns_by_the_rule_in_force_when_it_was_placed(pool, alice, rule, as_of):
    services.save_rule(pool=pool, points=3, step=100, least=0, starts_at=as_of, actor=None)
    factories.order(alice, "before", factories.days_before(as_of, 1), 10_000)
    factories.order(alice, "after", as_of, 10_000)
    due(alice)
    earn(pool, as_of)
    assert balance(alice) == 100 + 300


def test_a_refund_takes_back_its_share_and_what_was_spent_becomes_debt(pool, alice, rule, as_of):
    order = factories.order(alice, "A-1", as_of, 10_000)
    due(alice)
    earn(pool, as_of)
    services.spend(member=alice, amount=80, key="gift", at=as_of, reason="", actor=None)
    Order.objects.filter(id=order.id).update(refunded=5_000)
    due(alice)
    earn(pool, as_of)
    account = queries.account_of(alice)
    assert (account.balance, account.debt) == (0, 30)
    factories.order(alice, "A-2", as_of, 4_000)
    due(alice)
    earn(pool, as_of)
    account = queries.account_of(alice)
    assert (account.balance, account.debt) == (10, 0)
    assert promises_kept()


def test_nobody_spends_more_than_they_have(alice, as_of):
    services.adjust(member=alice, amount=10, key="1", at=as_of, reason="welcome", actor=factories.user("boss", None, "admin"))
    with pytest.raises(Problem, match="积分余额不足"):
        services.spend(member=alice, amount=11, key="gift", at=as_of, reason="", actor=None)
    assert balance(alice) == 10


def test_the_same_key_is_booked_once_and_another_content_is_refused(alice, as_of):
    boss = factories.user("boss", None, "admin")
    for _time in range(2):
        services.adjust(member=alice, amount=10, key="1", at=as_of, reason="welcome", actor=boss)
    assert balance(alice) == 10
    with pytest.raises(Problem) as refused:
        services.adjust(member=alice, amount=20, key="1", at=as_of, reason="welcome", actor=boss)
    assert refused.value.code == "key_reused"


@pytest.mark.parametrize(
    "attack",
    [
        "UPDATE loyalty_entry SET amount = 1000000",
        "DELETE FROM loyalty_entry",
        "UPDATE loyalty_account SET position = 1000000",
        "UPDATE loyalty_account SET seq = 99",
        "DELETE FROM loyalty_account",
        (
            "INSERT INTO loyalty_account (member_id, pool_id, position, seq)"
            " SELECT member_id + 1, pool_id, 5, 0 FROM loyalty_account"
        ),
    ],
)
def test_the_database_refuses_to_rewrite_history(alice, as_of, attack):
    services.adjust(member=alice, amount=10, key="1", at=as_of, reason="welcome", actor=factories.user("boss", None, "admin"))
    with pytest.raises(IntegrityError), transaction.atomic():
        sql.run(attack)
    assert balance(alice) == 10


def test_a_rule_cannot_begin_before_an_earlier_version(pool, rule, as_of):
    services.save_rule(pool=pool, points=2, step=100, least=0, starts_at=as_of, actor=None)
    with pytest.raises(Problem) as refused:
        services.save_rule(pool=pool, points=5, step=100, least=0, starts_at=factories.days_before(as_of, 1), actor=None)
    assert refused.value.code == "rule_starts_too_early"
    assert EarningRule.objects.count() == 2


STEPS = st.lists(st.tuples(st.sampled_from(["earn", "spend", "refund"]), st.integers(1, 200)), max_size=12)


@given(steps=STEPS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_history_gives_the_position_of_plain_arithmetic(pool, rule, as_of, steps):
    with transaction.atomic():
        member = factories.member(pool, "Carol")
        position, orders = 0, []
        for n, (act, size) in enumerate(steps):
            if act == "earn":
                orders.append(factories.order(member, f"{member.pk}-{n}", as_of, size * 1000))
                position += size * 10
            elif act == "spend":
                try:
                    services.spend(member=member, amount=size, key=str(n), at=as_of, reason="", actor=None)
                    assert position >= size
                    position -= size
                except Problem:
                    assert position < size
            elif orders:
                order = orders.pop(size % len(orders))
                Order.objects.filter(id=order.id).update(refunded=order.amount)
                position -= order.amount // 100
            due(member)
            earn(pool, as_of)
        account = queries.account_of(member)
        assert account.balance - account.debt == position
        assert promises_kept()
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_thirty_people_spending_at_once_take_exactly_what_is_there(pool, alice, as_of):
    services.adjust(member=alice, amount=100, key="1", at=as_of, reason="welcome", actor=factories.user("boss", None, "admin"))

    def take(n):
        try:
            services.spend(member=alice, amount=10, key=str(n), at=as_of, reason="", actor=None)
            return 1
        except Problem:
            return 0
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as crowd:
        assert sum(crowd.map(take, range(30))) == 10
    assert Account.objects.get(member=alice).balance == 0
    assert promises_kept()


@pytest.mark.django_db(transaction=True)
def test_two_workers_earning_at_once_book_an_order_once(pool, alice, rule, as_of):
    factories.order(alice, "A-1", as_of, 10_000)

    def work(_n):
        try:
            with transaction.atomic():
                due(alice)
            return earn(pool, as_of)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as crowd:
        list(crowd.map(work, range(24)))
    assert balance(alice) == 100
    assert promises_kept()
