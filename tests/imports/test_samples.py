"""A check shows the first rows of each outcome: what the file says, what is known, why not."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members.importing import pipeline
from members.models import ImportRun, ImportSample, Member, Order

pytestmark = pytest.mark.django_db
ORDERS = ["订单号", "手机号", "下单时间", "实付金额", "订单状态"]
Upload = Callable[..., ImportRun]


def shown(run: ImportRun) -> list[tuple[Any, ...]]:
    found = ImportSample.objects.filter(run=run).order_by("line", "pk")
    return [(each.line, each.outcome, each.said.get("number"), each.before, each.reason) for each in found]


def test_orders_of_every_outcome(upload: Upload, as_of: datetime) -> None:
    first = upload(
        "orders",
        ORDERS,
        ["A1", "13800000001", "2026-10-01", "10", "交易成功"],
        ["A2", "13800000001", "2026-10-01", "20", "待付款"],
        ["A3", "13800000001", "2026-10-01", "30", "交易成功"],
        unit="yuan",
    )
    pipeline.run(first, as_of=as_of)
    holder = Member.objects.get()
    run = upload(
        "orders",
        ORDERS,
        ["A1", "13800000001", "2026-10-01", "10", "交易成功"],
        ["A2", "13800000001", "2026-10-01", "25", "交易成功"],
        ["A3", "13800000002", "2026-10-01", "30", "交易成功"],
        ["A4", "13800000001", "2026-10-01", "x", "交易成功"],
        ["A5", "13800000001", "2026-10-01", "50", "交易成功"],
        ["A5", "13800000001", "2026-10-01", "51", "交易成功"],
        unit="yuan",
    )
    counts = pipeline.check(run, as_of=as_of)
    assert shown(run) == [
        (2, "unchanged", "A1", {}, ""),
        (3, "updated", "A2", {"amount": "20.00", "status": "待支付"}, ""),
        (4, "conflicting", "A3", {"member": str(holder.pk)}, "other_member"),
        (5, "refused", "A4", {}, "bad_amount"),
        (6, "new", "A5", {}, ""),
        (7, "conflicting", "A5", {}, "duplicate_in_file"),
    ]
    assert {name: counts[name] for name in ("rows", "new", "updated", "unchanged", "conflicting", "refused")} == {
        "rows": 6,
        "new": 1,
        "updated": 1,
        "unchanged": 1,
        "conflicting": 2,
        "refused": 1,
    }
    assert Order.objects.count() == 3
    assert ImportSample.objects.filter(run=run).first().said["id:phone"] == "138****0001"


def test_members_beside_what_is_known(upload: Upload, as_of: datetime) -> None:
    head = ["手机号", "姓名", "性别", "生日", "城市"]
    pipeline.run(upload("members", head, ["13800000001", "甲", "男", "1990-01-02", "上海"]), as_of=as_of)
    run = upload("members", head, ["13800000001", "甲甲", "女", "1991-01-02", "上海"], ["13800000002", "乙", "", "", ""])
    pipeline.check(run, as_of=as_of)
    old, new = ImportSample.objects.filter(run=run).order_by("line")
    assert (old.outcome, old.before) == ("updated", {"name": "甲", "gender": "男", "birthday": "1990-01-02"})
    assert (new.outcome, new.said) == ("new", {"id:phone": "138****0002", "name": "乙"})
    assert Member.objects.count() == 1


def test_fifty_of_each_and_replaced_by_the_next_check(upload: Upload, as_of: datetime) -> None:
    run = upload("orders", ORDERS, *([f"A{n}", "13800000001", "2026-10-01", "10", ""] for n in range(70)), unit="yuan")
    for _again in range(2):
        pipeline.check(run, as_of=as_of)
        assert list(ImportSample.objects.filter(run=run).order_by("line").values_list("line", flat=True)) == list(range(2, 52))
