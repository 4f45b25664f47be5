"""The rule builder in a real browser: live count, focus kept, popover kept, saved."""

from collections.abc import Callable
from typing import Any

import pytest

from members.models import Pool
from segmentation.models import Segment
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_rule_is_built_with_a_live_count(pool: Pool, enter: Callable[..., Any], accessible: Callable[[], None]) -> None:
    from playwright.sync_api import expect

    for name, city in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海")):
        factories.member(pool, name, city=city)
    page = enter("marketer", "/segments/new/?rule=%7B%22all%22%3A%5B%5D%7D")
    count = page.locator("b.big")
    expect(count).to_have_attribute("data-count", "3")
    page.get_by_role("button", name="条件", exact=True).click()
    page.locator("select.fact").select_option("city")
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
