"""A PostgreSQL URL as Django's DATABASES entry, read by libpq itself, so every libpq option works."""

from typing import Any

from psycopg2 import ProgrammingError
from psycopg2.extensions import parse_dsn

_NAMES = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}


class BadAddress(ValueError):
    """The address is not a PostgreSQL URL."""


def database(url: str, **settings: Any) -> dict[str, Any]:
    """`postgresql://user:password@host:5432/name?sslmode=require` as a dictionary for DATABASES."""
    if not url.startswith(("postgresql://", "postgres://")):
        raise BadAddress("DATABASE_URL must start with postgresql://")
    try:
        parts = parse_dsn(url)
    except ProgrammingError as error:
        # libpq quotes what it could not read; the password may be part of it.
        raise BadAddress("DATABASE_URL is not a PostgreSQL URL (postgresql://user:password@host:5432/name)") from error
    found = {name: parts.pop(key, "") for key, name in _NAMES.items()}
    return {"ENGINE": "django.db.backends.postgresql", **found, "OPTIONS": parts, **settings}
