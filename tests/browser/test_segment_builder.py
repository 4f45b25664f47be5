"""The rule builder in a real browser: live count, focus kept, popover kept, saved; by keyboard; without JavaScript."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from members.models import Pool
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import clock
from segmentation.models import Segment
from segmentation.segments import computing
from tests import factories
from tests.browser.conftest import fits_a_phone

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_rule_is_built_with_a_live_count(pool: Pool, enter: Callable[..., Any], accessible: Callable[[], None]) -> None:
    from playwright.sync_api import expect

    for name, city in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海")):
        factories.member(pool, name, city=city)
    page = enter("marketer", "/segments/new/?rule=%7B%22all%22%3A%5B%5D%7D")
    count = page.locator("b.big")
    expect(count).to_have_attribute("data-count", "3")
    page.get_by_role("button", name="条件", exact=True).click()
    page.get_by_label("查找条件").fill("城市")
    expect(page.locator(".fact-choice")).to_have_count(1)
    accessible()
    page.locator(".fact-choice", has_text="城市").click()
    expect(page.locator("select.fact")).to_have_value("city")
    picker = page.locator(".rule .pickfield")
    expect(picker).to_be_visible()
    picker.click()
    page.locator(".pop.checks label", has_text="上海").click()
    expect(count).to_have_attribute("data-count", "2")
    expect(page.locator(".pop.checks")).to_be_visible()  # the morph leaves it open
    expect(page.locator(".reading")).to_have_text("城市是上海")
    page.keyboard.press("Escape")
    accessible()
    page.locator("#id_name").fill("上海客")
    expect(page.locator("#id_name")).to_be_focused()
    page.get_by_role("button", name="保存并计算").click()
    page.wait_for_url("**/segments/*/")
    assert Segment.objects.get().name == "上海客"


def test_a_segment_from_the_first_condition_to_its_second_version(
    pool: Pool, enter: Callable[..., Any], accessible: Callable[[], None]
) -> None:
    """Groups in groups, the funnel, what is unfinished, people, time, both languages; saved, computed, changed."""
    from playwright.sync_api import expect

    for n in range(8):
        factories.member(pool, f"m{n}", city="上海" if n < 7 else "杭州", gender=1 if n < 4 else 2)
    page = enter("marketer", "/segments/new/?rule=%7B%22all%22%3A%5B%5D%7D")
    count = page.locator("b.big")

    def add(group: int, name: str) -> None:
        page.get_by_role("button", name="条件", exact=True).nth(group).click()
        page.locator(".palette:popover-open .fact-choice", has_text=name).first.click()

    def choose(row: int, label: str) -> None:
        page.locator(".rule .pickfield").nth(row).click()
        page.locator(".pop.checks:popover-open label", has_text=label).click()
        page.keyboard.press("Escape")

    add(0, "城市")
    expect(page.locator(".rule.todo .errors")).to_be_visible()  # nothing chosen yet: said beside the row
    expect(page.locator(".unready")).to_contain_text("有 1 处未填好")
    choose(0, "上海")
    expect(page.locator("[data-after]").first).to_have_attribute("data-after", "7")
    page.get_by_role("button", name="条件组", exact=True).click()
    expect(page.locator("fieldset.group")).to_have_count(2)
    page.locator("fieldset.group .join").nth(1).select_option("none")
    page.locator("fieldset.group fieldset.group select.fact").select_option("gender")
    choose(1, "男")
    expect(count).to_have_attribute("data-count", "3")
    for row, left in enumerate(("7", "4")):
        expect(page.locator(".rule [data-after]").nth(row)).to_have_attribute("data-after", left)
    expect(page.locator("fieldset.group fieldset.group .adders .left")).to_have_text("剩 3")
    expect(page.locator(".reading")).to_have_text("城市是上海，且排除（性别是男）")
    expect(page.locator(".read-also[lang=en]")).to_contain_text("city is 上海")
    expect(page.locator(".audience header small")).to_contain_text("ms")
    expect(page.locator(".sample li")).to_have_count(3)
    accessible()

    page.locator("#id_name").fill("上海女客")
    page.get_by_role("button", name="保存并计算").click()
    page.wait_for_url("**/segments/*/")
    expect(page.locator("#state")).to_contain_text("正在计算")
    running.run(JobRun.objects.get(kind=computing.REFRESH).pk, heart=False)
    expect(page.locator("#state b.big")).to_contain_text("3")  # the page looks again by itself
    page.get_by_role("link", name="编辑规则").click()
    page.get_by_role("button", name="删除条件组").click()
    expect(page.locator("fieldset.group")).to_have_count(1)
    page.get_by_role("button", name="保存为新版本").click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    page.get_by_role("link", name="规则版本").click()
    expect(page.locator(".rule-diff .removed").last).to_contain_text("性别是男")
    page.get_by_role("button", name="恢复这一版").click()
    expect(page.locator("#results table")).to_contain_text("恢复自第 1 版")
    segment = Segment.objects.get()
    assert (segment.version, segment.versions.get(n=3).rule) == (3, segment.versions.get(n=1).rule)


def test_no_press_is_lost_and_the_deepest_group_takes_no_more(pool: Pool, enter: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    factories.member(pool, "Ann")
    page = enter("marketer", "/segments/new/?rule=%7B%22all%22%3A%5B%5D%7D")
    page.evaluate("""() => {
        const button = document.querySelector('button[value^="add-group:"]');
        [0, 30, 60].forEach((ms) => setTimeout(() => button.click(), ms));
    }""")
    groups = page.locator("fieldset.group")
    expect(groups).to_have_count(4)
    inner = "fieldset.group"
    for depth in range(2, 7):
        inner += " fieldset.group"
        page.locator(inner).first.locator(":scope > .children > .adders > [value^='add-group:']").click()
        expect(groups).to_have_count(3 + depth)
    last = page.locator(inner + " fieldset.group").first
    expect(last.locator("[value^='add-group:']")).to_be_disabled()
    expect(last).to_contain_text("已到最深一层")
    assert fits_a_phone(page)


def test_a_rule_is_built_by_keyboard_alone(pool: Pool, enter: Callable[..., Any]) -> None:
    from playwright.sync_api import expect

    members = [factories.member(pool, name) for name in ("Ann", "Ben", "Cai")]
    for n in range(2):
        factories.event(members[0], n, clock.now() - timedelta(hours=3 - n), "view" if n == 0 else "add_to_cart", price=9)
    page = enter("marketer", "/segments/new/?rule=%7B%22all%22%3A%5B%5D%7D")
    page.get_by_role("button", name="条件", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("查找条件").press_sequentially("先后")
    expect(page.locator(".fact-choice")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("select.fact")).to_have_value("sequence")
    pickers = page.locator(".rule .pickfield")
    for n, label in ((0, "浏览"), (1, "加购")):
        pickers.nth(n).focus()
        page.keyboard.press("Enter")
        page.locator(".pop.checks:popover-open label", has_text=label).locator("input").focus()
        page.keyboard.press("Space")
        page.keyboard.press("Escape")
    expect(page.locator("b.big")).to_have_attribute("data-count", "1")
    expect(page.locator(".reading")).to_have_text("有过「浏览」后 7 天内「加购」")


def test_a_rule_is_built_without_javascript(pool: Pool, staff: dict[str, Any], browser: Any, live_server: Any) -> None:
    from playwright.sync_api import expect

    for name, city in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海")):
        factories.member(pool, name, city=city)
    client = Client()
    client.force_login(staff["marketer"])
    context = browser.new_context(java_script_enabled=False, locale="zh-CN")
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(f"{live_server.url}/p/demo/segments/new/?rule=%7B%22all%22%3A%5B%5D%7D")
    page.get_by_role("button", name="条件", exact=True).click()
    page.locator(".fact-choice", has_text="城市").click()
    page.locator(".rule .pickfield").click()
    page.locator(".pop.checks label", has_text="上海").click()
    page.keyboard.press("Escape")
    page.get_by_role("button", name="更新条件与人数").click()
    expect(page.locator("b.big")).to_have_attribute("data-count", "2")
    page.get_by_role("button", name="条件", exact=True).click()
    page.locator(".fact-choice", has_text="下单次数").first.click()
    page.get_by_role("button", name="筛选", exact=True).click()
    expect(page.locator(".narrow-line")).to_have_count(1)
    page.get_by_role("button", name="更新条件与人数").click()
    expect(page.locator(".rule.todo")).to_have_count(1)  # the filter has no value yet, and says so beside its row
    page.get_by_role("button", name="去掉筛选：渠道").click()
    page.locator("#id_name").fill("上海客")
    page.get_by_role("button", name="保存并计算").click()
    page.wait_for_url(re.compile(r"/segments/\d+/$"))
    assert Segment.objects.get().name == "上海客"
    context.close()
