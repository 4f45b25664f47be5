"""/livez: this process answers. /readyz: it can also serve pages; told within a second."""

import socket
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import DatabaseError, connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

WITHIN = 1.0  # seconds; load balancers give up soon after
# A frozen server accepts a connection and never answers: only another thread can give up on it.
_probes = ThreadPoolExecutor(max_workers=2, thread_name_prefix="readyz")


@require_safe
@never_cache
def livez(request: HttpRequest) -> JsonResponse:
    """Alive: no look at anything outside this process."""
    return JsonResponse({"status": "ok"})


@require_safe
@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Ready when the database answers and has every migration; the queue is reported, not required.

    Without Redis the pages work and nothing is lost: work waits in PostgreSQL.
    """
    database = database_state()
    ready = database == "ok"
    answer = {"status": "ok" if ready else "unavailable", "database": database, "queue": queue_state()}
    return JsonResponse(answer, status=200 if ready else 503)


def database_state() -> str:
    """ "ok", or what is wrong with the database."""
    probe = _probes.submit(_missing_migrations)
    try:
        missing = probe.result(timeout=WITHIN)
    except TimeoutError:
        probe.cancel()
        return "does not answer"
    except DatabaseError:
        return "unreachable"
    return f"{len(missing)} migrations not applied, first {missing[0]}" if missing else "ok"


def queue_state() -> str:
    """ "ok", or what is wrong with Redis."""
    address = urlsplit(settings.REDIS_URL)
    try:
        if address.scheme in {"unix", "redis+socket"}:
            with socket.socket(socket.AF_UNIX) as link:
                link.settimeout(WITHIN / 2)
                link.connect(unquote(address.path))
        else:
            socket.create_connection((address.hostname or "127.0.0.1", address.port or 6379), WITHIN / 2).close()
    except OSError:
        return "unreachable"
    return "ok"


@cache
def _known_migrations() -> list[tuple[str, str]]:
    return sorted(MigrationLoader(None).graph.nodes)


def _missing_migrations() -> list[str]:
    connection = connections["default"]
    try:
        applied = MigrationRecorder(connection).applied_migrations()
        return [f"{app}.{name}" for app, name in _known_migrations() if (app, name) not in applied]
    finally:
        connection.close()
