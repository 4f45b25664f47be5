"""Long work on many members: tags."""

from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from members import tagging
from members.listing import ask
from members.models import Pool, Tag
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock

TAG_CHUNK = 20_000


def chosen(pool: Pool, params: dict[str, Any]) -> BitMap:
    """Who was picked: a list of ids, or everybody a query string asks for."""
    if params.get("ids") is not None:
        return BitMap(params["ids"])
    return ask(QueryDict(params["query"]), pool).ids()


@job("members.tag", title=_("批量打标签"))
def tag(running: RunningJob) -> dict[str, Any]:
    """Give a tag to many, or take it from them."""
    pool = Pool.objects.get(pk=running.pool_id or 0)
    wanted = get_object_or_404(Tag, pk=running.params["tag"], pool=pool)
    mark = running.watermark
    changed, done = mark.get("changed", 0), mark.get("done", 0)
    rest = [number for number in chosen(pool, running.params) if number > mark.get("last", 0)]
    total = done + len(rest)
    for start in range(0, len(rest), TAG_CHUNK):
        ids = rest[start : start + TAG_CHUNK]
        with transaction.atomic():
            changed += len(_tag(wanted, ids, running))
            done += len(ids)
            running.checkpoint(done=done, total=total, watermark={"last": ids[-1], "done": done, "changed": changed})
        running.checkpoint()
    return {"members": done, "changed": changed, "tag": wanted.name}


def _tag(wanted: Tag, ids: list[int], running: RunningJob) -> list[int]:
    if running.params["add"]:
        return tagging.add_tag(tag=wanted, members=ids, actor=running.actor, as_of=clock.now())
    return tagging.remove_tag(tag=wanted, members=ids, actor=running.actor)
