"""kill -9, pause, cancel, an emptied staging table: an import goes on, nothing twice, nothing half."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from members import merging
from members.importing import people, pipeline, reading, revert, services, staging, targets
from members.models import Identity, ImportReject, ImportRun, Member, Order, TouchedMember
from scrm.jobs import running
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import sql
from tests.children import environment

HERE = Path(__file__).parent
COUNT = 4000
HEAD = ["订单号", "手机号", "会员卡号", "下单时间", "金额"]


def rows(count: int = COUNT) -> list[list[str]]:
    """Orders of some 700 people, two identities each, every 97th row bad."""
    return [
        HEAD,
        *(
            [f"N{n}", f"1380000{n % 700:04d}", f"C{n % 700}", "2026-10-01 10:00", "oops" if n % 97 == 0 else str(1 + n % 50)]
            for n in range(count)
        ),
    ]


def picture() -> dict[str, Any]:
    """What an import of `rows` leaves, without ids."""
    return {
        "orders": sorted(Order.objects.values_list("number", "amount")),
        "people": Member.objects.count(),
        "identities": Identity.objects.count(),
        "owners": sql.fetch("SELECT count(DISTINCT member_id), count(*) FROM members_order"),
        "touched": TouchedMember.objects.count(),
        "rejects": sorted(ImportReject.objects.values_list("line", "code")),
    }


def expected(count: int = COUNT) -> dict[str, Any]:
    good = [n for n in range(count) if n % 97]
    people = len({n % 700 for n in good})
    return {
        "orders": sorted((f"N{n}", 100 * (1 + n % 50)) for n in good),
        "people": people,
        "identities": 2 * people,
        "owners": [(people, len(good))],
        "touched": people,
        "rejects": [(n + 2, "bad_amount") for n in range(count) if n % 97 == 0],
    }


@pytest.fixture(autouse=True)
def _no_tables_of_other_tests(transactional_db: None) -> None:
    for (name,) in sql.fetch("SELECT tablename FROM pg_tables WHERE tablename ~ '^(import|journal)_[0-9]+_'"):
        sql.run(f'DROP TABLE "{name}"')


def no_tables_left() -> bool:
    return not sql.fetch("SELECT tablename FROM pg_tables WHERE tablename LIKE 'import_%%' AND tablename ~ '^import_[0-9]'")


def start(run: ImportRun) -> JobRun:
    return services.start_import(run=run, actor=None)


def run_and_die(job: JobRun, at: int, media: Path) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(HERE / "killed.py"), str(job.pk), str(at), str(media)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=600,
    )
    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    return done.returncode, done.stdout.strip() or done.stderr[-2000:]


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_again_and_again_it_completes(upload: Callable[..., ImportRun], tmp_path: Path) -> None:
    run = upload("orders", *rows())
    job = start(run)
    deaths = 0
    # In mid-read before and after a commit, while people are settled, in mid-write before and after a commit.
    for at in (3, 5, 6, 10, 4, 5, 7, 8, 10**9):
        code, said = run_and_die(job, at, tmp_path)
        if code == 0:
            break
        assert code == -9, said
        deaths += 1
    assert said.startswith("done ")
    assert deaths >= 6
    assert picture() == expected()
    run.refresh_from_db()
    assert run.status == ImportRun.Status.DONE
    assert no_tables_left()


def _kill_often(job: JobRun, seed: int, media: Path) -> tuple[str, int, set[str]]:
    """How a job ended that died at random moments, how often, and in which phases."""
    done = subprocess.run(
        [sys.executable, str(HERE / "killed_often.py"), str(job.pk), str(seed), "26", str(media)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.stdout, done.stderr[-3000:]
    status, deaths, phases = done.stdout.strip().split(" ")
    return status, int(deaths), set(phases.split(","))


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_at_random_moments_import_and_revert_end_as_if_nothing_had_been(
    upload: Callable[..., ImportRun], small: None, tmp_path: Path
) -> None:
    # Some of the orders are known with other amounts, and some of the people.
    earlier = [[*row[:4], "7"] for row in rows(400)[1:] if row[4] != "oops"]
    pipeline.run(upload("orders", HEAD, *earlier))
    before = picture()
    run = upload("orders", *rows(40_000))  # large enough for twenty deaths on a fast machine
    status, deaths, phases = _kill_often(start(run), 11, tmp_path)
    assert status == "done"
    after = picture()
    assert {**after, "touched": 0} == {**expected(40_000), "touched": 0}
    assert no_tables_left()
    run.refresh_from_db()
    job = revert.start_revert(run=run, actor=None, as_of=timezone.now())
    status, more, _phases = _kill_often(job, 12, tmp_path)
    assert status == "done"
    assert {**picture(), "touched": 0, "rejects": []} == {**before, "touched": 0}
    assert not revert.leftovers(run).exists()
    assert not sql.fetch(
        "SELECT 1 FROM pg_tables WHERE tablename ~ '^journal_[0-9]+_' AND tablename LIKE %(mine)s",
        {"mine": f"journal_{run.pk}_%"},
    )
    assert deaths >= 20, phases
    assert more >= 5
    # How long each phase takes, and so which of them a random moment meets, depends on the machine.
    assert phases & {"people", "gather", "write_members", "write_rows"}, phases


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "ROWS_PER_COPY", 500)
    monkeypatch.setattr(targets, "BLOCKS_PER_CHUNK", 4)
    monkeypatch.setattr(reading, "BLOCK", 1 << 14)


def stop_at(monkeypatch: pytest.MonkeyPatch, what: str, calls: int) -> None:
    """Ask for a pause or a cancel at the n-th checkpoint."""
    seen = {"n": 0}
    checkpoint = running.RunningJob.checkpoint

    def counted(self: running.RunningJob, **kwargs: Any) -> None:
        seen["n"] += 1
        if seen["n"] == calls:
            jobs.ask(job=JobRun.objects.get(pk=self.id), what=what, actor=None)
        checkpoint(self, **kwargs)

    monkeypatch.setattr(running.RunningJob, "checkpoint", counted)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("calls", [4, 9, 22, 30])
def test_paused_and_resumed_it_completes(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        stop_at(patch, "pause", calls)
        assert running.run(job.pk, heart=False) == "paused"
    services.steer(run=run, what="resume", actor=None)
    assert running.run(job.pk, heart=False) == "done"
    assert picture() == expected()


@pytest.mark.django_db(transaction=True)
def test_a_retry_after_the_mapping_changed_does_not_go_on_with_what_was_staged(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        patch.setattr(targets, "write", lambda *_args: 1 / 0)
        assert running.run(job.pk, heart=False) == "failed"
    run.refresh_from_db()
    # Somebody corrects the mapping, then asks for the old job again, on the page of jobs.
    ImportRun.objects.filter(pk=run.pk).update(mapping=run.mapping | {"store": "会员卡号", "id:card_no": ""})
    jobs.ask(job=job, what="retry", actor=None)
    assert running.run(job.pk, heart=False) == "done"
    assert set(Order.objects.values_list("store", flat=True)) == {f"C{n}" for n in range(700)}
    assert not Identity.objects.filter(kind="card_no").exists()


@pytest.mark.django_db(transaction=True)
def test_cancelled_in_mid_write_it_can_be_taken_back(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        stop_at(patch, "cancel", 30)
        assert running.run(job.pk, heart=False) == "cancelled"
    run.refresh_from_db()
    assert run.counts["written"] >= Order.objects.count() > 0
    taking = revert.start_revert(run=run, actor=None, as_of=timezone.now())
    assert running.run(taking.pk, heart=False) == "done"
    assert (Order.objects.count(), Member.objects.count(), Identity.objects.count()) == (0, 0, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("what", ["pause", "cancel"])
def test_a_revert_can_be_stopped_and_gone_on_with(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    monkeypatch.setattr(revert, "BLOCKS", revert.BLOCKS | {"members": 2, "changed": 2, "ready": 3})
    run = upload("orders", *rows())
    assert running.run(start(run).pk, heart=False) == "done"
    run.refresh_from_db()
    job = revert.start_revert(run=run, actor=None, as_of=timezone.now())
    with monkeypatch.context() as patch:
        stop_at(patch, what, 9)
        assert running.run(job.pk, heart=False) in ("paused", "cancelled")
    assert 0 < Order.objects.count() < len(expected()["orders"])
    run.refresh_from_db()
    if what == "pause":
        jobs.ask(job=job, what="resume", actor=None)
    else:
        job = revert.start_revert(run=run, actor=None, as_of=timezone.now())
    assert running.run(job.pk, heart=False) == "done"
    assert (Order.objects.count(), Member.objects.count()) == (0, 0)
    run.refresh_from_db()
    assert run.journal["reverted"]["orders_removed"] == len(expected()["orders"])


@pytest.mark.django_db(transaction=True)
def test_cancelled_it_stops_and_leaves_whole_chunks(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        stop_at(patch, "cancel", 30)
        assert running.run(job.pk, heart=False) == "cancelled"
    run.refresh_from_db()
    assert run.status == ImportRun.Status.CANCELLED
    assert no_tables_left()
    assert 0 < Order.objects.count() < len(expected()["orders"])
    assert TouchedMember.objects.count() == Member.objects.count()
    again = upload("orders", *rows())
    pipeline.run(again)
    ImportReject.objects.filter(run=run).delete()
    assert picture() == expected()


@pytest.mark.django_db(transaction=True)
def test_members_merged_while_an_import_rests_keep_nothing_of_it(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch, pool: Any, as_of: Any
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        stop_at(patch, "pause", 30)
        assert running.run(job.pk, heart=False) == "paused"
    # Somebody of whom orders are still to be written becomes another.
    winner, loser = Member.objects.earliest("pk"), Member.objects.latest("pk")
    merging.merge_pairs(pool_id=pool.pk, pairs=[(winner.pk, loser.pk)], cause=merging.Cause("manual"), actor=None, as_of=as_of)
    services.steer(run=run, what="resume", actor=None)
    assert running.run(job.pk, heart=False) == "done"
    assert not Order.objects.filter(member__merged_into__isnull=False).exists()
    assert sorted(Order.objects.values_list("number", "amount")) == expected()["orders"]


@pytest.mark.django_db(transaction=True)
def test_cancelled_on_the_page_of_jobs_it_leaves_nothing_behind_the_next_import(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        stop_at(patch, "pause", 30)
        assert running.run(job.pk, heart=False) == "paused"
    jobs.ask(job=job, what="cancel", actor=None)
    assert not no_tables_left()
    pipeline.run(upload("orders", *rows()))
    assert no_tables_left()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("calls", [4, 9, 22, 30])
def test_when_the_database_hangs_up_it_goes_on_after_the_lease(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch, calls: int
) -> None:
    run = upload("orders", *rows())
    job, checkpoint, seen = start(run), running.RunningJob.checkpoint, []

    def hang_up(self: running.RunningJob, **given: Any) -> None:
        checkpoint(self, **given)
        seen.append(1)
        if len(seen) == calls:
            sql.fetch("SELECT pg_terminate_backend(pg_backend_pid())")

    with monkeypatch.context() as patch:
        patch.setattr(running.RunningJob, "checkpoint", hang_up)
        assert running.run(job.pk, heart=False) == "running"
    run.refresh_from_db()
    assert run.status == ImportRun.Status.IMPORTING
    JobRun.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert running.run(job.pk, heart=False) == "done"
    assert picture() == expected()


@pytest.mark.django_db(transaction=True)
def test_a_database_crash_empties_the_staging_and_all_is_read_again(
    upload: Callable[..., ImportRun], small: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload("orders", *rows())
    job = start(run)
    with monkeypatch.context() as patch:
        stop_at(patch, "pause", 30)
        assert running.run(job.pk, heart=False) == "paused"
    for (name,) in sql.fetch("SELECT tablename FROM pg_tables WHERE tablename ~ '^import_[0-9]+_'"):
        sql.run(f'TRUNCATE "{name}"')
    services.steer(run=run, what="resume", actor=None)
    assert running.run(job.pk, heart=False) == "done"
    assert picture() == expected()


@pytest.mark.django_db(transaction=True)
def test_an_identity_registered_meanwhile_is_respected(
    upload: Callable[..., ImportRun], small: None, pool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests import factories

    run = upload("orders", *rows())
    seal = people.seal
    made: list[Member] = []

    def late(*args: Any) -> None:
        seal(*args)
        if not made:
            made.append(factories.member(pool, "meanwhile", phone="13800000005"))

    monkeypatch.setattr(people, "seal", late)
    pipeline.run(run)
    assert made[0].orders.count() == len([n for n in range(COUNT) if n % 700 == 5 and n % 97])
    assert Member.objects.count() == expected()["people"]


@pytest.mark.django_db(transaction=True)
def test_two_imports_at_once_take_turns(upload: Callable[..., ImportRun], pool: Any) -> None:
    import threading

    from django.db import connections

    runs = [upload("orders", *rows(1500)) for _ in range(2)]
    errors: list[BaseException] = []

    def work(run: ImportRun) -> None:
        try:
            pipeline.run(run)
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not errors
    assert Order.objects.count() == len(expected(1500)["orders"])
    assert Member.objects.count() == expected(1500)["people"]
