"""Who guesses passwords waits: by name, by address, until time or an administrator says otherwise."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from scrm.lib import clock
from scrm.staff import throttle
from scrm.staff.models import AuditEntry, SignInFailure, User

pytestmark = pytest.mark.django_db
WRONG, RIGHT = "wrong horse", "right horse"


def sign_in(name: str, password: str, address: str = "192.0.2.1") -> Any:
    return Client().post("/login/", {"username": name, "password": password}, REMOTE_ADDR=address)


def test_the_right_password_gets_in(staff: dict[str, User]) -> None:
    assert sign_in("operator-demo", RIGHT).status_code == 302


def test_too_many_failures_under_one_name(staff: dict[str, User]) -> None:
    for n in range(throttle.PER_NAME):
        assert sign_in("operator-demo", WRONG, f"192.0.2.{n}").status_code == 200
    answer = sign_in("Operator-Demo ", RIGHT, "192.0.2.99")  # even the right password, however the name is spelt
    assert answer.status_code == 429
    assert "15 分钟" in answer.content.decode()
    assert sign_in("admin-demo", RIGHT, "192.0.2.99").status_code == 302  # others are not held up


def test_too_many_failures_from_one_address(staff: dict[str, User]) -> None:
    for n in range(throttle.PER_ADDRESS):
        sign_in(f"guess{n}", WRONG, "198.51.100.7")
    assert sign_in("admin-demo", RIGHT, "198.51.100.7").status_code == 429
    assert sign_in("admin-demo", RIGHT, "198.51.100.8").status_code == 302


def test_names_that_do_not_exist_are_told_the_same(staff: dict[str, User]) -> None:
    for _n in range(throttle.PER_NAME):
        sign_in("nobody", WRONG)
    assert sign_in("nobody", WRONG).status_code == 429


def test_a_success_forgives_the_name(staff: dict[str, User]) -> None:
    for _n in range(throttle.PER_NAME - 1):
        sign_in("operator-demo", WRONG)
    assert sign_in("operator-demo", RIGHT).status_code == 302
    for _n in range(throttle.PER_NAME - 1):
        assert sign_in("operator-demo", WRONG).status_code == 200


def test_time_opens_the_door(staff: dict[str, User]) -> None:
    now = clock.now()
    for _n in range(throttle.PER_NAME):
        throttle.failed(name="x", address=None, as_of=now)
    assert throttle.waits_until(name="x", address=None, as_of=now) == now + throttle.WAIT
    assert throttle.waits_until(name="x", address=None, as_of=now + throttle.WAIT) is None


def test_failures_far_apart_are_no_attack() -> None:
    now = clock.now()
    for n in range(throttle.PER_NAME * 2):
        throttle.failed(name="x", address=None, as_of=now + n * (throttle.WINDOW + timedelta(seconds=1)))
    assert SignInFailure.objects.get(key="name:x").count == 1


def test_an_administrator_opens_it(login: Callable[[str], Client], staff: dict[str, User]) -> None:
    for _n in range(throttle.PER_NAME):
        sign_in("operator-demo", WRONG)
    page = login("admin").get("/p/demo/privacy/").content.decode()
    assert "operator-demo" in page
    place = f"/p/demo/privacy/unlock/{staff['operator'].pk}/"
    assert login("operator").post(place).status_code == 403
    assert login("admin").post(place).status_code == 302
    assert AuditEntry.objects.filter(action="sign_in.unlock").exists()
    assert sign_in("operator-demo", RIGHT).status_code == 302


def test_somebody_of_another_pool_is_not_theirs_to_open(login: Callable[[str], Client]) -> None:
    stranger = User.objects.create_user("stranger", password=RIGHT)
    assert login("admin").post(f"/p/demo/privacy/unlock/{stranger.pk}/").status_code == 404


def test_it_is_forgotten_after_a_day() -> None:
    now = clock.now()
    throttle.failed(name="x", address="192.0.2.1", as_of=now)
    assert throttle.forget(as_of=now + timedelta(hours=23)) == 0
    assert throttle.forget(as_of=now + timedelta(hours=25)) == 2


def test_sessions_are_kept_from_scripts_and_end(settings: Any, staff: dict[str, User]) -> None:
    answer = sign_in("operator-demo", RIGHT)
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert 0 < cookie["max-age"] <= 12 * 3600
