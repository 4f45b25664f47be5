"""The frame in a browser: themes, palette, keys, phone width, accessibility."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import axe, fits_a_phone, settled

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _people(staff: dict[str, Any]) -> None:
    """Everyone who may sign in."""


def test_palette_finds_pages_and_keys_jump(enter: Callable[..., Page]) -> None:
    page = enter("operator", "/jobs/")
    page.keyboard.press("Control+k")
    expect(page.locator("#palette")).to_be_visible()
    page.keyboard.type("后台任务")
    expect(page.locator("#palette-pages li:visible")).to_have_count(1)
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    page.locator("body").press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page).to_have_url(re.compile("/p/demo/jobs/$"))


def test_theme_is_kept_by_the_server_without_a_flash(enter: Callable[..., Page]) -> None:
    page = enter("operator", "/jobs/")
    page.get_by_label("账号与外观").click()
    page.locator("#me [data-set-theme=dark]").click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    assert 'data-bs-theme="dark"' in page.request.get(page.url).text()


def test_language_switch(enter: Callable[..., Page]) -> None:
    page = enter("operator", "/jobs/")
    page.get_by_label("账号与外观").click()
    page.locator("#me").get_by_role("button", name="English").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.locator(".side")).to_contain_text("Background jobs")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_frame_and_sign_in_are_accessible(
    page: Page, enter: Callable[..., Page], accessible: Callable[[], None], live_server: Any, scheme: Any, width: int
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    page.goto(f"{live_server.url}/login/", wait_until="networkidle")
    accessible()
    enter("admin", "/jobs/")
    accessible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_drawer_on_a_phone(page: Page, enter: Callable[..., Page]) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    enter("operator", "/jobs/")
    expect(page.locator("#side")).not_to_be_visible()
    page.get_by_label("打开导航").click()
    expect(page.locator("#side")).to_be_visible()
    page.get_by_label("关闭导航").click()
    expect(page.locator("#side")).not_to_be_visible()


def test_a_refused_request_becomes_a_sentence(enter: Callable[..., Page]) -> None:
    page = enter("operator", "/jobs/")
    page.evaluate(
        """() => {
          const button = document.createElement("button");
          button.setAttribute("hx-get", "/p/demo/no-such-page/"); button.id = "probe"; button.textContent = "probe";
          document.querySelector("main").append(button);
          return import("htmx").then((module) => module.default.process(document.querySelector("main")));
        }"""
    )
    page.locator("#probe").click()
    expect(page.locator(".toast-item")).to_contain_text("找不到这个页面")
    page.noise.clear()  # type: ignore[attr-defined]  # the 404 itself


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_of_the_navigation_is_accessible_and_fits_a_phone(page: Page, enter: Callable[..., Page], scheme: Any) -> None:
    """Of the dark theme only the colours are another's."""
    rules = {"runOnly": ["color-contrast"]} if scheme == "dark" else {}
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    enter("admin", "/jobs/")
    links = page.locator(".side nav a").evaluate_all("links => links.map((link) => link.href)")
    assert links
    for link in links:
        page.set_viewport_size({"width": 1440, "height": 900})
        answer = page.goto(link)
        assert answer is not None
        settled(page)
        assert answer.ok, link
        found = axe(page, **rules)
        assert not found.violations_count, found.generate_report()
        assert fits_a_phone(page), f"{link} is wider than a phone"
