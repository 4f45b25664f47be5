"""Bad settings are named before anything starts."""

import base64
from pathlib import Path

import pytest
from django.conf import settings as project
from pytest_django import Settings

from scrm import checks

KEY = base64.urlsafe_b64encode(bytes(32)).decode()


def found(name: str, value: object, settings: Settings) -> set[str | None]:
    setattr(settings, name, value)
    return {message.id for message in checks.settings_are_sane()}


def test_the_defaults_are_sane() -> None:
    assert checks.settings_are_sane() == []


@pytest.mark.parametrize(
    ("name", "value", "id"),
    [
        ("REDIS_URL", "127.0.0.1:6379", "scrm.E004"),
        ("REDIS_URL", "amqp://127.0.0.1", "scrm.E004"),
        ("BASE_URL", "scrm.example.com", "scrm.E005"),
        ("BASE_URL", "https://scrm.example.com/app", "scrm.E006"),
        ("BASE_URL", "http://scrm.example.com", "scrm.W008"),
        ("PORT", 70000, "scrm.E009"),
        ("INBOX_PORT", 0, "scrm.E009"),
        ("INBOX_PORT", project.PORT, "scrm.E010"),
        ("SECRET_KEY", "short", "scrm.E011"),
        ("FIELD_KEYS", "", "scrm.E012"),
        ("FIELD_KEYS", KEY, "scrm.E012"),
        ("FIELD_KEYS", "k1:" + KEY[:20], "scrm.E012"),
        ("FIELD_KEYS", "k1:not base64", "scrm.E012"),
        ("FIELD_KEYS", f"k1:{KEY},k1:{KEY}", "scrm.E012"),
        ("DATA_DIR", Path(__file__), "scrm.E013"),
    ],
)
def test_a_bad_setting_is_named(name: str, value: object, id: str, settings: Settings) -> None:
    assert found(name, value, settings) == {id}


@pytest.mark.parametrize("url", ["rediss://:pw@redis.example.com:6380/1", "redis+socket:///run/redis.sock"])
def test_good_queues(url: str, settings: Settings) -> None:
    assert not found("REDIS_URL", url, settings)


def test_two_field_keys_are_fine(settings: Settings) -> None:
    assert not found("FIELD_KEYS", f"k2:{KEY},k1:{KEY}", settings)


def test_debug_in_public(settings: Settings) -> None:
    settings.DEBUG = True
    assert found("BASE_URL", "https://scrm.example.com", settings) == {"scrm.E007"}


def test_another_engine(settings: Settings) -> None:
    assert found("DATABASES", {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "x"}}, settings) == {"scrm.E002"}


def test_no_database_in_the_address(settings: Settings) -> None:
    nameless = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": ""}}
    assert found("DATABASES", nameless, settings) == {"scrm.E003"}


def test_the_oldest_postgres() -> None:
    assert [error.id for error in checks._version(140012)] == ["scrm.E001"]
    assert not list(checks._version(150000))


@pytest.mark.django_db
def test_this_postgres_is_new_enough() -> None:
    assert checks.postgres_is_new_enough(databases=["default"]) == []
    assert checks.postgres_is_new_enough(databases=None) == []


def test_every_message_says_what_to_do(settings: Settings) -> None:
    for name, value in {"REDIS_URL": "x", "BASE_URL": "x", "PORT": 0, "SECRET_KEY": "short", "FIELD_KEYS": ""}.items():
        setattr(settings, name, value)
    messages = checks.settings_are_sane()
    assert len(messages) >= 5
    assert all(message.hint for message in messages)
