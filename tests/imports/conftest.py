"""Files made in the test and taken through upload, mapping and import."""

import io
from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from members.importing import pipeline, revert, services
from members.importing.progress import Direct
from members.models import Channel, ImportRun, Pool

Row = Iterable[Any]
Import = Callable[..., ImportRun]


def csv_bytes(*rows: Row, encoding: str = "utf-8", delimiter: str = ",", end: str = "\n") -> bytes:
    import csv

    out = io.StringIO()
    csv.writer(out, delimiter=delimiter, lineterminator=end).writerows(rows)
    return out.getvalue().encode(encoding)


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


@pytest.fixture
def upload(pool: Pool) -> Callable[..., ImportRun]:
    """An uploaded file with the suggested mapping: upload("orders", header, row, …, name="a.csv")."""

    def make(
        kind: str, *rows: Row, data: bytes | None = None, name: str = "file.csv", channel: str | None = "pos", **options: Any
    ) -> ImportRun:
        where = Channel.objects.get(code=channel) if channel else None
        content = data if data is not None else csv_bytes(*rows)
        run = services.upload(pool=pool, kind=kind, file=io.BytesIO(content), file_name=name, actor=None, channel=where)
        if options:
            run.options = options
            run.save()
        return run

    return make


@pytest.fixture
def bring_in(upload: Callable[..., ImportRun], as_of: datetime) -> Callable[..., dict[str, int]]:
    """Upload and import at once; the counts."""

    def do(kind: str, *rows: Row, **kwargs: Any) -> dict[str, int]:
        return pipeline.run(upload(kind, *rows, **kwargs), as_of=as_of)

    return do


@pytest.fixture
def importing(upload: Callable[..., ImportRun], as_of: datetime) -> Import:
    """Upload and import; the run as it is afterwards."""

    def do(kind: str, *rows: Any, at: datetime | None = None, mapping: dict[str, str] | None = None, **kwargs: Any) -> ImportRun:
        run = upload(kind, *rows, **{"unit": "yuan", **kwargs})
        if mapping:
            run.mapping = mapping
            run.save(update_fields=["mapping"])
        run.counts = pipeline.run(run, as_of=at or as_of)
        run.status, run.finished_at = ImportRun.Status.DONE, as_of
        run.save(update_fields=["status", "finished_at", "counts"])
        return run

    return do


def back(run: ImportRun, as_of: datetime) -> dict[str, int]:
    """Take an import back; what came of it."""
    assert revert.revertable(run, as_of) is None
    return revert.run(run, Direct(), as_of=as_of)
