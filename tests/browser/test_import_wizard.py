"""The whole import wizard in a browser: a platform's messy export to orders, its words explained, its way of reading kept,
its refused rows corrected and sent again, and all of it taken back."""

import csv
import io
import os
import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from members.models import ImportRun, Member, Order, Pool, SavedMapping
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.staff.models import User
from tests.browser.conftest import fits_a_phone
from tests.imports.messy import FILES

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[..., Page]
TMALL = next(messy for messy in FILES if messy.preset == "tmall.orders")


@pytest.fixture(autouse=True)
def _world(staff: dict[str, User], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: datetime) -> None:
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("scrm.lib.clock.now", lambda: as_of)


def work() -> None:
    """What a worker would do: every job that waits. A click returns before the server has heard of it."""
    waiting = JobRun.objects.filter(status=JobRun.Status.QUEUED)
    for _try in range(100):
        if waiting.exists():
            break
        time.sleep(0.1)
    for number in JobRun.objects.filter(status=JobRun.Status.QUEUED).values_list("pk", flat=True):
        assert running.run(number, heart=False) == "done"


def shot(page: Page, name: str) -> None:
    """A picture for whoever asks for pictures: light and dark at 1440, 390 wide."""
    if not (folder := os.environ.get("SHOTS")):
        return
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": 390, "height": 844})
    page.screenshot(path=f"{folder}/{name}-390.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


def file_of(folder: Path, name: str, text: str, encoding: str) -> str:
    path = folder / name
    path.write_text(text, encoding=encoding)
    return str(path)


def send(page: Page, path: str, kind: str = "订单") -> None:
    page.get_by_role("radio", name=kind, exact=True).check()
    page.locator("#id_file").set_input_files(path)
    page.get_by_role("button", name="上传并继续").click()


def test_from_a_messy_export_to_orders_and_back(enter: Enter, accessible: Callable[[], None], tmp_path: Path, pool: Pool) -> None:
    page = enter("operator", "/imports/new/")
    shot(page, "1-new")
    accessible()
    send(page, file_of(tmp_path, TMALL.name, TMALL.text, TMALL.encoding))

    # What it is was recognised, how it is read stands there, unknown words are flagged before anything runs.
    expect(page.get_by_text("列名符合 100%")).to_be_visible()
    expect(page.get_by_text("列名有据可查")).to_be_visible()
    expect(page.locator("#id_channel option:checked")).to_have_text("天猫")
    expect(page.locator("#id_encoding")).to_have_value("gb18030")
    unknown = page.locator(".word.unknown")
    expect(unknown).to_have_count(1)
    expect(unknown).to_contain_text("神秘状态")
    shot(page, "2-map")
    accessible()

    # Another column: its samples and words come at once, nothing else is lost.
    store = page.locator("select[name='map:store']")
    page.locator("details.more summary").click()
    store.select_option("收货人姓名")
    expect(page.locator("tr", has=store)).to_contain_text("张三")
    page.locator("select[name='map:store']").select_option("")
    expect(page.locator("tr", has=page.locator("select[name='map:store']"))).not_to_contain_text("张三")

    page.locator(".word.unknown select").select_option(label="已支付")
    page.get_by_label("方案名称").fill("天猫日报")
    page.get_by_role("button", name="保存方案").click()
    expect(page.get_by_text("已按方案「天猫日报」对应")).to_be_visible()
    assert SavedMapping.objects.get().options["words"]["status"]["神秘状态"] == "paid"
    assert fits_a_phone(page)
    page.set_viewport_size({"width": 1440, "height": 900})

    page.get_by_role("button", name="检查文件").click()
    expect(page.locator("#import-progress")).to_be_visible()
    shot(page, "3-progress")
    work()
    expect(page.get_by_text("检查完成，还没有写入任何数据")).to_be_visible(timeout=15_000)
    assert not Order.objects.exists()
    expect(page.locator("#samples")).to_contain_text("2613000000000000001")
    expect(page.locator("#samples")).to_contain_text("138****0011")
    shot(page, "4-checked")
    accessible()
    assert fits_a_phone(page)
    page.set_viewport_size({"width": 1440, "height": 900})

    page.get_by_role("button", name="确认导入").click()
    work()
    expect(page.get_by_text("导入完成")).to_be_visible(timeout=15_000)
    assert Order.objects.count() == 4
    shot(page, "5-done")
    accessible()

    # The refused rows, corrected and sent again.
    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 CSV").click()
    rows = list(csv.reader(io.StringIO(waiting.value.path().read_text(encoding="utf-8-sig"))))
    assert rows[0][-4:] == ["#原行号", "#问题列", "#代码", "#原因"]
    nick, phone = rows[0].index("买家会员名"), rows[0].index("联系手机")
    rows[1][nick], rows[1][phone] = "王五五", "13800000013"
    out = io.StringIO()
    csv.writer(out).writerows(rows[:2])
    page.get_by_role("link", name="上传改正后的行").click()
    expect(page.get_by_role("radio", name="订单", exact=True)).to_be_checked()
    shot(page, "6-corrected")
    send(page, file_of(tmp_path, "改正.csv", out.getvalue(), "utf-8-sig"))
    expect(page.get_by_text("这是改正后的文件")).to_be_visible()
    page.get_by_role("button", name="检查文件").click()
    work()
    page.get_by_role("button", name="确认导入").click()
    work()
    expect(page.get_by_text("导入完成")).to_be_visible(timeout=15_000)
    assert Order.objects.count() == 5

    # An export of the next day says what changed, field by field, before it does.
    text = TMALL.text.replace("交易成功,,张三", "付款以后用户退款成功，交易自动关闭,,张三")
    page.goto(re.sub(r"/imports/.*", "/imports/new/", page.url))
    send(page, file_of(tmp_path, "次日.csv", text, "gb18030"))
    expect(page.get_by_text("已按方案「天猫日报」对应")).to_be_visible()
    page.get_by_role("button", name="检查文件").click()
    work()
    updated = page.locator("#samples .changes")
    expect(updated).to_contain_text("状态")
    shot(page, "7-changes")
    accessible()

    # Back to the first: it can be taken back.
    first = ImportRun.objects.order_by("pk")[0]
    page.goto(re.sub(r"/imports/.*", f"/imports/{first.pk}/", page.url))
    page.get_by_role("button", name="撤销这次导入").click()
    shot(page, "8-revert")
    page.get_by_role("button", name="确认撤销").click()
    work()
    expect(page.get_by_text("这次导入已经撤销")).to_be_visible(timeout=15_000)
    shot(page, "9-reverted")
    accessible()
    assert list(Order.objects.values_list("number", flat=True)) == ["2613000000000000003"]
    assert Member.objects.filter(pool=pool, orders__isnull=False).count() == 1


def test_a_workbook_with_titles_and_sheets(enter: Enter, accessible: Callable[[], None], tmp_path: Path, pool: Pool) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    book.active.title = "说明"
    book.active.append(["本表由收银系统导出", "请看第二张表"])
    book.active.append(["联系人", "张经理"])
    sheet = book.create_sheet("销售")
    for row in (
        ["徐汇店销售日报"],
        [],
        ["小票号", "会员手机", "交易时间", "实收金额", "门店"],
        ["000123", "13800000001", "2026-10-01", 12.5, "徐汇"],
    ):
        sheet.append(row)
    book.save(tmp_path / "日报.xlsx")
    page = enter("operator", "/imports/new/")
    page.locator("#id_channel").select_option(label="门店")
    send(page, str(tmp_path / "日报.xlsx"))
    page.locator("#id_sheet").select_option("销售")
    page.locator("#id_heading").fill("")
    page.get_by_role("button", name="按所选方式重新读取").click()
    expect(page.locator("#id_heading")).to_have_value("3")
    expect(page.locator("select[name='map:number']")).to_have_value("小票号")
    accessible()
    page.get_by_role("button", name="检查文件").click()
    work()
    page.get_by_role("button", name="确认导入").click()
    work()
    expect(page.get_by_text("导入完成")).to_be_visible(timeout=15_000)
    assert list(Order.objects.values_list("number", "amount", "store")) == [("000123", 1250, "徐汇")]


def test_kept_mappings_are_managed(enter: Enter, accessible: Callable[[], None], pool: Pool) -> None:
    SavedMapping.objects.create(pool=pool, name="旧名", kind="orders", mapping={"number": "单号"}, columns=["单号"])
    page = enter("operator", "/imports/mappings/")
    shot(page, "10-mappings")
    accessible()
    page.get_by_label("方案名称").fill("新名")
    page.get_by_role("button", name="改名").click()
    expect(page.get_by_label("方案名称")).to_have_value("新名")
    assert fits_a_phone(page)
    page.get_by_role("button", name="删除").click()
    expect(page.get_by_text("还没有保存过方案")).to_be_visible()
    assert not SavedMapping.objects.exists()
