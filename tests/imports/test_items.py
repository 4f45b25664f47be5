"""Order files with a row per item."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members.importing import forms, pipeline
from members.importing.progress import Direct
from members.models import ImportRun, Order

pytestmark = pytest.mark.django_db
HEAD = ["订单号", "手机号", "下单时间", "金额", "优惠", "状态", "渠道"]
ROWS = [
    ["N1", "", "2026-10-01 10:00", "10.50", "1", "交易成功", "pos"],
    ["N1", "13800000001", "2026-10-01 10:00", "5", "", "交易成功", "pos"],
    ["N2", "13800000002", "2026-10-02 10:00", "7", "", "交易成功", "pos"],
    ["N1", "13800000001", "2026-10-01 10:00", "1", "0.5", "交易成功", "app"],
    ["N2", "13800000002", "2026-10-02 10:00", "x", "", "交易成功", "pos"],
]


def test_amounts_of_an_order_are_added_up(bring_in: Callable[..., Any]) -> None:
    counts = bring_in("orders", HEAD, *ROWS, channel=None, rows="items")
    # The first row names nobody: it is refused, and only it.
    assert (counts["new"], counts["refused"], counts["folded"]) == (3, 2, 0)
    named = [[*row[:1], row[1] or "13800000001", *row[2:]] for row in ROWS]
    counts = bring_in("orders", HEAD, *named, channel=None, rows="items")
    assert (counts["updated"], counts["unchanged"], counts["folded"]) == (1, 2, 1)
    found = Order.objects.order_by("number", "channel__code").values_list("number", "channel__code", "amount", "discount")
    assert list(found) == [("N1", "app", 100, 50), ("N1", "pos", 1550, 100), ("N2", "pos", 700, 0)]


def test_a_kill_after_folding_folds_once(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    run = upload("orders", HEAD, ROWS[1], [*ROWS[1][:3], "6", "", "交易成功", "pos"], channel=None, rows="items")

    class Killed(Direct):
        def checkpoint(self, **said: Any) -> None:
            super().checkpoint(**said)
            if "folded" in (said.get("watermark") or {}):
                raise KeyboardInterrupt

    progress = Killed()
    with pytest.raises(KeyboardInterrupt):
        pipeline.run(run, as_of=as_of, progress=progress)
    again = Direct()
    again.watermark = progress.watermark
    assert pipeline.run(run, as_of=as_of, progress=again)["new"] == 1
    assert Order.objects.get().amount == 1100


def test_several_amounts_of_one_number_are_noticed(upload: Callable[..., ImportRun]) -> None:
    assert forms.looks_like_items(upload("orders", HEAD, *ROWS))
    assert not forms.looks_like_items(upload("orders", HEAD, ROWS[1], ROWS[2], ROWS[1]))
    assert not forms.looks_like_items(upload("members", HEAD, *ROWS))
