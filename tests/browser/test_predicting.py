"""A model's page in a browser: results, charts, a tag by threshold; light, dark, on a phone, in English."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from members.models import MemberPrediction, Pool, TagGroup
from scrm.jobs import running
from scrm.jobs.models import JobRun
from segmentation.predicting import services
from tests.browser.conftest import fits_a_phone
from tests.predicting.conftest import START, fill
from tests.predicting.made import shoppers

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NOW = START + timedelta(days=390)


@pytest.fixture
def shop(pool: Pool, staff: Any, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """A pool whose model of churn is on and has been trained."""
    monkeypatch.setattr("scrm.lib.clock.now", lambda: NOW)
    fill(pool, shoppers(900, 380))
    TagGroup.objects.create(pool=pool, name="模型标签")
    services.switch(predictor=services.predictor_of(pool=pool, key="churn"), on=True, actor=None)
    work()
    return pool


def work() -> None:
    for number in JobRun.objects.filter(status=JobRun.Status.QUEUED).values_list("pk", flat=True):
        assert running.run(number, heart=False) == "done"


def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.wait_for_timeout(800)
        page.screenshot(path=f"{folder}/{name}.png", full_page=True)


def test_a_models_page(shop: Pool, enter: Callable[..., Page], accessible: Callable[[], None]) -> None:
    page = enter("admin", "/segments/predictions/")
    expect(page.locator("main")).to_contain_text("流失概率")
    accessible()
    shot(page, "models-list")
    page.get_by_role("link", name="流失概率", exact=True).click()
    expect(page.get_by_role("heading", name="在没见过的购买上检验")).to_be_visible()
    expect(page.locator("chart-view canvas, chart-view svg")).to_have_count(3)
    accessible()
    shot(page, "model-light")
    page.emulate_media(color_scheme="dark")
    page.reload(wait_until="networkidle")
    accessible()
    shot(page, "model-dark")
    page.emulate_media(color_scheme="light")
    page.locator("#id_name").fill("快要流失")
    page.locator("#id_value").fill("91")
    page.locator("#id_value").press("Enter")
    page.wait_for_load_state("networkidle")
    expect(page.locator(".pill", has_text="快要流失")).to_be_visible()
    assert fits_a_phone(page)
    shot(page, "model-390")


def test_the_page_in_english_and_the_members_tab(shop: Pool, enter: Callable[..., Page], as_of: datetime) -> None:
    member = MemberPrediction.objects.order_by("-value").first()
    assert member is not None
    page = enter("analyst", f"/members/{member.member_id}/?tab=predictions")
    expect(page.locator("main")).to_contain_text("流失概率")
    expect(page.locator("main")).to_contain_text("版本 1")
    shot(page, "model-panel")
    page.goto(page.url.split("/members/")[0] + "/segments/predictions/churn/")
    page.get_by_label("账号与外观").click()
    page.locator("#me").get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    shot(page, "model-en")
