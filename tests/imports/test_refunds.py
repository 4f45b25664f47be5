"""Refunds, cancellations and consents that come in files: whatever order they come in."""

import itertools
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from members.importing import consenting, pipeline
from members.models import Consent, ConsentEntry, ImportReject, ImportRun, Member, Order, Refund

pytestmark = pytest.mark.django_db
ORDER = ["订单号", "手机号", "下单时间", "金额", "状态", "退款金额", "退款时间"]
REFUND = ["订单号", "退款编号", "退款金额", "退款时间", "退款状态"]
FILES: dict[str, tuple[str, list[Any]]] = {
    "paid": ("orders", [ORDER, ["N1", "13800000001", "2026-10-01", "100", "交易成功", "", ""]]),
    "part": ("refunds", [REFUND, ["N1", "R1", "30", "2026-10-05 10:00", "退款成功"]]),
    "rest": ("refunds", [REFUND, ["N1", "R2", "-70", "2026-10-06 10:00", "退款成功"], ["N1", "R3", "10", "", "退款关闭"]]),
    "old": ("orders", [ORDER, ["N1", "13800000001", "2026-10-01", "100", "待支付", "", ""]]),
}


@pytest.mark.parametrize("order", list(itertools.permutations(FILES)), ids="-".join)
def test_refunds_and_their_order_come_in_any_order(bring_in: Callable[..., Any], order: tuple[str, ...]) -> None:
    for name in order:
        kind, rows = FILES[name]
        bring_in(kind, *rows)
    found = Order.objects.get()
    assert (found.amount, found.refunded, found.status) == (10000, 10000, Order.Status.REFUNDED)
    assert found.refunded_at == datetime(2026, 10, 6, 2, tzinfo=UTC)
    assert sorted(Refund.objects.values_list("number", "amount")) == [("R1", 3000), ("R2", 7000)]


def test_a_part_leaves_an_order_paid_and_never_shrinks(bring_in: Callable[..., Any]) -> None:
    for name in ("part", "paid", "paid", "part"):
        bring_in(FILES[name][0], *FILES[name][1])
    found = Order.objects.get()
    assert (found.refunded, found.status, found.net_amount) == (3000, Order.Status.PAID, 7000)
    assert bring_in("refunds", *FILES["part"][1])["unchanged"] == 1


def test_refunds_without_numbers_are_known_by_their_moment(bring_in: Callable[..., Any]) -> None:
    bring_in(*("orders", *FILES["paid"][1]))
    head = ["订单号", "退款金额", "退款时间"]
    rows = [["N1", "10", "2026-10-05 10:00"], ["N1", "20", "2026-10-05 11:00"], ["N1", "20", "2026-10-05 11:00"]]
    counts = bring_in("refunds", head, *rows)
    assert (counts["new"], counts["repeated"]) == (2, 1)
    assert Order.objects.get().refunded == 3000
    bring_in("refunds", head, *rows)
    assert Order.objects.get().refunded == 3000


def test_never_more_than_was_paid(bring_in: Callable[..., Any]) -> None:
    bring_in("orders", *FILES["paid"][1])
    bring_in("refunds", REFUND, ["N1", "R9", "500", "2026-10-05", "退款成功"])
    assert (Order.objects.get().refunded, Order.objects.get().status) == (10000, Order.Status.REFUNDED)


# -- Consents --------------------------------------------------------------------------------------
PEOPLE = ["手机", "同意营销短信", "同意营销邮件", "同意时间", "同意文本版本"]


def said() -> dict[tuple[str, str], tuple[bool, str, str]]:
    return {
        (consent.member.name or "?", consent.carrier): (consent.granted, consent.source.split(":")[0], consent.wording)
        for consent in Consent.objects.select_related("member")
    }


def test_consents_arrive_with_wording_source_and_moment(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    run = upload(
        "members",
        ["姓名", *PEOPLE],
        ["甲", "13800000001", "是", "否", "2026-05-01 10:00", "v2"],
        ["乙", "13800000002", "", "", "", ""],
    )
    pipeline.run(run, as_of=as_of)
    assert said() == {("甲", "sms"): (True, "import", "v2"), ("甲", "email"): (False, "import", "v2")}
    consent = Consent.objects.get(carrier="sms")
    assert (consent.source, consent.at, consent.purpose) == (f"import:{run.pk}", datetime(2026, 5, 1, 2, tzinfo=UTC), "marketing")


def test_the_newest_report_holds_whatever_comes_first(bring_in: Callable[..., Any]) -> None:
    bring_in("members", PEOPLE, ["13800000001", "否", "", "2026-06-01", ""])
    bring_in("members", PEOPLE, ["13800000001", "是", "", "2026-05-01", ""])
    assert Consent.objects.get().granted is False
    assert ConsentEntry.objects.count() == 2
    bring_in("members", PEOPLE, ["13800000001", "是", "", "2026-05-01", ""])
    assert ConsentEntry.objects.count() == 2


def test_an_undated_row_fills_in_and_withdraws_but_never_overrules(bring_in: Callable[..., Any]) -> None:
    head = PEOPLE[:2]
    bring_in("members", head, ["13800000001", "同意"], ["13800000002", "不同意"])
    assert sorted(Consent.objects.values_list("granted", flat=True)) == [False, True]
    bring_in("members", head, ["13800000001", "不同意"], ["13800000002", "同意"])
    assert set(Consent.objects.values_list("granted", flat=True)) == {False}
    bring_in("members", head, ["13800000001", "同意"])
    assert set(Consent.objects.values_list("granted", flat=True)) == {False}


def test_words_of_consent_are_judged_and_may_be_explained(bring_in: Callable[..., Any]) -> None:
    assert bring_in("members", PEOPLE[:2], ["13800000001", "大概"])["refused"] == 1
    assert ImportReject.objects.get().code == "unknown_value"
    bring_in("members", PEOPLE[:2], ["13800000001", "大概"], words={"consent": {"大概": "no"}})
    assert Consent.objects.get().granted is False


def test_taking_back_restores_what_held(upload: Callable[..., ImportRun], bring_in: Callable[..., Any], as_of: datetime) -> None:
    bring_in("members", PEOPLE, ["13800000001", "否", "", "2026-05-01", "v1"])
    run = upload("members", PEOPLE, ["13800000001", "是", "是", "2026-06-01", "v2"])
    pipeline.run(run, as_of=as_of)
    assert Consent.objects.get(carrier="sms").granted
    assert consenting.revert(run, as_of) == 2
    assert list(Consent.objects.values_list("carrier", "granted", "wording")) == [("sms", False, "v1")]
    assert consenting.revert(run, as_of) == 0
    assert Member.objects.count() == 1
