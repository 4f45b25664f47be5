"""Where the servers of a data directory answer: known before anything runs."""

import hashlib
import json
import os
import socket
from pathlib import Path
from urllib.parse import quote

from scrm.lib import secrets

ROLE = DATABASE = "scrm"
SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 100  # 107 bytes on Linux, 103 on macOS, and PostgreSQL appends ".lock" beside it


class CannotStart(RuntimeError):
    """A server did not come up; the message says what to look at."""


def database_url(data_dir: Path) -> str:
    """Where the embedded PostgreSQL of this data directory answers."""
    return url(data_dir, ROLE, DATABASE)


def redis_url(data_dir: Path) -> str:
    """Where the embedded Valkey of this data directory answers; the port is chosen once and kept."""
    return f"redis://:{quote(valkey_password(data_dir), safe='')}@127.0.0.1:{valkey_port(data_dir)}/0"


def url(data_dir: Path, role: str, database: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(socket_dir(data_dir)), safe='')}&port=5432"


def socket_dir(data_dir: Path) -> Path:
    inside = data_dir / "run"
    # libpq reads a comma as "another host"; the kernel refuses long socket paths.
    if len(os.fsencode(inside / SOCKET)) <= _LONGEST_SOCKET_PATH and "," not in str(inside):
        return inside
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path("/tmp") / f"scrm-{os.getuid()}-{name}"  # noqa: S108  (owner and mode are checked)


def valkey_password(data_dir: Path) -> str:
    return secrets.kept(data_dir / "valkey.key")


def valkey_port(data_dir: Path) -> int:
    """The kept port of this data directory, below the range the kernel hands out to clients."""
    kept = data_dir / "ports.json"
    try:
        return int(json.loads(kept.read_text())["valkey"])
    except (FileNotFoundError, KeyError, ValueError):
        return keep_port(kept, free_port(data_dir))


def keep_port(kept: Path, port: int) -> int:
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"valkey": port}))
    draft.replace(kept)
    return port


def free_port(data_dir: Path) -> int:
    first = int.from_bytes(hashlib.sha256(os.fsencode(data_dir)).digest()[:4], "big")
    for step in range(200):
        port = 20000 + (first + step) % 10000
        if is_free(port):
            return port
    raise CannotStart("No free port between 20000 and 30000 on 127.0.0.1 for Valkey.")


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def tail(log_file: Path) -> str:
    """The end of a log, for who has to be told why."""
    try:
        return "\n".join(log_file.read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return "(no log was written)"
