"""The tracking script on a shop's page with a strict policy: before consent nothing, after it everything, then a sign-in."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page

from members.models import Event, Pool, Site, VisitorEvent
from members.tracking import public, services
from scrm.lib import clock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HTML = """<!doctype html><title>婴儿奶粉</title><a href="/b?phone=13800000001" data-track="detail">看看</a>
<script src="{host}/c/track.js" data-site="{key}" data-consent="asked" async></script>"""


class Shop(BaseHTTPRequestHandler):
    """A shop of its own origin: any address is the same page under a strict policy."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Security-Policy", self.server.policy)  # type: ignore[attr-defined]
        self.end_headers()
        self.wfile.write(self.server.html.encode())  # type: ignore[attr-defined]

    def log_message(self, *args: Any) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    made = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield made
    made.shutdown()


@pytest.fixture
def shop(browser: Browser, live_server: Any, pool: Pool, server: Any, monkeypatch: Any) -> Iterator[tuple[Page, Site]]:
    # What a page sends while it is being left carries the browser's own name, which says that nobody looks.
    monkeypatch.setattr(public, "is_machine", lambda _request: False)
    origin = f"http://127.0.0.1:{server.server_port}"
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
    server.policy = f"default-src 'none'; script-src {live_server.url}; connect-src {live_server.url}"
    server.html = HTML.format(host=live_server.url, key=site.key)
    context = browser.new_context()
    page = context.new_page()
    page.noise = []  # type: ignore[attr-defined]
    page.on("console", lambda said: said.type == "error" and page.noise.append(said.text))  # type: ignore[attr-defined]
    page.goto(f"{origin}/a?q=奶粉&utm_source=wecom&phone=13800000001")
    for _try in range(120):
        if page.evaluate("Boolean(window.scrm?.loaded)"):
            break
        page.wait_for_timeout(250)
    else:
        raise AssertionError(f"the script did not load: {page.noise}")  # type: ignore[attr-defined]
    yield page, site
    context.close()
    assert not page.noise, page.noise  # type: ignore[attr-defined]


def kinds() -> list[str]:
    return sorted(VisitorEvent.objects.values_list("kind", flat=True))


def wait_for(page: Page, count: int) -> None:
    for _try in range(120):
        if VisitorEvent.objects.count() + Event.objects.count() >= count:
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"{kinds()} after thirty seconds, {count} events expected")


def test_a_visit_from_consent_to_sign_in(shop: tuple[Page, Site], alice: Any) -> None:
    page, site = shop
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
