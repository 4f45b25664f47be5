"""Receipts below zero: refunds of the receipt they belong to, or receipts of their own that were given back in full."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from members.importing import pipeline
from members.models import ImportReject, ImportSample, Member, Order, OrderLine, Refund, TouchedMember
from tests.imports.conftest import Import, back

pytestmark = pytest.mark.django_db
HEAD = ["小票号", "会员卡号", "交易时间", "实收金额", "单据状态", "原小票号"]
SALE = ["S1", "C1", "2026-10-01 10:00", "100", "销售", ""]
PART = ["R1", "", "2026-10-02 10:00", "-30", "退货", "S1"]
REST = ["R2", "C1", "2026-10-03 10:00", "-70.00", "退货", "S1"]
ALONE = ["R9", "C1", "2026-10-04 10:00", "-45", "退货", ""]
SAID = {"negative": "refund", "words": {"status": {"销售": "paid", "退货": "refunded", "作废": "cancelled"}}, "unit": "yuan"}


def orders() -> list[tuple[str, int, int, int]]:
    return sorted(Order.objects.values_list("number", "amount", "refunded", "status"))


def test_by_default_they_are_refused(bring_in: Callable[..., Any]) -> None:
    counts = bring_in("orders", HEAD, SALE, PART, unit="yuan", words=SAID["words"])
    assert (counts["new"], counts["refused"]) == (1, 1)
    assert ImportReject.objects.filter(code="negative_amount").count() == 1


@pytest.mark.parametrize("files", list(itertools.permutations([[SALE], [PART], [REST]])))
def test_a_return_is_a_refund_of_the_receipt_it_names(bring_in: Callable[..., Any], files: Any) -> None:
    for rows in files:
        bring_in("orders", HEAD, *rows, **SAID)
    assert orders() == [("S1", 10000, 10000, Order.Status.REFUNDED)]
    assert sorted(Refund.objects.values_list("number", "amount")) == [("R1", 3000), ("R2", 7000)]
    assert Order.objects.get().refunded_at == datetime(2026, 10, 3, 2, tzinfo=UTC)
    assert Member.objects.count() == 1


def test_one_file_brings_sale_and_returns_and_again_changes_nothing(bring_in: Callable[..., Any]) -> None:
    rows = [HEAD, PART, SALE, REST, ALONE]
    counts = bring_in("orders", *rows, **SAID)
    assert (counts["rows"], counts["new"], counts["returns"], counts["refused"]) == (4, 4, 2, 0)
    assert orders() == [("R9", 4500, 4500, Order.Status.REFUNDED), ("S1", 10000, 10000, Order.Status.REFUNDED)]
    assert TouchedMember.objects.count() == 1
    TouchedMember.objects.all().delete()
    again = bring_in("orders", *rows, **SAID)
    assert (again["unchanged"], again["new"], again["updated"]) == (4, 0, 0)
    assert not TouchedMember.objects.exists()


def test_a_part_leaves_the_receipt_paid(bring_in: Callable[..., Any]) -> None:
    bring_in("orders", HEAD, SALE, PART, **SAID)
    assert orders() == [("S1", 10000, 3000, Order.Status.PAID)]


def test_the_same_number_below_zero_belongs_to_that_receipt(bring_in: Callable[..., Any]) -> None:
    same = ["S1", "C1", "2026-10-05 10:00", "-20", "退货", ""]
    bring_in("orders", HEAD, SALE, same, **SAID)
    bring_in("orders", HEAD, ["S1", "C1", "2026-10-06 10:00", "-5", "退货", ""], **SAID)
    bring_in("orders", HEAD, same, **SAID)
    assert orders() == [("S1", 10000, 2500, Order.Status.PAID)]


def test_voided_returns_say_nothing(bring_in: Callable[..., Any]) -> None:
    counts = bring_in("orders", HEAD, SALE, [*PART[:4], "作废", "S1"], [*ALONE[:4], "作废", ""], **SAID)
    assert (counts["rows"], counts["new"], counts["skipped"]) == (1, 1, 2)
    assert orders() == [("S1", 10000, 0, Order.Status.PAID)]
    assert not Refund.objects.exists()


def test_one_return_said_differently_is_a_conflict(bring_in: Callable[..., Any]) -> None:
    counts = bring_in("orders", HEAD, SALE, PART, PART, [*PART[:3], "-31", "退货", "S1"], **SAID)
    assert (counts["new"], counts["repeated"], counts["conflicting"]) == (2, 1, 1)
    assert ImportReject.objects.get().line == 5


def test_a_stranger_without_a_receipt_is_refused(bring_in: Callable[..., Any]) -> None:
    counts = bring_in("orders", HEAD, [ALONE[0], "", *ALONE[2:]], **SAID)
    assert (counts["refused"], ImportReject.objects.get().code) == (1, "missing_identity")


def test_a_check_counts_them_and_writes_none(upload: Callable[..., Any], as_of: datetime) -> None:
    run = upload("orders", HEAD, SALE, PART, ALONE, **SAID)
    assert pipeline.check(run, as_of=as_of)["new"] == 3
    assert not Refund.objects.exists()
    assert not Order.objects.exists()
    assert ImportSample.objects.filter(outcome="new").count() == 3


def test_taking_the_import_back_gives_the_receipts_back(importing: Import, as_of: datetime) -> None:
    importing("orders", HEAD, SALE, **SAID)
    second = importing(
        "orders", HEAD, PART, ALONE, ["S2", "C1", "2026-10-05", "8", "销售", ""], [*REST[:3], "-8", "退货", "S2"], **SAID
    )
    assert len(orders()) == 3
    counts = back(second, as_of)
    assert (counts["refunds_removed"], counts["orders_removed"], counts["orders_restored"], counts["left"]) == (2, 2, 2, 0)
    assert orders() == [("S1", 10000, 0, Order.Status.PAID)]
    assert not Refund.objects.exists()


def test_items_brought_back_are_passed_over(bring_in: Callable[..., Any]) -> None:
    bring_in("orders", HEAD, SALE, PART, **SAID)
    rows = [["S1", "A", "1", "2", "60"], ["S1", "B", "2", "-1", "-30"], ["R1", "B", "1", "-1", "-30"]]
    counts = bring_in("lines", ["小票号", "商品编码", "行号", "数量", "金额"], *rows, **SAID)
    assert (counts["new"], counts["skipped"], counts["refused"]) == (1, 2, 0)
    assert OrderLine.objects.get().quantity == 2


def test_an_item_each_row_and_goods_exchanged(bring_in: Callable[..., Any]) -> None:
    rows = [["S1", "C1", "2026-10-01", "100", "销售", ""], ["S1", "C1", "2026-10-01", "-30", "销售", ""]]
    bring_in("orders", HEAD, *rows, **SAID, rows="items")
    assert orders() == [("S1", 7000, 0, Order.Status.PAID)]
