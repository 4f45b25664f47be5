"""What imports keep goes in time: journals after a day, files with their refused rows and samples after some weeks."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from members.importing import pipeline, retention, revert, services, staging
from members.models import ImportReject, ImportRun, ImportSample, Member, Pool
from scrm.jobs.models import JobRun
from scrm.lib import sql

pytestmark = pytest.mark.django_db
HEAD = ["手机号", "会员卡号", "姓名"]
ROWS = [HEAD, ["13800000001", "C1", "甲"], ["13800000002", "C2", "乙"], ["123", "", "丙"]]


def tables() -> list[str]:
    return [name for (name,) in sql.fetch("SELECT tablename FROM pg_tables WHERE tablename ~ '^(import|journal)_[0-9]'")]


@pytest.fixture(autouse=True)
def _no_tables_of_other_tests(db: None) -> None:
    for name in tables():
        sql.run(f'DROP TABLE "{name}"')


@pytest.fixture
def done(upload: Callable[..., ImportRun]) -> ImportRun:
    """A member file that was checked and imported just now."""
    run = upload("members", *ROWS)
    pipeline.check(run)
    pipeline.run(run)
    services.finish(run=run, status=ImportRun.Status.DONE, counts={}, at=timezone.now())
    return run


def test_a_journal_is_kept_for_a_day(done: ImportRun) -> None:
    now = timezone.now()
    assert tables()
    assert retention.sweep(now + timedelta(hours=23)) == {"journals": 0, "files": 0}
    assert revert.revertable(done, now + timedelta(hours=23)) is None
    assert retention.sweep(now + timedelta(hours=25)) == {"journals": 1, "files": 0}
    assert tables() == []
    done.refresh_from_db()
    refusal = revert.revertable(done, now + timedelta(hours=25))
    assert refusal is not None
    assert refusal.code == "revert_late"
    assert retention.sweep(now + timedelta(hours=26)) == {"journals": 0, "files": 0}


def test_a_file_is_kept_for_some_weeks(done: ImportRun, settings: Any) -> None:
    path, now = Path(settings.MEDIA_ROOT) / done.path, timezone.now()
    settings.IMPORT_KEEP_DAYS = 10
    retention.sweep(now + timedelta(days=9))
    assert path.exists()
    assert (ImportReject.objects.count(), ImportSample.objects.count()) == (1, 3)
    assert retention.sweep(now + timedelta(days=11))["files"] == 1
    assert not path.exists()
    assert (ImportReject.objects.count(), ImportSample.objects.count()) == (0, 0)
    done.refresh_from_db()
    assert done.sample == []
    assert Member.objects.count() == 2


def test_a_file_that_waits_in_a_job_stays(done: ImportRun, settings: Any, pool: Pool) -> None:
    job = JobRun.objects.create(kind="members.import", pool_id=pool.pk, status="paused")
    ImportRun.objects.filter(pk=done.pk).update(job_id=job.pk)
    assert retention.sweep(timezone.now() + timedelta(days=60)) == {"journals": 0, "files": 0}
    assert (Path(settings.MEDIA_ROOT) / done.path).exists()


def test_an_import_cancelled_behind_its_back_leaves_no_tables(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    run = upload("members", *ROWS)
    staging.create(staging.plan(run, as_of))
    ImportRun.objects.filter(pk=run.pk).update(status="importing", journal={"written": {"members": 0, "rows": 0}})
    retention.sweep(timezone.now() + timedelta(hours=25))
    assert tables() == []
