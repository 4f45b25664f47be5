"""The member list in a browser: narrowed by keyboard, picked by range, changed, taken back, kept as a tab."""

from collections.abc import Callable
from datetime import datetime

import pytest
from playwright.sync_api import Page, expect

from members.models import MemberState, MemberTag, Pool, SavedView, Tag, TagGroup
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.staff.models import User
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[..., Page]


@pytest.fixture(autouse=True)
def _members(staff: dict[str, User], pool: Pool, as_of: datetime) -> None:
    Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")
    for number in range(8):
        member = factories.member(pool, f"会员{number}", gender=number % 2 + 1)
        MemberState.objects.create(
            member=member, pool=pool, stage=1, order_count=number, amount_total=number * 100_00, last_order_at=as_of
        )


def test_filters_by_keyboard_are_chips_that_can_be_changed_and_removed(enter: Enter) -> None:
    page = enter("operator", "/members/")
    page.get_by_role("button", name="全部筛选条件").focus()
    page.keyboard.press("Enter")
    panel = page.locator("#filter-panel")
    panel.locator("summary", has_text="性别").focus()
    page.keyboard.press("Enter")
    panel.get_by_role("checkbox", name="女").focus()
    page.keyboard.press("Space")
    panel.get_by_role("spinbutton", name="订单数 从").fill("3")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: url.endswith("?gender=2&orders_min=3"))
    expect(page.locator("tbody tr")).to_have_count(3)  # 3, 5 and 7
    page.get_by_role("button", name="订单数 ≥ 3").click()
    box = panel.get_by_role("spinbutton", name="订单数 从")
    expect(box).to_be_focused()
    box.fill("5")
    panel.get_by_role("button", name="查看会员").click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="移除「女」").click()
    expect(page.locator("tbody tr")).to_have_count(3)


def test_a_range_is_tagged_and_taken_back_and_everybody_by_a_job(enter: Enter) -> None:
    page = enter("operator", "/members/?sort=-amount")
    boxes = page.locator("input[name=pick]")
    boxes.nth(1).click()
    boxes.nth(4).click(modifiers=["Shift"])
    expect(page.locator("[data-picked]")).to_have_text("4")
    page.get_by_role("button", name="打标签", exact=True).click()
    page.locator("#bulk-tag").get_by_role("button", name="打标签").click()
    expect(page.get_by_text("已更改 4 位会员")).to_be_visible()
    assert MemberTag.objects.count() == 4
    page.get_by_role("button", name="撤销").click()
    expect(page.get_by_text("4 位会员恢复原样")).to_be_visible()
    assert not MemberTag.objects.exists()
    page.locator("input[name=pick]").first.click()
    page.locator("[name=everything]").check()
    page.get_by_role("button", name="打标签", exact=True).click()
    page.locator("#bulk-tag").get_by_role("button", name="打标签").click()
    expect(page.get_by_text("已开始")).to_be_visible()
    for number in JobRun.objects.filter(kind="members.bulk").values_list("pk", flat=True):
        assert running.run(number, heart=False) == "done"
    assert MemberTag.objects.count() == 8
    page.get_by_role("link", name="批量操作记录").click()
    expect(page.get_by_text("选中 8 位，更改了 8 位")).to_be_visible()


def test_a_list_is_kept_as_a_tab_that_knows_when_it_was_changed(enter: Enter) -> None:
    page = enter("operator", "/members/?gender=2")
    page.get_by_role("button", name="存为视图").click()
    page.get_by_label("视图名称").fill("女会员")
    page.locator("#save-view").get_by_role("button", name="保存").click()
    expect(page.locator(".views [aria-current]")).to_have_text("女会员")
    page.get_by_role("button", name="生命周期").click()
    page.locator("#f-stage").get_by_role("checkbox", name="活跃期").check()
    expect(page.get_by_text("「女会员」有未保存的修改")).to_be_visible()  # without the page being loaded again
    page.keyboard.press("Escape")
    page.get_by_role("button", name="保存修改").click()
    expect(page.get_by_text("有未保存的修改")).to_have_count(0)
    assert SavedView.objects.get().query in ("gender=2&stage=1", "stage=1&gender=2")
    page.get_by_role("button", name="列与密度").click()
    page.get_by_role("button", name="下移「生命周期」").click()
    page.locator("#columns").get_by_role("button", name="应用").click()
    expect(page.locator("thead th").nth(2)).to_have_text("RFM 分组")
    expect(page.locator("thead th").nth(3)).to_have_text("生命周期")
