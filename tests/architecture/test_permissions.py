"""Who may do what, on every address there is: pages and API × roles × own pool, another pool, nobody.

An address that a new feature adds is in these tests from its first commit; what lets everybody in must be named in
`tests/architecture/addresses.py`, with a reason.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import get_resolver
from rest_framework.test import APIClient

from members.models import Pool
from scrm.lib.charts import CHARTS
from scrm.staff.gate import RolePermission
from scrm.staff.models import User
from scrm.staff.permissions import MATRIX, Role
from tests.architecture.addresses import ALL, API, INSIDE, PAGES, PUBLIC, Address
from tests.architecture.conftest import Each

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Login = Callable[[str], Client]
# Pages that show more than they let do: the form inside asks for a second permission when it is sent filled in.
FORMS_INSIDE: dict[str, tuple[str, dict[str, str]]] = {
    "points/": ("points.edit", {"yuan": "1", "points": "1", "least": "0", "starts_at": "2099-01-01T00:00"}),
    "reach/policy/": ("policy.edit", {}),
    "oneid/guard/": ("oneid.edit", {}),
    "oneid/rules/": ("oneid.edit", {}),
}


def call(client: Client, method: str, path: str, given: dict[str, str] | None = None) -> Any:
    return client.generic(method, path, urlencode(given or {}), content_type="application/x-www-form-urlencoded")


@pytest.fixture
def quiet(settings: Any, tmp_path: Any) -> None:
    """Acts that are let through write their files here."""
    settings.MEDIA_ROOT = tmp_path


class TestNothingIsForgotten:
    def test_addresses_are_found(self) -> None:
        assert len(PAGES) > 100
        assert len(API) > 60
        assert get_resolver().url_patterns

    def test_every_page_asks_for_a_permission(self) -> None:
        open_doors = [str(page) for page in PAGES if page.permission is None]
        assert not open_doors, "without @allow(…) and not among the public addresses: " + ", ".join(open_doors)

    def test_every_endpoint_asks_for_permissions_that_exist(self) -> None:
        for endpoint in API:
            assert RolePermission in endpoint.viewset.permission_classes, f"{endpoint}: its gate was taken away"
            assert endpoint.viewset.permissions, f"{endpoint}: no permissions"
            unknown = set(endpoint.viewset.permissions.values()) - set(MATRIX)
            assert not unknown, f"{endpoint}: {unknown}"
            for method, code in endpoint.acts.items():
                assert code in MATRIX, f"{method} {endpoint}"

    def test_a_write_never_asks_for_a_permission_to_read_alone(self) -> None:
        """What only looks although it is sent by POST, writes nothing but one's own, or asks again inside, is named here."""
        looks = {"segments/count/", "models/preview/"}
        own = {"member-views/", "member-views/{pk}/", "member-views/{pk}/first/"}
        asks_each_act = {"bulk-acts/", "bulk-acts/{pk}/undo/"}  # tests/members/test_bulk.py
        careless = [
            f"{method} {endpoint} ({code})"
            for endpoint in API
            for method, code in endpoint.acts.items()
            if method != "GET"
            and code.endswith(".view")
            and endpoint.route.removeprefix("api/") not in looks | own | asks_each_act
        ]
        assert not careless

    def test_lists_of_exceptions_name_addresses_that_exist(self) -> None:
        routes = {address.route for address in ALL}
        assert {*PUBLIC, *INSIDE, *FORMS_INSIDE} <= routes

    def test_every_permission_is_used(self) -> None:
        """A right nobody asks for is a right nobody was given; the few asked for elsewhere are named."""
        asked = {page.permission for page in PAGES} | {code for each in API for code in each.viewset.permissions.values()}
        asked |= {CHARTS[name].permission for name in CHARTS} | {code for code, _filled in FORMS_INSIDE.values()}
        assert set(MATRIX) == asked


@pytest.mark.django_db
@pytest.mark.usefixtures("quiet")
class TestPages:
    def test_nobody_is_sent_to_the_door(self, each: Each, client: Client, pool: Pool) -> None:
        def check(place: Address) -> None:
            answers = [call(client, method, place.path()) for method in METHODS]
            assert {answer.status_code for answer in answers} <= {302, 405}
            let_in = [answer for answer in answers if answer.status_code == 302]
            assert let_in, "no method is answered at all"
            assert all(answer["Location"].startswith("/login/?next=") for answer in let_in)

        each(PAGES, check)

    @pytest.mark.parametrize("role", Role)
    def test_roles(self, each: Each, login: Login, role: Role) -> None:
        """Without the permission: 403 that names it, before anything is looked up. With it: no refusal."""
        client = login(role)

        def check(place: Address) -> None:
            code = place.permission
            assert code is not None
            for method in ("GET", "POST"):
                second, filled = FORMS_INSIDE.get(place.route, (None, {})) if method == "POST" else (None, {})
                answer = call(client, method, place.path(), filled)
                if answer.status_code == 405:
                    continue
                held = role in MATRIX[code] and (second is None or role in MATRIX[second])
                assert (answer.status_code != 403) is held, f"{method}: {answer.status_code}"
                if not held:
                    assert (code if role not in MATRIX[code] else str(second)) in answer.content.decode()
                else:
                    assert answer.status_code < 500
                    assert not answer.headers.get("Location", "").startswith("/login/"), method

        each(PAGES, check)

    def test_another_pool_is_not_there(self, each: Each, login: Login, other_pool: Pool) -> None:
        client = login("admin")

        def check(place: Address) -> None:
            for slug in ("other", "no-such-pool"):
                found = {call(client, method, place.path(slug)).status_code for method in ("GET", "POST")}
                assert found <= {404, 405}, f"/p/{slug}/: {found}"
                assert 404 in found

        each(PAGES, check)


@pytest.mark.django_db
@pytest.mark.usefixtures("quiet")
class TestApi:
    def test_nobody_is_refused(self, each: Each, pool: Pool) -> None:
        client = APIClient()

        def check(endpoint: Address) -> None:
            for method in endpoint.acts:
                for path in (endpoint.path(), endpoint.plain()):
                    assert client.generic(method, path).status_code == 401, f"{method} {path}"

        each(API, check)

    @pytest.mark.parametrize("role", Role)
    def test_roles(self, each: Each, api: Callable[..., APIClient], role: Role) -> None:
        client = api(role)

        def check(endpoint: Address) -> None:
            for method, code in endpoint.acts.items():
                answer = client.generic(method, endpoint.plain(), data="{}", content_type="application/json")
                held = role in MATRIX[code]
                assert (answer.status_code != 403) is held, f"{method}: {answer.status_code}"
                if not held:
                    assert code in answer.content.decode()
                else:
                    assert answer.status_code != 401
                    assert answer.status_code < 500

        each(API, check)

    def test_a_scope_left_out_is_a_right_left_out(self, each: Each, api: Callable[..., APIClient]) -> None:
        """Even for an administrator's token."""

        def check(endpoint: Address) -> None:
            for method, code in endpoint.acts.items():
                client = api("admin", scopes=sorted(set(MATRIX) - {code}))
                answer = client.generic(method, endpoint.plain(), data="{}")
                assert answer.status_code == 403, method
                assert code in answer.content.decode()

        each(API, check)

    def test_another_pool_is_not_there(self, each: Each, staff: dict[str, User], other_pool: Pool) -> None:
        client = APIClient()
        client.force_login(staff["admin"])

        def check(endpoint: Address) -> None:
            for method in endpoint.acts:
                assert client.generic(method, endpoint.path("other")).status_code == 404

        each(API, check)


@pytest.mark.django_db
def test_charts_ask_for_what_they_declare(each: Each, login: Login, other_pool: Pool, client: Client) -> None:
    known = {role: login(role) for role in Role}

    def check(name: str) -> None:
        path, code = f"charts/{name}.json", CHARTS[name].permission
        assert code in MATRIX
        for role in Role:
            answer = known[role].get(f"/p/demo/{path}").status_code
            # Charts of one run, member or segment: 404 while the address names none.
            assert answer in ((200, 404) if role in MATRIX[code] else (403,)), role
            assert known[role].get(f"/p/other/{path}").status_code == 404
        assert client.get(f"/p/demo/{path}")["Location"].startswith("/login/")

    each(sorted(CHARTS), check)


@pytest.mark.django_db
def test_a_chart_that_does_not_exist_is_not_there(login: Login) -> None:
    assert login("admin").get("/p/demo/charts/no-such.json").status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize("route", sorted(PUBLIC))
def test_public_addresses_answer_without_sign_in(route: str, client: Client, pool: Pool) -> None:
    (address,) = [each for each in ALL if each.route == route]
    path = address.plain()
    answers = {call(client, method, path).status_code for method in ("GET", "POST")}
    assert answers - {405}
    assert not answers & {401, 500}
