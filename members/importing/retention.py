"""What imports keep, and for how long: journals a day, files with their refused rows and samples some weeks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from psycopg2 import sql as pg

from members.importing import journal, staging
from members.models import ImportLeftover, ImportReject, ImportRun, ImportSample
from members.sets import array
from scrm.jobs.models import JobRun
from scrm.lib import sql


def sweep(as_of: datetime) -> dict[str, int]:
    """Forget what is old enough: journals that can no longer be reverted, uploaded files and what was kept of their rows."""
    return {"journals": _journals(as_of), "files": _files(as_of)}


def _resting() -> Q:
    return ~Q(job_id__in=JobRun.objects.filter(status__in=JobRun.OPEN).values("pk"))


def _journals(as_of: datetime) -> int:
    """Also of imports that ended without their job noticing: cancelled on the page of jobs, given up after too many deaths."""
    old = ImportRun.objects.filter(_resting(), created_at__lt=as_of - journal.KEPT).exclude(journal={})
    count = 0
    for run in old.filter(Q(finished_at=None) | Q(finished_at__lte=as_of - journal.KEPT)).exclude(journal__has_key="expired"):
        if set(run.journal) & {"volumes", "written", "merges"}:
            _expire(run)
            count += 1
    return count


@transaction.atomic
def _expire(run: ImportRun) -> None:
    journal.close(run)
    journal.drop(run)
    staging.drop(run)
    ImportRun.objects.filter(pk=run.pk).update(journal={**run.journal, "expired": True})


def _files(as_of: datetime) -> int:
    """A file stays as long as its import waits or rests; then it goes with its refused rows and samples."""
    before = as_of - timedelta(days=settings.IMPORT_KEEP_DAYS)
    count = 0
    for run in ImportRun.objects.filter(_resting(), created_at__lt=before).filter(
        Q(finished_at=None) | Q(finished_at__lt=before)
    ):
        path = Path(settings.MEDIA_ROOT) / run.path
        if path.exists():
            path.unlink(missing_ok=True)
            count += 1
        ImportReject.objects.filter(run=run).delete()
        ImportSample.objects.filter(run=run).delete()
        if run.sample:
            ImportRun.objects.filter(pk=run.pk).update(sample=[])
    return count


@transaction.atomic
def forget_members(members: Sequence[int], *, pool_id: int, texts: Sequence[str] = ()) -> int:
    """Remove what imports of the pool still hold of members: rows of journals, and refused or sampled rows with one of the texts.

    `texts` are what a cell would say in the clear: a telephone number, a name. How many rows went.
    """
    gone = 0
    for run in ImportRun.objects.filter(pool_id=pool_id, journal__has_key="volumes"):
        for volume in journal.volumes(run):
            gone += sum(_forget(volume.name(part), members) for part in journal.PARTS if volume.has(part))
    leftovers = ImportLeftover.objects.filter(run__pool_id=pool_id, subject__in=members)
    gone += leftovers.update(subject=None, name="")
    for text in filter(None, texts):
        quoted = pg.Literal(f"%{text.replace('%', '').replace('_', '')}%")
        for table, column in (("members_importreject", '"row"::text'), ("members_importsample", "said::text || before::text")):
            gone += sql.run(
                pg.SQL(
                    "DELETE FROM {} USING members_importrun AS r WHERE r.id = run_id AND r.pool_id = {}"
                    " AND replace(replace({}, '%', ''), '_', '') LIKE {}"
                ).format(pg.Identifier(table), pg.Literal(pool_id), pg.SQL(column), quoted)
            )
    return gone


def _forget(name: str, members: Sequence[int]) -> int:
    has_member = "SELECT count(*) FROM pg_attribute WHERE attrelid = to_regclass(%(name)s) AND attname = 'member_id'"
    if not sql.fetch(has_member, {"name": name})[0][0]:
        return 0
    return sql.run(
        pg.SQL("DELETE FROM {} WHERE member_id = ANY(%(members)s::bigint[])").format(pg.Identifier(name)),
        {"members": array(members)},
    )
