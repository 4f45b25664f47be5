"""Counting the quality of a pool's data, and keeping counts per day."""

from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from psycopg2 import sql as pg

from members.models import DailyFigure, Pool
from members.quality import figures
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import sql
from scrm.staff.models import User

KIND = "members.quality"
Count = tuple[int, str, int]  # source, name, members


def ask(*, pool: Pool, actor: User | None) -> JobRun:
    """Have the figures counted; asking twice is asking once."""
    return jobs.enqueue(kind=KIND, pool_id=pool.pk, actor=actor, key=f"quality:{pool.pk}")


def count(*, pool: Pool, as_of: datetime) -> int:
    """Count every figure of every source and keep them as today's; how many were kept."""
    found = [*_persons(pool, as_of), *_duplicates(pool), *_reviews(pool)]
    whole: dict[str, int] = {}
    for _source, name, members in found:
        whole[name] = whole.get(name, 0) + members
    kept = [*found, *((DailyFigure.WHOLE, name, members) for name, members in whole.items())]
    keep(pool=pool, counts=kept, as_of=as_of)
    return len(kept)


@transaction.atomic
def keep(*, pool: Pool, counts: Iterable[Count], as_of: datetime) -> None:
    """Keep counts as they stand today, in the pool's time zone; a second count of the day replaces the first."""
    rows = list(counts)
    sources, names, members = zip(*rows, strict=True) if rows else ((), (), ())
    params = {"pool": pool.pk, "day": as_of.astimezone(pool.zone).date(), "at": as_of}
    said = {"sources": list(sources), "names": list(names), "values": list(members)}
    sql.execute("members/quality/keep_figures", {**params, **said})


def _persons(pool: Pool, as_of: datetime) -> Iterable[Count]:
    known = list(figures.every(pool).values())
    columns = [
        pg.SQL("count(*) FILTER (WHERE {}) AS {}").format(figure.test, pg.Identifier(f"f{n}")) for n, figure in enumerate(known)
    ]
    for row in sql.rows("members/quality/count_sources", params(pool, as_of), counts=pg.SQL(", ").join(columns)):
        yield row["source"], "members", row["members"]
        for n, figure in enumerate(known):
            yield row["source"], figure.name, row[f"f{n}"]


def params(pool: Pool, as_of: datetime) -> dict[str, object]:
    """What the conditions of figures are given."""
    return {"pool": pool.pk, "kinds": figures.KINDS, "as_of": as_of, "today": as_of.astimezone(pool.zone).date()}


def _duplicates(pool: Pool) -> Iterable[Count]:
    for row in sql.rows("members/quality/count_duplicates", {"pool": pool.pk}):
        yield row["source"], figures.DUPLICATES, row["members"]


def _reviews(pool: Pool) -> Iterable[Count]:
    for row in sql.rows("members/quality/count_reviews", {"pool": pool.pk}):
        yield row["source"], "review.open", row["open"]
        yield row["source"], "review.conflict", row["conflict"]
