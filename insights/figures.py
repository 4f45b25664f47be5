"""Answers kept as long as they are true: by query, parameters and versions of the data read."""

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from insights.models import Figure
from members.versions import versions
from scrm.lib import clock, sql

KEEP = timedelta(days=7)
Rows = list[dict[str, Any]]


def rows(name: str, params: Mapping[str, Any], domains: tuple[str, ...]) -> Rows:
    """The rows of `insights/<name>`; asked of the database again only after `domains` changed.

    Dates come back as ISO text, sums as integers.
    """
    said = _said(name, params)
    found = _kept(int(params["pool_id"]), _key(said | _data(params, domains)))
    return found[0] if found else _answer(name, params, said | _data(params, domains))


def recent(name: str, params: Mapping[str, Any], domains: tuple[str, ...], within: timedelta) -> tuple[Rows, datetime]:
    """As `rows`, but where data change all the time an answer of the last while will do; and when it was worked out."""
    pool_id, said = int(params["pool_id"]), _said(name, params)
    found = _kept(pool_id, _key(said | _data(params, domains)))
    found = found or _kept(pool_id, _key(said), not_before=clock.now() - within)
    if found:
        return found
    value = _answer(name, params, said | _data(params, domains))
    Figure.objects.filter(pool_id=pool_id, key=_key(said)).delete()
    return value, _keep(pool_id, name, said, value, 0.0)


def worked_out(
    pool_id: int, name: str, said: Mapping[str, Any], domains: tuple[str, ...], within: timedelta, make: Callable[[], Rows]
) -> tuple[Rows, datetime]:
    """The same for an answer that is no single statement: `said` names everything it depends on besides the data."""
    told = {"name": name, **{key: str(value) for key, value in said.items()}}
    data = _data({"pool_id": pool_id}, domains)
    found = _kept(pool_id, _key(told | data)) or _kept(pool_id, _key(told), not_before=clock.now() - within)
    if found:
        return found
    started = time.perf_counter()
    value = make()
    ms = (time.perf_counter() - started) * 1000
    _keep(pool_id, name, told | data, value, ms)
    Figure.objects.filter(pool_id=pool_id, key=_key(told)).delete()
    return value, _keep(pool_id, name, told, value, ms)


def _answer(name: str, params: Mapping[str, Any], said: dict[str, Any]) -> Rows:
    started = time.perf_counter()
    value = [{column: _plain(cell) for column, cell in row.items()} for row in sql.rows(f"insights/{name}", params)]
    _keep(int(params["pool_id"]), name, said, value, (time.perf_counter() - started) * 1000)
    return value


def _kept(pool_id: int, key: bytes, not_before: datetime | None = None) -> tuple[Rows, datetime] | None:
    found = Figure.objects.filter(pool_id=pool_id, key=key)
    found = found.filter(at__gte=not_before) if not_before else found
    return found.values_list("value", "at").first()


def _keep(pool_id: int, name: str, said: dict[str, Any], value: Rows, ms: float) -> datetime:
    made = Figure(pool_id=pool_id, name=name, key=_key(said), value=value, ms=ms)
    Figure.objects.bulk_create([made], ignore_conflicts=True)
    return made.at or clock.now()


def _said(name: str, params: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": name, "text": sql.text(f"insights/{name}"), "params": {k: str(v) for k, v in params.items()}}


def _data(params: Mapping[str, Any], domains: tuple[str, ...]) -> dict[str, Any]:
    now = versions(int(params["pool_id"]))
    return {"versions": {domain: now[domain] for domain in domains}}


def _key(said: Mapping[str, Any]) -> bytes:
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
