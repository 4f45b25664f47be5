"""Files as in the imports' tests, rules of a pool, and who is who afterwards."""

import io
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from members import identities
from members.importing import pipeline, services
from members.models import Channel, Identity, ImportRun, Member, Pool
from tests.imports.conftest import csv_bytes

HEAD = ["手机号", "邮箱", "会员卡号"]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, settings: Any) -> None:
    settings.MEDIA_ROOT = tmp_path


def uploaded(pool: Pool, rows: list[Any], head: list[str] = HEAD, kind: str = "members", channel: str = "pos") -> ImportRun:
    """A file with the suggested mapping."""
    return services.upload(
        pool=Pool.objects.get(pk=pool.pk),
        kind=kind,
        file=io.BytesIO(csv_bytes(head, *rows)),
        file_name="a.csv",
        actor=None,
        channel=Channel.objects.get(code=channel),
    )


def brought(pool: Pool, rows: list[Any], as_of: datetime, **kwargs: Any) -> ImportRun:
    """A file, imported; `run.counts` say what came of it."""
    run = uploaded(pool, rows, **kwargs)
    run.counts = pipeline.run(run, as_of=as_of)
    run.save()
    return run


@pytest.fixture
def bring(pool: Pool, as_of: datetime) -> Callable[..., ImportRun]:
    return lambda *rows, **kwargs: brought(pool, list(rows), as_of, **kwargs)


def ruled(pool: Pool, **kinds: Any) -> None:
    """Set the pool's rules: ruled(pool, phone={"limit": 2})."""
    pool.settings = pool.settings | {"oneid": {**pool.settings.get("oneid", {}), "kinds": kinds}}
    pool.save()


def stored(pool: Pool) -> set[frozenset[str]]:
    """Who is who: the identities of each member."""
    found: dict[int, set[str]] = {
        pk: set() for pk in Member.objects.filter(pool=pool, merged_into=None).values_list("pk", flat=True)
    }
    for identity in Identity.objects.filter(pool=pool):
        found[identity.member_id].add(identities.plain(identity))
    return {frozenset(group) for group in found.values()}


def people(*groups: str) -> set[frozenset[str]]:
    """people("138… C1", "C2")"""
    return {frozenset(group.split()) for group in groups}
