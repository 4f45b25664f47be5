"""The tracking script on a shop's page with a strict policy: before consent nothing, after it everything, then a sign-in."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from members.models import Event, Pool, Site, VisitorEvent
from members.tracking import services
from scrm.lib import clock
from tests.browser.conftest import chromium

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
HTML = """<!doctype html><title>婴儿奶粉</title><a href="/b?phone=13800000001" data-track="detail">看看</a>
<script src="{host}/c/track.js" data-site="{key}" data-consent="asked" async></script>"""


@pytest.fixture
def shop(browser: Browser, live_server: Any, pool: Pool) -> Iterator[tuple[Page, Site, str]]:
    """A page on the server's own machine under another name, so that it is another origin."""
    if not chromium():
        pytest.skip("no Chromium on this machine")
    origin = "http://shop.localhost"
    site = services.save_site(
        pool=pool,
        site=None,
        name="商城",
        origins=[origin],
        channel=None,
        consent="asked",
        is_active=True,
        actor=None,
        as_of=clock.now(),
    )
    context = browser.new_context(user_agent=AGENT)
    page = context.new_page()
    page.noise = []  # type: ignore[attr-defined]
    page.on("console", lambda said: said.type == "error" and page.noise.append(said.text))  # type: ignore[attr-defined]
    policy = f"default-src 'none'; script-src {live_server.url}; connect-src {live_server.url}"

    def serve(route: Route) -> None:
        route.fulfill(
            body=HTML.format(host=live_server.url, key=site.key),
            headers={"Content-Security-Policy": policy, "Content-Type": "text/html; charset=utf-8"},
        )

    page.route(f"{origin}/**", serve)
    page.goto(f"{origin}/a?q=奶粉&utm_source=wecom&phone=13800000001")
    loaded = "window.scrm?.loaded ? true : new Promise((ready) => addEventListener('scrm:ready', () => ready(true)))"
    assert page.evaluate(loaded)
    yield page, site, origin
    context.close()
    assert not page.noise, page.noise  # type: ignore[attr-defined]


def kinds() -> list[str]:
    return sorted(VisitorEvent.objects.values_list("kind", flat=True))


def wait_for(page: Page, count: int) -> None:
    for _try in range(40):
        if VisitorEvent.objects.count() + Event.objects.count() >= count:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"{kinds()} after ten seconds, {count} events expected")


def test_a_visit_from_consent_to_sign_in(shop: tuple[Page, Site, str], alice: Any) -> None:
    page, site, _origin = shop
    page.wait_for_timeout(500)
    assert page.evaluate("Object.keys(localStorage).filter((key) => key.includes('visitor'))") == []
    page.evaluate("scrm('consent', true)")
    wait_for(page, 2)
    assert kinds() == ["search", "view"]
    view = VisitorEvent.objects.get(kind="view").properties
    assert (view["path"], view["title"], view["utm_source"]) == ("/a", "婴儿奶粉", "wecom")
    assert VisitorEvent.objects.get(kind="search").properties["words"] == "奶粉"
    page.wait_for_timeout(1100)
    page.get_by_text("看看").click()
    page.wait_for_load_state()
    wait_for(page, 5)
    assert kinds() == ["click", "search", "stay", "view", "view"]
    click = VisitorEvent.objects.get(kind="click").properties
    assert (click["name"], click["href"]) == ("detail", "/b")
    assert "13800000001" not in str(list(VisitorEvent.objects.values_list("properties", flat=True)))

    visitor = page.evaluate("new Promise((tell) => scrm('visitor', tell))")
    at = int(clock.now().timestamp())
    signature = services.sign(services.secret_of(site), visitor=visitor, kind="phone", value="13800000001", at=at)
    with page.expect_response("**/identify") as answer:
        page.evaluate(
            "(proof) => scrm('identify', proof)", {"kind": "phone", "value": "13800000001", "at": at, "signature": signature}
        )
    assert answer.value.status == 204
    assert Event.objects.filter(member=alice).count() == 5
    page.evaluate("scrm('consent', false)")
    assert page.evaluate("localStorage.getItem('scrm.visitor')") is None
