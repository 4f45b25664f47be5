"""A real Chromium: the machine's own. A page fails its test on console errors and on any request off the machine."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.base import AxeResults
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
]


def chromium() -> str | None:
    """The machine's Chromium or Chrome."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    if not (found := chromium()):
        pytest.skip("no Chromium on this machine")
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {**browser_type_launch_args, "executable_path": found, "args": QUIET + root}


@pytest.fixture(scope="session")
def base_url() -> None:
    """Pages are opened by their whole address; the plugin's own fallback fails under pytest 9."""


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "locale": "zh-CN", "timezone_id": "Asia/Shanghai", "viewport": {"width": 1440, "height": 900}}


@pytest.fixture(scope="session", autouse=True)
def _patience() -> None:
    """How soon a page answers says something about the machine, not about the page."""
    from playwright.sync_api import expect

    expect.set_options(timeout=30_000)


@pytest.fixture
def page(page: Any, live_server: Any) -> Iterator[Any]:
    """A page without tolerance for noise; `page.noise` may be emptied where an error is the point."""
    noise: list[str] = []
    page.noise = noise
    page.on("console", lambda message: message.type == "error" and noise.append(message.text))
    page.on("pageerror", lambda error: noise.append(str(error)))

    def guard(route: Any) -> None:
        if route.request.url.startswith((live_server.url, "data:", "blob:")):
            route.continue_()
        else:
            noise.append(f"outside: {route.request.url}")
            route.abort()

    page.route("**/*", guard)
    yield page
    assert not noise, noise


@pytest.fixture
def enter(page: Any, live_server: Any, staff: dict[str, Any]) -> Callable[..., Any]:
    """`enter("marketer", "/segments/")`: a signed-in page of the demo pool."""

    def go(role: str, path: str = "/", pool: str = "demo") -> Any:
        client = Client()
        client.force_login(staff[role])
        session = client.cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page.goto(f"{live_server.url}/p/{pool}{path}", wait_until="networkidle")
        return page

    return go


@pytest.fixture
def accessible(page: Any) -> Callable[[], None]:
    """Fails with axe's report when the page breaks WCAG A/AA or best practice."""

    def check() -> None:
        found = axe(page)
        assert found.violations_count == 0, found.generate_report()

    return check


def axe(page: Any, **options: Any) -> AxeResults:
    """What axe finds against the page; what it finds in order is not collected, which takes longer than the rest."""
    return Axe().run(page, options={"resultTypes": ["violations"], **options})


def settled(page: Any) -> None:
    """Waits until the page's script has begun and what it fetches has come; half a second sooner than `networkidle`."""
    page.locator("html[data-ready]").wait_for(state="attached")
    page.wait_for_function("() => !document.querySelector('.htmx-request')")


def fits_a_phone(page: Any) -> bool:
    """Whether the page needs no scrolling sideways at 390 pixels; charts take their new width a moment later."""
    page.set_viewport_size({"width": 390, "height": 844})
    for _ in range(20):
        if page.evaluate("document.documentElement.scrollWidth <= innerWidth"):
            return True
        page.wait_for_timeout(100)
    return False
