"""A model's page in a browser: results, charts, a tag by threshold; light, dark, on a phone, in English."""

import os
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from members.models import Member, MemberPrediction, Pool, TagGroup
from scrm.jobs import running
from scrm.jobs.models import JobRun
from segmentation.models import ModelVersion
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


def test_from_switching_on_to_a_tag_and_off_again(pool: Pool, staff: Any, enter: Callable[..., Page], monkeypatch: Any) -> None:
    """The whole way of somebody who wants to know who will stay away."""
    monkeypatch.setattr("scrm.lib.clock.now", lambda: NOW)
    fill(pool, shoppers(900, 380))
    page = enter("admin", "/segments/predictions/")
    expect(page.get_by_role("row", name="流失概率")).to_contain_text("未训练")
    page.get_by_role("link", name="流失概率", exact=True).click()
    expect(page.locator("main")).to_contain_text("还没有训练过")
    expect(page.get_by_role("link", name="先建标签组")).to_be_visible()
    TagGroup.objects.create(pool=pool, name="模型标签")
    page.get_by_role("button", name="启用模型").click()
    expect(page.get_by_text("已启用，正在训练与评分")).to_be_visible()
    work()  # the page sees it by itself

    # Hold-out figures with limits beside the baseline, calibration, importance, the window of the data.
    version = ModelVersion.objects.get()
    (main,) = [each for each in version.metrics if each["main"]]
    figures = page.get_by_role("region", name="检验结果").get_by_role("row").nth(1)
    for name in ("value", "low", "high", "baseline"):
        expect(figures).to_contain_text(f"{main[name]:.3f}")
    expect(page.get_by_role("heading", name="预测与实际")).to_be_visible()
    expect(page.get_by_role("heading", name="哪些信息起作用")).to_be_visible()
    expect(page.locator("chart-view canvas, chart-view svg")).to_have_count(3)
    expect(page.locator("main")).to_contain_text(f"{version.sizes['held_out']:,}")
    expect(page.locator("main")).to_contain_text(version.window["held_out"][0][:10])

    # Another horizon makes another version; the first can still be looked at.
    page.get_by_label("周期（天）").fill("45")
    page.get_by_role("button", name="保存并训练").click()
    expect(page.locator("main .job")).to_be_visible()
    work()
    versions = page.get_by_role("region", name="版本")
    expect(versions.get_by_role("row")).to_have_count(3)
    expect(versions.get_by_role("row").nth(1)).to_contain_text("正在使用")
    versions.get_by_role("link", name="1", exact=True).click()
    expect(page.get_by_role("heading", name="在没见过的购买上检验")).to_contain_text("版本 1")

    # A tag on the tenth most likely to stay away; then off, after being asked.
    page.locator("#id_name").fill("快要流失")
    page.locator("#id_value").fill("91")
    page.locator("#id_value").press("Enter")
    page.wait_for_load_state("networkidle")
    work()
    tagged = Member.objects.filter(tags__tag__name="快要流失").count()
    assert 0 < tagged <= MemberPrediction.objects.count() * 0.1
    page.reload(wait_until="networkidle")
    expect(page.locator("main")).to_contain_text(f"{tagged:,} 人")
    page.get_by_role("button", name="停用模型").click()
    asked = page.get_by_role("dialog", name="请确认")
    expect(asked).to_contain_text("会员的评分会清除")
    asked.get_by_role("button", name="取消").click()
    assert MemberPrediction.objects.exists()
    page.get_by_role("button", name="停用模型").click()
    asked.locator("[value=yes]").click()
    expect(page.get_by_text("已停用，评分已清除")).to_be_visible()
    work()
    assert not MemberPrediction.objects.exists()


def test_a_model_no_better_than_its_baseline_says_so_everywhere(shop: Pool, enter: Callable[..., Page]) -> None:
    ModelVersion.objects.update(beats=False)
    page = enter("marketer", "/segments/predictions/")
    expect(page.get_by_role("row", name="流失概率")).to_contain_text("不优于基线")
    page.get_by_role("link", name="流失概率", exact=True).click()
    expect(page.locator("main")).to_contain_text("没有证明优于基线")
    expect(page.locator("main")).to_contain_text("不会给任何会员打标签")


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
