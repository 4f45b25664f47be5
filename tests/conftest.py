"""Every test runs on a real PostgreSQL: the embedded one, unless DATABASE_URL names another."""

import os
from contextlib import suppress
from pathlib import Path

os.environ.setdefault("DATA_DIR", str(Path(__file__).resolve().parent.parent / ".data" / "test"))
os.environ.setdefault("SECRET_KEY", "tests-only-" + "x" * 40)
os.environ.setdefault("FIELD_KEYS", "k1:" + "A" * 43 + "=")
os.environ.setdefault("ALLOW_PRIVATE_TARGETS", "1")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
# Playwright keeps an event loop in the test's thread.
os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")

from scrm import embedded

DATA_DIR = Path(os.environ["DATA_DIR"])
WORKER = os.environ.get("PYTEST_XDIST_WORKER", "")  # gw0, gw1 … when tests run side by side
(DATA_DIR / "static").mkdir(parents=True, exist_ok=True)
if "DATABASE_URL" not in os.environ:
    embedded.start(DATA_DIR, profile="test")
    if WORKER and "REDIS_URL" not in os.environ:
        # A Celery worker of one side must not take the messages of the other.
        os.environ["REDIS_URL"] = f"{embedded.redis_url(DATA_DIR).rpartition('/')[0]}/{int(WORKER[2:]) % 15 + 1}"

import hypothesis  # noqa: E402
import pytest  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import OperationalError  # noqa: E402
from django.utils import translation  # noqa: E402

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("tests")

from tests.fixtures import *  # noqa: E402, F403  (fixtures every test may use)


@pytest.fixture(scope="session", autouse=True)
def _side_by_side():
    """The database is each side's own already; so are the files."""
    from django.conf import settings

    settings.MEDIA_ROOT = DATA_DIR / "files" / WORKER
    settings.INBOX_DIR = DATA_DIR / "inbox" / WORKER


@pytest.fixture(autouse=True)
def _tidy(request, django_db_blocker):
    """The language of one test is not the next one's; nor are tables that Django does not know and so does not empty."""
    yield
    translation.activate(settings.LANGUAGE_CODE)
    mark = request.node.get_closest_marker("django_db")
    if mark and mark.kwargs.get("transaction"):
        # A test that takes the database away has left nothing in it.
        with django_db_blocker.unblock(), suppress(OperationalError):
            _empty_unmanaged()


def _empty_unmanaged():
    """Events, their partitions, and the tables that imports leave for a day."""
    from scrm.lib import sql

    sql.run("DELETE FROM members_event")
    made = "tablename ~ '^(journal|import)_[0-9]+_' OR tablename ~ '^members_event_[0-9]+$'"
    for (name,) in sql.fetch(f"SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND ({made})"):
        sql.run(f'DROP TABLE IF EXISTS "{name}"')


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords():
    """Argon2 takes its time on purpose; tests make hundreds of people."""
    from django.conf import settings
    from django.contrib.auth import hashers

    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    hashers.get_hashers.cache_clear()
    hashers.get_hashers_by_algorithm.cache_clear()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker):
    """Tests of transactions empty all tables; only for them the ledger may be truncated."""
    from scrm.lib import sql

    with django_db_blocker.unblock():
        sql.run("ALTER TABLE loyalty_entry DISABLE TRIGGER entry_is_kept")
    yield
    with django_db_blocker.unblock():  # threads of servers and probes keep connections; the database is to be dropped
        sql.fetch(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() AND usename = current_user"
        )


def pytest_collection_modifyitems(items):
    """Files that drive browsers and kill workers first: two sides then end at about the same time."""

    def slow(item):
        return any(item.get_closest_marker(mark) for mark in ("browser", "slow"))

    heavy = {item.path for item in items if slow(item)}
    items.sort(key=lambda item: item.path not in heavy)  # stable: otherwise as they stand
