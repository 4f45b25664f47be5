"""The frame of a page: who sees which entry, and what surrounds it."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
from django.contrib.messages import get_messages
from django.contrib.messages.storage.cookie import CookieStorage
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from scrm import shell
from scrm.lib.toasts import ToastMiddleware, toast
from scrm.staff.permissions import MATRIX, Role


def _request(role: str | None, path: str = "/p/demo/jobs/") -> HttpRequest:
    request = RequestFactory().get(path)
    request.role = role  # type: ignore[attr-defined]
    request.pool = SimpleNamespace(name="演示", slug="demo") if role else None  # type: ignore[attr-defined]
    return request


def _pages(role: str | None) -> set[str]:
    return {item.page for group in shell.navigation(_request(role)) for item in group.items}


def test_every_entry_names_a_permission_of_the_matrix() -> None:
    for group in shell.NAV:
        for item in group.items:
            assert item.permission in MATRIX, item.page


def test_keys_are_unique() -> None:
    keys = [item.key for group in shell.NAV for item in group.items if item.key]
    assert len(keys) == len(set(keys))


def test_every_entry_leads_somewhere() -> None:
    wanted = {item.page for group in shell.NAV for item in group.items}
    assert _pages("admin") == wanted


@pytest.mark.parametrize("role", list(Role))
def test_a_role_sees_exactly_what_it_may_open(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "maybe_url", lambda name: f"/{name}/")
    found = _pages(role)
    for group in shell.NAV:
        for item in group.items:
            assert (item.page in found) == (role in MATRIX[item.permission])


def test_no_pool_no_navigation() -> None:
    assert shell.navigation(_request(None)) == []


def test_the_longest_address_is_the_current_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shell, "maybe_url", lambda page: f"/p/demo/{page}/")
    monkeypatch.setattr(
        shell, "NAV", (shell.Group("", (shell.Item("a", "x", "m"), shell.Item("b", "x", "m/i"), shell.Item("c", "x", "mi"))),)
    )
    (group,) = shell.navigation(_request("admin", "/p/demo/m/i/7/"))
    assert [item.label for item in group.items if item.current] == ["b"]


def test_an_unknown_theme_cookie_is_ignored() -> None:
    request = _request("admin")
    request.COOKIES["theme"] = '"><script>'
    assert shell.shell(request)["theme"] == "auto"


def test_sign_in_page_in_both_languages(client: Client, db: None) -> None:
    page = client.get("/login/")
    assert page.status_code == 200
    assert "登录" in page.content.decode()
    assert 'lang="en"' in client.get("/login/", headers={"accept-language": "en"}).content.decode()


def test_refusal_names_the_permission() -> None:
    text = render_to_string("403.html", {"permission": "audit.view"}, request=_request(None))
    assert "audit.view" in text
    assert "data-fault" in text


def test_the_content_policy_allows_only_the_import_map(client: Client, db: None) -> None:
    response = client.get("/login/")
    policy = response["Content-Security-Policy"]
    nonce = policy.split("'nonce-")[1].split("'")[0]
    assert response.content.decode().count(f'nonce="{nonce}"') == 1
    assert "unsafe-eval" not in policy
    assert "script-src 'self' 'nonce-" in policy.replace("'unsafe-inline' ", "X")


def _with_message(htmx: bool) -> HttpRequest:
    request = RequestFactory().get("/")
    request.htmx = htmx  # type: ignore[attr-defined]
    request._messages = CookieStorage(request)  # type: ignore[attr-defined]
    toast(request, "已保存", undo="/undo/1")
    return request


def test_a_toast_travels_with_an_htmx_answer() -> None:
    response = ToastMiddleware(lambda request: HttpResponse("x"))(_with_message(True))
    assert '"tone": "green"' in response["HX-Trigger"]
    assert '"undo": "/undo/1"' in response["HX-Trigger"]
    assert response["HX-Trigger"].isascii()


@pytest.mark.parametrize("answer", [HttpResponse(status=302), HttpResponse(headers={"HX-Redirect": "/x"})])
def test_a_toast_waits_for_the_page_one_is_sent_to(answer: HttpResponse) -> None:
    request = _with_message(True)
    assert "HX-Trigger" not in ToastMiddleware(lambda _: answer)(request)
    assert len(list(get_messages(request))) == 1


def test_a_whole_page_prints_its_own_toasts() -> None:
    request = _with_message(False)
    assert "HX-Trigger" not in ToastMiddleware(lambda _: HttpResponse("x"))(request)
    assert shell.shell(request)["toasts"][0]["text"] == "已保存"


def test_a_page_of_a_pool_has_its_frame(login: Callable[[str], Client]) -> None:
    text = login("operator").get("/p/demo/jobs/").content.decode()
    for part in ('id="palette"', 'id="tasks"', 'id="me"', 'class="pool-switch"', 'aria-current="page"', "演示会员池"):
        assert part in text
    assert "/p/demo/jobs/tray/" in text
