"""However rows are ordered and cut into files, the same people and orders come of them."""

import io
import itertools
from datetime import datetime
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members import identities
from members.importing import parsing, pipeline, services
from members.models import Channel, Identity, Member, Order, Pool
from tests.imports.conftest import csv_bytes

HEAD = ["手机号", "邮箱", "会员卡号"]
PHONES, MAILS, CARDS = (
    ["", "13800000001", "13800000002", "13800000003"],
    ["", "a@b.cn", "c@d.cn", "e@f.cn"],
    ["", "C1", "C2", "C3"],
)
person = st.tuples(st.sampled_from(PHONES), st.sampled_from(MAILS), st.sampled_from(CARDS)).filter(any)


def partition(rows: list[tuple[str, ...]]) -> set[frozenset[str]]:
    """The oracle: sets of identities that rows connect, by brute force."""
    groups = [{cell for cell in row if cell} for row in rows]
    while True:
        for i, one in enumerate(groups):
            other = next((j for j in range(i + 1, len(groups)) if groups[j] & one), None)
            if other is not None:
                groups[i] = one | groups.pop(other)
                break
        else:
            return {frozenset(group) for group in groups}


def stored(pool: Pool) -> set[frozenset[str]]:
    found: dict[int, set[str]] = {}
    for identity in Identity.objects.filter(pool=pool):
        found.setdefault(identity.member_id, set()).add(identities.plain(identity))
    assert set(found) == set(Member.objects.filter(pool=pool, merged_into=None).values_list("pk", flat=True))
    return {frozenset(group) for group in found.values()}


class Undo(Exception):
    """Leaves a transaction without trace."""


def importing(pool: Pool, kind: str, head: list[str], files: list[list[Any]], as_of: datetime) -> None:
    for rows in files:
        if rows:
            run = services.upload(
                pool=pool,
                kind=kind,
                file=io.BytesIO(csv_bytes(head, *rows)),
                file_name="a.csv",
                actor=None,
                channel=Channel.objects.get(code="pos"),
            )
            if head in (SAID, REFUND):
                keys = [
                    "number",
                    *(
                        ["id:phone", "placed_at", "amount", "status", "refunded", "status_at"]
                        if head == SAID
                        else ["refund", "refunded", "refunded_at"]
                    ),
                ]
                run.mapping, run.options = dict(zip(keys, head, strict=True)), {"unit": "yuan"}
                run.save()
            pipeline.run(run, as_of=as_of)


@pytest.mark.django_db
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(person, min_size=1, max_size=9),
    cuts=st.lists(st.integers(0, 9), max_size=3),
    order=st.randoms(use_true_random=False),
)
def test_people_do_not_depend_on_order_or_cutting(
    pool: Pool, as_of: datetime, rows: list[Any], cuts: list[int], order: Any
) -> None:
    order.shuffle(rows)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    files = [rows[a:b] for a, b in itertools.pairwise(edges)]
    try:
        with transaction.atomic():
            importing(pool, "members", HEAD, files, as_of)
            assert stored(pool) == partition(rows)
            raise Undo
    except Undo:
        pass


order_rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 2)), min_size=1, max_size=10)


@pytest.mark.django_db
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=order_rows, cut=st.integers(0, 10), again=st.booleans(), order=st.randoms(use_true_random=False))
def test_orders_do_not_depend_on_order_cutting_or_repeats(
    pool: Pool, as_of: datetime, rows: list[Any], cut: int, again: bool, order: Any
) -> None:
    # One order number always says the same.
    said = [[f"N{number}", PHONES[1 + number % 3], f"2026-10-0{1 + number}", str(number + 1)] for number, _ in rows]
    order.shuffle(said)
    files = [said[:cut], said[cut:], *([said] if again else [])]
    try:
        with transaction.atomic():
            importing(pool, "orders", ["订单号", "手机号", "下单时间", "金额"], files, as_of)
            numbers = {row[0] for row in said}
            assert sorted(Order.objects.values_list("number", "amount")) == sorted(
                (each, 100 * (int(each[1:]) + 1)) for each in numbers
            )
            assert Member.objects.count() == len({row[1] for row in said})
            raise Undo
    except Undo:
        pass


# -- Orders said piece by piece ------------------------------------------------------------------
STATUSES = {"待付款": 4, "交易成功": 1, "交易关闭": 3, "已退款": 2}
RANK = {4: 0, 1: 1, 3: 2, 2: 3}
SAID = ["订单号", "手机号", "下单时间", "实付金额", "订单状态", "退款金额", "状态时间"]
REFUND = ["订单号", "退款编号", "退款金额", "退款时间"]
said_row = st.tuples(
    st.integers(0, 2),
    st.sampled_from(list(STATUSES)),
    st.sampled_from(["", "0", "3", "10"]),
    st.sampled_from(["", "1", "2", "3"]),
)
refund_row = st.tuples(st.integers(0, 2), st.integers(0, 2))


def became(said: list[Any], refunds: list[Any]) -> dict[str, tuple[int, int]]:
    """The oracle: the highest status ever said, refunds that only grow, in full means refunded."""
    orders: dict[str, tuple[int, int]] = {}
    for number in {row[0] for row in said}:
        rows = [row for row in said if row[0] == number]
        status = max((STATUSES[row[1]] for row in rows), key=RANK.__getitem__)
        given = [int(row[2]) * 100 if row[2] else (1000 if STATUSES[row[1]] == 2 else 0) for row in rows]
        separate = sum(100 * (1 + refund) for order, refund in {row for row in refunds if row[0] == number})
        refunded = min(1000, max([*given, separate]))
        orders[f"N{number}"] = (2 if refunded >= 1000 and status != 4 else status, refunded)
    return orders


def written_orders(said: list[Any], refunds: list[Any]) -> list[tuple[str, list[str], list[Any]]]:
    """Rows as (kind, heading, row), each of which may stand in a file of its own."""
    orders = [
        ("orders", SAID, [f"N{n}", PHONES[1 + n], "2026-10-01", "10", status, refunded, f"2026-10-0{day}" if day else ""])
        for n, status, refunded, day in said
    ]
    return orders + [("refunds", REFUND, [f"N{n}", f"R{n}-{k}", str(1 + k), f"2026-10-1{k}"]) for n, k in refunds]


@pytest.mark.django_db
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    said=st.lists(said_row, min_size=1, max_size=7),
    refunds=st.lists(refund_row, max_size=4),
    cuts=st.lists(st.integers(0, 11), max_size=4),
    order=st.randoms(use_true_random=False),
)
def test_refunds_and_cancellations_may_come_in_any_order(
    pool: Pool, as_of: datetime, said: list[Any], refunds: list[Any], cuts: list[int], order: Any
) -> None:
    rows = written_orders(said, refunds)
    order.shuffle(rows)
    edges = [0, *sorted(min(cut, len(rows)) for cut in cuts), len(rows)]
    try:
        with transaction.atomic():
            for a, b in itertools.pairwise(edges):
                for kind, head in (("orders", SAID), ("refunds", REFUND)):
                    importing(pool, kind, head, [[row for what, _head, row in rows[a:b] if what == kind]], as_of)
            found = {
                number: (status, refunded)
                for number, status, refunded in Order.objects.values_list("number", "status", "refunded")
            }
            assert found == became(said, refunds)
            raise Undo
    except Undo:
        pass


@settings(max_examples=300, deadline=None)
@given(
    kind=st.sampled_from(Identity.Kind.values), value=st.text(alphabet=st.sampled_from("＋+86 013８-()..@Aaé　\t张"), max_size=16)
)
def test_columns_and_single_values_are_written_alike(kind: str, value: str) -> None:
    import pyarrow as pa

    column = parsing.normalised(kind, pa.array([value]))[0].as_py() or ""
    assert column == identities.normalise(kind, value)


def test_the_oracle_itself() -> None:
    assert partition([("1", "a", ""), ("", "b", "C"), ("1", "", "C")]) == {frozenset("1abC")}
