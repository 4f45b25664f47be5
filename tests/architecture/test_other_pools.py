"""Rows of another pool, asked for by id inside one's own pool, are not there: on every page and endpoint of one row.

The administrator of `demo` asks for each with every method and gets 404; the administrator of `other` asks for the
same address in `other` and does not, so that a mistyped case cannot pass.
"""

from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from scrm.staff.models import User
from tests.architecture.addresses import Address
from tests.architecture.cases import BODIES, DETAILS, case_of, ids_of, path_of
from tests.architecture.conftest import Each


def test_every_address_of_one_row_has_a_case() -> None:
    missing = [
        str(address) for address in DETAILS if case_of(address) is None or not ids_of(address) <= set(case_of(address) or ())
    ]
    assert not missing, "say in CASES which rows these addresses show: " + ", ".join(missing)
    assert len(DETAILS) > 100


@pytest.mark.django_db
def test_pages(each: Each, theirs: dict[str, Any], staff: dict[str, User]) -> None:
    ours, owner = Client(), Client()
    ours.force_login(staff["admin"])
    owner.force_login(theirs["admin"])

    def check(address: Address) -> None:
        answered = False
        for method in ("GET", "POST"):
            inside = ours.generic(method, path_of(address, "demo", theirs), content_type="application/x-www-form-urlencoded")
            assert inside.status_code in (404, 405), f"{method}: {inside.status_code}"
            assert "Carol" not in inside.content.decode()
            with transaction.atomic():
                known = owner.generic(method, path_of(address, "other", theirs), content_type="application/x-www-form-urlencoded")
                transaction.set_rollback(True)
            answered = answered or known.status_code not in (404, 405)
        assert answered or address.route in FILES, "its own administrator does not find it either: the case is wrong"

    each([address for address in DETAILS if address.viewset is None], check)


# Their rows are there; what they lead to is a file or form field this test does not make.
FILES = {"members/{pk}/tags/set/"}


@pytest.mark.django_db
def test_endpoints(each: Each, theirs: dict[str, Any], staff: dict[str, User]) -> None:
    ours, owner = APIClient(), APIClient()
    ours.force_login(staff["admin"])
    owner.force_login(theirs["admin"])

    def check(address: Address) -> None:
        for method in address.acts:
            body = BODIES.get(address.route, {}) if method != "GET" else None
            inside = getattr(ours, method.lower())(path_of(address, "demo", theirs), body)
            assert inside.status_code in (404, 405) or inside.status_code == _nobodys(ours, address, method, body) != 200, (
                f"{method}: {inside.status_code} {inside.content[:200]!r}"
            )
            if method == "GET":
                assert inside.status_code == 404
                known = getattr(owner, method.lower())(path_of(address, "other", theirs), body)
                assert known.status_code == 200 or address.route.endswith(ASKING)

    each([address for address in DETAILS if address.viewset is not None], check)


# They want to be asked something before there is an answer.
ASKING = ("/moves/", "/why/", "/diff/")


def _nobodys(client: Any, address: Address, method: str, body: Any) -> int:
    """The answer for an id that nobody has: the row was not even looked for."""
    return int(getattr(client, method.lower())(address.path(), body).status_code)
