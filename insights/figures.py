"""Answers kept as long as they are true: by query, parameters and versions of the data read."""

import hashlib
import json
import time
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from insights.models import Figure
from members.versions import versions
from scrm.lib import sql

KEEP = timedelta(days=7)
Rows = list[dict[str, Any]]


def rows(name: str, params: Mapping[str, Any], domains: tuple[str, ...]) -> Rows:
    """The rows of `insights/<name>`; asked of the database again only after `domains` changed.

    Dates come back as ISO text, sums as integers.
    """
    pool_id = int(params["pool_id"])
    key = _key(name, params, domains, pool_id)
    kept = Figure.objects.filter(pool_id=pool_id, key=key).values_list("value", flat=True).first()
    if kept is not None:
        return kept
    started = time.perf_counter()
    value = [{column: _plain(cell) for column, cell in row.items()} for row in sql.rows(f"insights/{name}", params)]
    ms = (time.perf_counter() - started) * 1000
    Figure.objects.bulk_create([Figure(pool_id=pool_id, name=name, key=key, value=value, ms=ms)], ignore_conflicts=True)
    return value


def _key(name: str, params: Mapping[str, Any], domains: tuple[str, ...], pool_id: int) -> bytes:
    now = versions(pool_id)
    said = {"name": name, "text": sql.text(f"insights/{name}"), "params": {k: str(v) for k, v in params.items()}}
    said["versions"] = {domain: now[domain] for domain in domains}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).digest()


def _plain(cell: Any) -> Any:
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    return cell


def forget(as_of: datetime) -> int:
    """Drop answers older than a week; how many."""
    return Figure.objects.filter(at__lt=as_of - KEEP).delete()[0]
