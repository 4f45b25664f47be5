"""Rewriting the values of many members, a chunk at a time."""

import json
from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from members.attributes import services
from members.attributes.values import Bad, accept
from members.importing import locks
from members.models import AttributeField, Member
from members.touching import VALUES, touch_if_read
from members.versions import bump
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import sql

CHUNK = 20_000
Write = Callable[[dict[str, Any]], list[dict[str, Any]]]  # the members whose rows changed


def _chunks(running: RunningJob, write: Write) -> int:
    """Write every chunk of the pool's members; how many rows changed."""
    pool_id, key = running.pool_id or 0, running.params["key"]
    mark = {"after": 0, "done": 0, "changed": 0, **running.watermark}
    running.checkpoint(total=Member.objects.filter(pool_id=pool_id).count())
    while (upto := _end(pool_id, mark["after"])) is not None:
        span = {"pool": pool_id, "key": key, "after": mark["after"], "upto": upto}
        with transaction.atomic():
            locks.writing(pool_id)
            rows = write(span)
            changed = len(rows)
            if rows:
                touch_if_read(pool_id, [row["member_id"] for row in rows], VALUES)
                bump(pool_id, "members")
            seen = Member.objects.filter(pool_id=pool_id, pk__gt=mark["after"], pk__lte=upto).count()
            mark = {**mark, "after": upto, "done": mark["done"] + seen, "changed": mark["changed"] + changed}
            running.checkpoint(done=mark["done"], watermark=mark)
        running.checkpoint()
    return int(mark["changed"])


def _end(pool_id: int, after: int) -> int | None:
    found: int | None = sql.value("members/attributes/find_chunk_end", {"pool": pool_id, "after": after, "chunk": CHUNK})
    return found


@job(services.RENAME, title=_("改写自定义字段的选项"))
def rename(running: RunningJob) -> dict[str, Any]:
    """Renamed choices in every member's values. Until it is done both names select the same members."""
    field = AttributeField.objects.filter(pk=running.params["field"], pool_id=running.pool_id or 0).first()
    if field is None:
        return {"changed": 0}
    names = running.params["renamed"]
    said = {"olds": list(names), "news": list(names.values()), "order": field.values}
    return {"changed": _chunks(running, lambda span: sql.rows("members/attributes/rename_choices", {**span, **said}))}


@job(services.CLEAR, title=_("清除自定义字段的值"))
def clear(running: RunningJob) -> dict[str, Any]:
    """What members had under a field that was deleted."""
    if AttributeField.objects.filter(pool_id=running.pool_id or 0, key=running.params["key"]).exists():
        return {"changed": 0}  # it was declared again meanwhile
    return {"changed": _chunks(running, lambda span: sql.rows("members/attributes/clear_values", span))}


@job(services.CONVERT, title=_("按类型整理自定义字段的值"))
def convert(running: RunningJob) -> dict[str, Any]:
    """What members had under a key before it was declared, read as its kind; what cannot be read stays and is counted."""
    field = AttributeField.objects.filter(pk=running.params["field"], pool_id=running.pool_id or 0).first()
    return {"changed": _chunks(running, lambda span: _convert(field, span))} if field else {"changed": 0}


def _convert(field: AttributeField, span: dict[str, Any]) -> list[dict[str, Any]]:
    found = [row["value"] for row in sql.rows("members/attributes/list_distinct_values", span)]
    read = {old: new for old in found if (new := _read(field, old)) is not None and new != json.loads(old)}
    if not read:
        return []
    params = {"olds": list(read), "news": [json.dumps(new, ensure_ascii=False) for new in read.values()]}
    return sql.rows("members/attributes/convert_values", {**span, **params})


def _read(field: AttributeField, old: str) -> Any:
    given = json.loads(old)
    if isinstance(given, int | float) and not isinstance(given, bool) and field.kind != AttributeField.Kind.NUMBER:
        given = old
    try:
        return accept(field, given)
    except Bad:
        return None
