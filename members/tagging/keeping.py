"""Tags that the system keeps: brought in line with a set of members, only what differs is written."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from pyroaring import BitMap

from members.bulk.packing import members_of, rows_of
from members.importing.locks import writing
from members.models import Tag, TagRun
from members.sets import array, unpacked
from members.tagging import rivals, validity
from members.tagging.marking import Mark, put_on, take_off
from members.versions import bump
from scrm.lib import sql

CHUNK = 100_000  # members a transaction writes: a click on the same group waits no longer than that
KEPT_RUNS = 400


def keep(
    *,
    tag: Tag,
    wanted: BitMap,
    how: int,
    as_of: datetime,
    evidence: dict[str, Any] | None = None,
    report: Callable[[int, int], None] = lambda done, total: None,
) -> TagRun:
    """Exactly these members carry the tag, apart from those with a stronger rival and those on notice.

    With `valid_days` whoever is not wanted any more keeps the tag so many days longer; after `valid_until` nobody
    carries it. A crash leaves some chunks done: the next run does the rest. `report(done, total)` may raise to stop.
    """
    started = time.perf_counter()
    end = validity.until(tag)
    wanted = BitMap() if validity.is_over(tag, as_of) else wanted
    carried, noticed = carriers(tag, end)
    gain, stay = wanted - carried, wanted & noticed
    leave = carried - wanted - (noticed if tag.valid_days else BitMap())
    mark = Mark(how, as_of)
    work = ((gain, _gain), (stay, _stay), (leave, _leave))
    steps = [(ids[at : at + CHUNK], step) for ids, step in work for at in range(0, len(ids), CHUNK)]
    gained = lost = done = 0
    total = sum(len(ids) for ids, _step in work)
    for ids, step in steps:
        report(done, total)
        up, down = _chunk(tag, ids, mark, step)
        gained, lost, done = gained + up, lost + down, done + len(ids)
    report(done, total)
    ms = round((time.perf_counter() - started) * 1000)
    return _note(tag, how, as_of, gained, lost, ms, evidence or {})


Step = Callable[[Tag, BitMap, Mark], tuple[int, int]]


@transaction.atomic
def _chunk(tag: Tag, ids: BitMap, mark: Mark, step: Step) -> tuple[int, int]:
    writing(tag.pool_id)
    return step(tag, ids, mark)


def _gain(tag: Tag, ids: BitMap, mark: Mark) -> tuple[int, int]:
    return len(put_on(tag, ids, mark, validity.until(tag)).added), 0


def _stay(tag: Tag, ids: BitMap, mark: Mark) -> tuple[int, int]:
    """Who was on notice and is wanted again."""
    sql.execute("members/tagging/set_due", {"tag_id": tag.pk, "ids": array(ids), "due": validity.until(tag)})
    return 0, 0


def _leave(tag: Tag, ids: BitMap, mark: Mark) -> tuple[int, int]:
    """Who is not wanted any more goes, at once or when the days are over."""
    if tag.valid_days:
        ends = (mark.as_of + timedelta(days=tag.valid_days), validity.until(tag))
        due = min(end for end in ends if end)
        sql.execute("members/tagging/set_due", {"tag_id": tag.pk, "ids": array(ids), "due": due})
        return 0, 0
    rivals.lock(tag)
    gone = len(take_off([tag.pk], ids, mark))
    if gone:
        bump(tag.pool_id, "tags")
    return 0, gone


@transaction.atomic
def _note(tag: Tag, how: int, as_of: datetime, gained: int, lost: int, ms: int, evidence: dict[str, Any]) -> TagRun:
    size = len(carriers(tag, None)[0])
    made = TagRun.objects.create(tag=tag, how=how, as_of=as_of, size=size, gained=gained, lost=lost, ms=ms, evidence=evidence)
    old = TagRun.objects.filter(tag=tag).order_by("-pk").values_list("pk", flat=True)[KEPT_RUNS : KEPT_RUNS + 1]
    for pk in list(old):
        TagRun.objects.filter(tag=tag, pk__lte=pk).delete()
    return made


def carriers(tag: Tag, due: datetime | None) -> tuple[BitMap, BitMap]:
    """Who carries a tag, and who of them does so until another time than `due`."""
    row = sql.row("members/tagging/list_carriers", {"tag_id": tag.pk, "due": due}) or {}
    return unpacked(row.get("everybody")), unpacked(row.get("on_notice"))


def stronger(tag: Tag) -> BitMap:
    """Members whom the tag is kept from: they carry a stronger rival of its exclusive group."""
    found = rivals.of(tag, tag.group).stronger
    return holders(found) if found else BitMap()


def holders(tags: tuple[int, ...]) -> BitMap:
    """Who carries any of these tags."""
    return members_of(rows_of("members/tagging/list_holders", {"tags": array(tags)}))
