"""Long work of this package: lists as files, one person's data, erasing, sealing anew."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from members import exported, exporting
from members.models import ExportRequest
from members.privacy import dossier, erasing, sealing
from scrm.jobs.kinds import job
from scrm.jobs.running import RunningJob
from scrm.lib import clock
from scrm.lib.export import csv_text, xlsx_file
from scrm.lib.formats import in_currency
from scrm.lib.problems import Problem

CHUNK = 2_000
BOM = b"\xef\xbb\xbf"


def _asked(running: RunningJob) -> ExportRequest:
    return ExportRequest.objects.select_related("pool", "requester", "approver").get(pk=running.params["export"])


def signature(export: ExportRequest) -> str:
    """The line every file ends with: who holds it, why, and who agreed."""
    told = [f"# {_('导出')} {export.pool.slug}-{export.pk}", f"{_('申请人')} {export.requester}", f"{_('用途')} {export.reason}"]
    if export.approver:
        told.append(f"{_('审批人')} {export.approver}")
    return " · ".join([*told, clock.now().astimezone(export.pool.zone).strftime("%Y-%m-%d %H:%M"), _("请勿转发")])


def _rest(members: BitMap, after: int) -> Iterator[list[int]]:
    place = members.rank(after) if after else 0
    while ids := list(members[place : place + CHUNK]):
        yield ids
        place += len(ids)


@job(exporting.KIND, title=gettext_lazy("导出会员"))
def export(running: RunningJob) -> dict[str, Any]:
    """Write the file; a CSV goes on after a crash where its last chunk was reported, a workbook begins anew."""
    asked = _asked(running)
    path = exporting.path_of(asked)
    path.parent.mkdir(parents=True, exist_ok=True)
    members = exporting.set_of(asked.pool, asked.chosen)
    with translation.override(asked.language), in_currency(asked.pool.currency):
        try:
            rows = (_workbook if asked.form == "xlsx" else _text)(running, asked, path, members)
        except Exception:
            if asked.form == "xlsx":
                path.unlink(missing_ok=True)
            raise
    exporting.finish(asked, rows=rows, as_of=clock.now())
    return {"rows": rows, "full": asked.is_full}


def _text(running: RunningJob, asked: ExportRequest, path: Path, members: BitMap) -> int:
    parts = exported.chosen(asked.pool, asked.columns)
    columns = [part.column for part in parts]
    mark = {"last": 0, "size": 0, "done": 0, **running.watermark}
    with path.open("ab") as file:
        os.chmod(path, 0o600)
        file.truncate(mark["size"])
        if not mark["size"]:
            file.write(BOM + csv_text(columns, [], head=True).encode())
        for ids in _rest(members, mark["last"]):
            lines = exported.lines(asked.pool, ids, full=asked.is_full, keys=asked.columns)
            file.write(csv_text(columns, [[part.value(line) for part in parts] for line in lines]).encode())
            mark = _saved(running, file, {"last": ids[-1], "done": mark["done"] + len(lines)}, len(members))
        file.write((signature(asked) + "\r\n").encode())
    return int(mark["done"])


def _saved(running: RunningJob, file: BinaryIO, mark: dict[str, int], total: int) -> dict[str, int]:
    file.flush()
    mark["size"] = file.tell()
    running.checkpoint(done=mark["done"], total=total, watermark=mark)
    return mark


def _workbook(running: RunningJob, asked: ExportRequest, path: Path, members: BitMap) -> int:
    parts, done = exported.chosen(asked.pool, asked.columns), 0

    def rows() -> Iterator[list[Any]]:
        nonlocal done
        for ids in _rest(members, 0):
            lines = exported.lines(asked.pool, ids, full=asked.is_full, keys=asked.columns)
            yield from ([part.value(line) for part in parts] for line in lines)
            done += len(lines)
            running.checkpoint(done=done, total=len(members))
        yield [signature(asked)]

    with path.open("wb") as file:
        os.chmod(path, 0o600)
        xlsx_file(file, _("会员"), [part.column for part in parts], rows(), about=signature(asked))
    return done


@job(exporting.PERSON, title=gettext_lazy("导出个人数据"))
def person(running: RunningJob) -> dict[str, Any]:
    """Everything about one person as a ZIP."""
    asked = _asked(running)
    if "person" not in asked.chosen:
        raise Problem("export.gone", _("这位会员的数据已不在"))
    path = exporting.path_of(asked)
    path.parent.mkdir(parents=True, exist_ok=True)
    with translation.override(asked.language), in_currency(asked.pool.currency):
        rows = dossier.write(path, asked, running)
    exporting.finish(asked, rows=rows, as_of=clock.now())
    return {"rows": rows}


@job(erasing.KIND, title=gettext_lazy("抹除个人数据"))
def erase(running: RunningJob) -> dict[str, Any]:
    """Files first, while what to look for is still known; then every table in one transaction; then the search."""
    return erasing.carry_out(running)


@job(sealing.KIND, title=gettext_lazy("更换加密密钥"))
def reseal(running: RunningJob) -> dict[str, Any]:
    """Seal every value that stands under an older key with the current one, table by table, chunk by chunk."""
    return sealing.carry_out(running)


__all__ = ["erase", "export", "person", "reseal"]
