"""System checks: a bad setting stops every command with one sentence that names it and the remedy."""

import base64
import binascii
import ipaddress
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgresConnection

OLDEST_POSTGRES = 150000
SHORTEST_SECRET = 32


@register(Tags.security)
def settings_are_sane(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Everything that can be told without leaving the process."""
    return [*_database(), *_queue(), *_address(), *_ports(), *_keys(), *_data_dir()]


@register(Tags.database)
def postgres_is_new_enough(
    app_configs: Any = None, *, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """PostgreSQL 15 or newer; asked only by commands that use the database (`migrate`)."""
    found: list[CheckMessage] = []
    for alias in databases or []:
        connection = connections[alias]
        if isinstance(connection, PostgresConnection):
            connection.ensure_connection()
            found += _version(connection.pg_version)
    return found


def _version(number: int) -> Iterator[Error]:
    if number < OLDEST_POSTGRES:
        text = f"PostgreSQL {number // 10000} is too old; 15 or newer is needed."
        yield Error(text, hint="Point DATABASE_URL at a newer server, or leave it out.", id="scrm.E001")


def _database() -> Iterator[Error]:
    engine = settings.DATABASES["default"]["ENGINE"]
    if engine != "django.db.backends.postgresql":
        yield Error(
            f"The database engine is {engine}; only PostgreSQL is supported.",
            hint="Set DATABASE_URL=postgresql://user:password@host:5432/name, or leave it out.",
            id="scrm.E002",
        )
    elif not settings.DATABASES["default"]["NAME"]:
        yield Error(
            "DATABASE_URL names no database.",
            hint="It ends in the database: postgresql://user:password@host:5432/name",
            id="scrm.E003",
        )


def _queue() -> Iterator[Error]:
    address = urlsplit(settings.REDIS_URL)
    if address.scheme not in {"redis", "rediss", "redis+socket"} or not (address.hostname or address.path):
        yield Error(
            "REDIS_URL is not a Redis address.",
            hint="Set REDIS_URL=redis://:password@host:6379/0, or leave it out.",
            id="scrm.E004",
        )


def _address() -> Iterator[CheckMessage]:
    address = urlsplit(settings.BASE_URL)
    if address.scheme not in {"http", "https"} or not address.hostname:
        yield Error(
            f"BASE_URL is {settings.BASE_URL!r}, which is no web address.",
            hint="It is what members' links start with, as https://scrm.example.com",
            id="scrm.E005",
        )
    elif address.path or address.query:
        yield Error(
            f"BASE_URL is {settings.BASE_URL!r}; it must not have a path.", hint="Only scheme, host and port.", id="scrm.E006"
        )
    elif settings.DEBUG and not _is_local(address.hostname):
        yield Error(
            f"DEBUG is on while BASE_URL is {settings.BASE_URL}.",
            hint="Error pages would show settings to everyone: unset DEBUG.",
            id="scrm.E007",
        )
    elif address.scheme == "http" and not _is_local(address.hostname):
        yield Warning(
            f"BASE_URL is {settings.BASE_URL}: passwords and members' data travel unencrypted.",
            hint="Put a reverse proxy with a certificate in front and say https://.",
            id="scrm.W008",
        )


def _is_local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _ports() -> Iterator[Error]:
    ports = {"PORT": settings.PORT, "INBOX_PORT": settings.INBOX_PORT}
    for name, port in ports.items():
        if not 1 <= port <= 65535:
            yield Error(f"{name} is {port}; a port is between 1 and 65535.", hint=f"Set {name}.", id="scrm.E009")
    if settings.PORT == settings.INBOX_PORT:
        yield Error(f"PORT and INBOX_PORT are both {settings.PORT}.", hint="Set one of them differently.", id="scrm.E010")


def _keys() -> Iterator[Error]:
    if len(settings.SECRET_KEY) < SHORTEST_SECRET:
        yield Error(
            f"SECRET_KEY has {len(settings.SECRET_KEY)} characters; {SHORTEST_SECRET} are the least.",
            hint='Make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"',
            id="scrm.E011",
        )
    if not _field_keys_are_sane(settings.FIELD_KEYS):
        yield Error(
            "FIELD_KEYS is not a list of id:key, the newest first, each key 32 bytes in URL-safe base64.",
            hint='Make a key with: python -c "import base64, os; print(base64.urlsafe_b64encode(os.urandom(32)).decode())"',
            id="scrm.E012",
        )


def _field_keys_are_sane(text: str) -> bool:
    pairs = [part.strip().partition(":") for part in text.split(",") if part.strip()]
    names = [name for name, _, _ in pairs]
    try:
        sizes = {len(base64.urlsafe_b64decode(value)) for _, _, value in pairs}
    except (binascii.Error, ValueError):
        return False
    return sizes == {32} and all(names) and len(set(names)) == len(names)


def _data_dir() -> Iterator[Error]:
    home = Path(settings.DATA_DIR)
    if home.exists() and not home.is_dir():
        yield Error(f"DATA_DIR is {home}, which is a file.", hint="Name a directory.", id="scrm.E013")
