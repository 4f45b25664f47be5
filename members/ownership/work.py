"""Hand-overs and their undoing as jobs: chunk by chunk, each with its watermark."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext_lazy as _
from pyroaring import BitMap

from members.models import Handover
from members.ownership import files, services
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock

CHUNK = 20_000


@job(services.JOB, title=_("会员移交"))
def hand_over(running: RunningJob) -> dict[str, Any]:
    """Move every receiver's share; after a crash it goes on behind the last chunk."""
    handover = Handover.objects.get(pk=running.params["handover"], pool_id=running.pool_id or 0)
    services.freeze(handover=handover)
    mark: dict[str, int] = {"place": 0, "last": 0, "done": 0, "moved": 0, **running.watermark}
    shares = list(handover.shares.filter(place__gte=mark["place"]).order_by("place"))
    total = sum(handover.shares.values_list("planned", flat=True))
    for share in shares:
        members = BitMap.deserialize(bytes(share.members))
        begun = mark["last"] if share.place == mark["place"] else 0
        rest = members[members.rank(begun) :]
        for start in range(0, len(rest), CHUNK):
            ids = list(rest[start : start + CHUNK])
            with transaction.atomic():
                moved = services.pass_on(handover=handover, to=share.to_user_id, members=ids, as_of=clock.now())
                mark = {
                    "place": share.place,
                    "last": ids[-1],
                    "done": mark["done"] + len(ids),
                    "moved": mark["moved"] + moved,
                }
                running.checkpoint(done=mark["done"], total=total, watermark=mark)
            running.checkpoint()
    return {"members": mark["done"], "moved": mark["moved"], "skipped": mark["done"] - mark["moved"]}


@job(services.UNDO_JOB, title=_("撤销会员移交"))
def undo(running: RunningJob) -> dict[str, Any]:
    """Give back whoever still is where the hand-over put them."""
    handover = Handover.objects.get(pk=running.params["handover"], pool_id=running.pool_id or 0)
    mark: dict[str, int] = {"last": 0, "last_id": 0, "done": 0, "back": 0, **running.watermark}
    while True:
        with transaction.atomic():
            after = (mark["last"], mark["last_id"])
            found = services.give_back(handover=handover, after=after, limit=CHUNK, actor=running.actor, as_of=clock.now())
            if not found.get("seen"):
                services.undone(handover=handover, as_of=clock.now())
                break
            mark = {
                "last": found["last"],
                "last_id": found["last_id"],
                "done": mark["done"] + found["seen"],
                "back": mark["back"] + found["back"],
            }
            running.checkpoint(done=mark["done"], total=handover.moved, watermark=mark)
        running.checkpoint()
    return {"members": mark["done"], "back": mark["back"], "moved_on": mark["done"] - mark["back"]}


@job(services.FILE_JOB, title=_("导入归属"))
def take_file(running: RunningJob) -> dict[str, Any]:
    """A file of who looks after whom and whose home is where."""
    return files.run(running)
