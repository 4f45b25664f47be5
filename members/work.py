"""Long work on many members: tags and exports."""

import os
from typing import Any

from django.db import transaction
from django.http import QueryDict
from django.shortcuts import get_object_or_404
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from members import exporting, tagging
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


@job(exporting.KIND, title=_("导出会员"))
def export(running: RunningJob) -> dict[str, Any]:
    """Write the file chunk by chunk; after a crash it is cut back to the last chunk that was reported."""
    pool = Pool.objects.get(pk=running.pool_id or 0)
    path = exporting.path_of(running)
    path.parent.mkdir(parents=True, exist_ok=True)
    members = chosen(pool, running.params)
    mark = {"last": 0, "size": 0, "done": 0, **running.watermark}
    language = running.actor.language if running.actor and running.actor.language else "zh-hans"
    with translation.override(language), path.open("ab") as file:
        os.chmod(path, 0o600)
        file.truncate(mark["size"])
        if not mark["size"]:
            file.write(b"\xef\xbb\xbf" + exporting.as_text([exporting.heads()]).encode())
        for ids in exporting.pieces(members, mark["last"]):
            lines = exporting.rows(pool, ids, bool(running.params.get("plain")))
            file.write(exporting.as_text(lines).encode())
            file.flush()
            mark = {"last": ids[-1], "size": file.tell(), "done": mark["done"] + len(lines)}
            running.checkpoint(done=mark["done"], total=len(members), watermark=mark)
    return {"rows": mark["done"], "plain": bool(running.params.get("plain")), "purpose": running.params["purpose"]}
