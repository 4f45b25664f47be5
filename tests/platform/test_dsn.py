"""DATABASE_URL, read by libpq."""

import pytest

from scrm.lib.dsn import BadAddress, database


def test_every_part_of_an_address() -> None:
    found = database("postgresql://us%40er:p%2Fw@db.example.com:6432/scrm?sslmode=require", CONN_MAX_AGE=60)
    assert found == {
        "ENGINE": "django.db.backends.postgresql",
        "USER": "us@er",
        "PASSWORD": "p/w",
        "HOST": "db.example.com",
        "PORT": "6432",
        "NAME": "scrm",
        "OPTIONS": {"sslmode": "require"},
        "CONN_MAX_AGE": 60,
    }


def test_a_socket_directory() -> None:
    assert database("postgresql://scrm@/scrm?host=%2Fvar%2Frun%2FPostgres")["HOST"] == "/var/run/Postgres"


@pytest.mark.parametrize("url", ["mysql://root@127.0.0.1/scrm", "sqlite:///x.db", "host=localhost", ""])
def test_other_databases_are_refused(url: str) -> None:
    with pytest.raises(BadAddress, match="postgresql://"):
        database(url)


def test_a_password_is_not_repeated_in_the_refusal() -> None:
    with pytest.raises(BadAddress) as caught:
        database("postgresql://scrm:hunter2@host:not-a-port:x/scrm?nonsense=hunter2")
    assert "hunter2" not in str(caught.value)
