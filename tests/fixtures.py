"""Fixtures every test may use: one pool, one person per role, members by name."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.test import Client
from rest_framework.test import APIClient

from members.models import Member, Pool
from scrm.staff import tokens
from scrm.staff.models import User
from scrm.staff.permissions import Role, granted
from tests import factories

AS_OF = datetime(2026, 11, 1, 4, tzinfo=UTC)  # noon in Shanghai

__all__ = ["alice", "api", "as_of", "bob", "login", "other_pool", "pool", "staff"]


@pytest.fixture
def as_of() -> datetime:
    """The instant all tests take for now."""
    return AS_OF


@pytest.fixture
def pool(db: None) -> Pool:
    return factories.pool("demo", "演示会员池")


@pytest.fixture
def other_pool(db: None) -> Pool:
    return factories.pool("other", "另一个会员池")


@pytest.fixture
def staff(pool: Pool) -> dict[str, User]:
    """One user per role in `pool`: staff["marketer"] …"""
    return {role.value: factories.user(role.value, pool, role) for role in Role}


@pytest.fixture
def login(staff: dict[str, User], pool: Pool) -> Callable[[str], Client]:
    """A browser session: `login("operator").get("/p/demo/members/")`."""

    def enter(role: str) -> Client:
        client = Client()
        client.force_login(staff[role])
        return client

    return enter


@pytest.fixture
def api(staff: dict[str, User], pool: Pool) -> Callable[..., APIClient]:
    """A program with a token of a role: `api("marketer").get("/api/segments/")`."""

    def connect(role: str, scopes: list[str] | None = None) -> APIClient:
        _, secret = tokens.issue(
            user=staff[role], pool_id=pool.pk, role=role, name="test", scopes=sorted(granted(role)) if scopes is None else scopes
        )
        client = APIClient()
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {secret}")
        return client

    return connect


@pytest.fixture
def alice(pool: Pool) -> Member:
    return factories.member(pool, "Alice", phone="13800000001", email="alice@example.com")


@pytest.fixture
def bob(pool: Pool) -> Member:
    return factories.member(pool, "Bob", phone="13800000002", email="bob@example.com")


@pytest.fixture(autouse=True)
def _no_stray_prefix() -> Iterator[None]:
    """A request under /p/<slug>/ must not leave its prefix to the next test."""
    from django.urls import get_script_prefix

    yield
    assert get_script_prefix() == "/"
