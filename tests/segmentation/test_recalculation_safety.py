"""What happens beside a run, and what a run that died leaves: nobody's tables, members, choices or pools suffer."""

from contextlib import contextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import DataError, connection, transaction
from psycopg2 import sql as pg

from members import versions
from members.models import Member, MemberStanding, MemberState, Order, StateChange, TouchedMember
from scrm.jobs import running as jobs
from scrm.jobs.models import JobRun
from scrm.lib import clock, sql
from segmentation import tasks, work
from segmentation.models import RecalculationRun, Scheme
from segmentation.recalculation import backtest, preview, services, steps
from segmentation.recalculation.edges import Edges
from segmentation.recalculation.settings import checked
from segmentation.standings import preview as scheme_preview
from segmentation.standings import running
from segmentation.standings import services as standings
from tests import factories
from tests.factories import days_before

pytestmark = pytest.mark.django_db
OTHER = checked({"rfm": {"window_days": 90}, "lifecycle": {"mode": "category"}})


@pytest.fixture
def value(pool, alice, bob, as_of):
    """A scheme in which both stand, once they are computed."""
    for who, name in ((alice, "A"), (bob, "B")):
        factories.order(who, name, days_before(as_of, 3), 100)
    return standings.save(pool=pool, family="value", name="价值层", settings={}, actor=None)


# -- Tables ----------------------------------------------------------------------------------------


def test_previews_and_backtests_leave_the_tables_of_a_run_going_on(pool, value, as_of, monkeypatch):
    monkeypatch.setattr(backtest, "ENOUGH", 0)
    found = Edges.load(services.recalculate(pool=pool, as_of=as_of).edges)
    run = steps.Chain(pool.pk, as_of, services.live(pool.pk), steps.UNLOGGED)
    slots = ("facts", "future", "bought", "leads", "paces", "ages", "changes", "later", "orders", "events")
    for slot in slots:
        sql.run(pg.SQL("CREATE UNLOGGED TABLE {} AS SELECT 7 AS n").format(run.table(slot)))
    preview.preview(pool=pool, choices=OTHER, as_of=as_of)
    scheme_preview.preview(pool=pool, family_key="usage", given={}, scheme=None, as_of=as_of)
    backtest.backtest(pool=pool, choices=OTHER, found=found, as_of=as_of)
    assert [sql.fetch(pg.SQL("SELECT n FROM {}").format(run.table(slot))) for slot in slots] == [[(7,)]] * len(slots)


def test_a_run_removes_what_one_that_died_has_left(pool, as_of):
    left = [f"recalculation_facts_{pool.pk}", f"recalculation_gathered_ab12_{pool.pk}"]
    others = [f"recalculation_facts_1{pool.pk}", f"recalculation_standings_{pool.pk}_1{pool.pk}", "recalculation_of_somebody"]
    for name in left + others:
        sql.run(pg.SQL("CREATE UNLOGGED TABLE {} AS SELECT 1 AS n").format(pg.Identifier(name)))
    services.recalculate(pool=pool, as_of=as_of)
    found = sql.fetch("SELECT relname::text FROM pg_class WHERE relname = ANY(%(names)s)", {"names": left + others})
    assert {name for (name,) in found} == set(others)


# -- Members who leave ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["deleted", "merged"])
def test_who_leaves_after_the_comparing_gets_no_row_and_no_history(pool, value, alice, bob, as_of, monkeypatch, how):
    find = running.find

    def leaving(chain, works, *, anew):
        found = find(chain, works, anew=anew)
        Order.objects.filter(member=bob).delete()
        row = Member.objects.filter(pk=bob.pk)
        row.delete() if how == "deleted" else row.update(merged_into=alice.pk)
        return found

    monkeypatch.setattr(running, "find", leaving)
    services.recalculate(pool=pool, as_of=as_of)
    connection.check_constraints()  # what a commit does
    for model in (MemberState, MemberStanding, StateChange):
        assert set(model.objects.values_list("member_id", flat=True)) == {alice.pk}, model


@pytest.mark.parametrize("run", ["full", "scheme", "tick"])
def test_a_run_holds_the_members_of_the_pool_before_it_writes(pool, value, alice, as_of, monkeypatch, run):
    services.recalculate(pool=pool, as_of=as_of)
    TouchedMember.objects.create(member=alice, pool=pool)
    happened = []
    write, writing = steps.Chain.write, services.writing
    monkeypatch.setattr(services, "writing", lambda pool_id: happened.append(f"held {pool_id}") or writing(pool_id))
    monkeypatch.setattr(steps.Chain, "write", lambda chain, name, *a, **kw: happened.append(name) or write(chain, name, *a, **kw))
    later = as_of + timedelta(minutes=1)
    if run == "full":
        services.recalculate(pool=pool, as_of=later)
    elif run == "scheme":
        services.recalculate_scheme(scheme=value, as_of=later)
    else:
        services.tick(pool=pool, as_of=later)
    assert happened[0] == f"held {pool.pk}"
    assert len(happened) > 4


# -- What is told meanwhile ---------------------------------------------------------------------------


def windows():
    return list(RecalculationRun.objects.filter(mode="full").order_by("pk").values_list("settings__rfm__window_days", flat=True))


def test_choices_saved_while_a_full_run_goes_on_are_applied_by_the_same_job(pool, alice, as_of, monkeypatch):
    job, compare, asked = services.ask(pool=pool, as_of=as_of), steps.compare, []

    def saving(chain, found):
        if not asked:
            asked.append(services.save_choices(pool=pool, choices=OTHER, as_of=as_of, actor=None))
        compare(chain, found)

    monkeypatch.setattr(steps, "compare", saving)
    assert jobs.run(job.pk, heart=False) == JobRun.Status.DONE
    assert asked == [job]
    assert windows() == [365, 90]
    assert RecalculationRun.objects.latest("pk").backtest is not None


def test_a_minute_run_asks_for_the_full_run_that_choices_still_want(pool, alice, as_of):
    services.recalculate(pool=pool, as_of=as_of)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=1))
    assert not JobRun.objects.exists()
    pool.settings = OTHER.model_dump()
    pool.save()
    TouchedMember.objects.create(member=alice, pool=pool)
    services.tick(pool=pool, as_of=as_of + timedelta(minutes=2))
    assert JobRun.objects.get().key == f"recalculate:{pool.pk}"
    assert not TouchedMember.objects.exists()  # nobody waits for it


@pytest.mark.parametrize("kind", ["full", "scheme"])
def test_a_job_takes_the_time_when_it_is_its_turn(pool, value, monkeypatch, kind):
    happened = []

    @contextmanager
    def alone(_pool):
        happened.append("alone")
        yield

    monkeypatch.setattr(services, "alone", alone)
    monkeypatch.setattr(work, "clock", SimpleNamespace(now=lambda: happened.append("time") or clock.now()))
    job = services.ask(pool=pool, as_of=clock.now()) if kind == "full" else standings.ask(scheme=value)
    assert jobs.run(job.pk, heart=False) == JobRun.Status.DONE
    assert happened[:2] == ["alone", "time"]


# -- One that fails -------------------------------------------------------------------------------------


def test_a_scheme_the_database_refuses_is_left_and_the_others_are_computed(pool, value, alice, as_of, monkeypatch):
    bad = standings.save(pool=pool, family="value", name="坏", settings={}, actor=None)
    measure = running.measure

    def refusing(chain, work):
        if work.scheme.pk == bad.pk:
            with transaction.atomic():
                sql.fetch("SELECT 1 / 0")
        measure(chain, work)

    monkeypatch.setattr(running, "measure", refusing)
    services.recalculate(pool=pool, as_of=as_of)
    assert MemberState.objects.get(member=alice).order_count == 1
    assert set(MemberStanding.objects.values_list("scheme_id", flat=True)) == {value.pk}
    assert list(Scheme.objects.order_by("pk").values_list("computed_at", flat=True)) == [as_of, None]
    with pytest.raises(DataError):
        services.recalculate_scheme(scheme=bad, as_of=as_of)


def test_standings_that_are_swept_count_as_changed(pool, value, as_of):
    services.recalculate(pool=pool, as_of=as_of)
    standings.archive(scheme=value, actor=None, as_of=as_of)
    before = versions.versions(pool.pk)["standings"]
    services.recalculate(pool=pool, as_of=as_of + timedelta(days=8))
    assert not MemberStanding.objects.exists()
    assert versions.versions(pool.pk)["standings"] > before


@pytest.mark.parametrize(
    ("task", "does"),
    [
        (tasks.recalculate_touched, (tasks.recalculation, "tick")),
        (tasks.recalculate_all, (tasks.recalculation, "ask")),
        (tasks.refresh_models, (tasks.predicting, "ask_night")),
    ],
    ids=["minute", "night", "models"],
)
def test_a_pool_that_fails_does_not_stop_the_others(pool, other_pool, monkeypatch, caplog, task, does):
    served = []

    def failing(*, pool, as_of):
        served.append(pool)
        raise RuntimeError(f"of {pool.pk}")

    monkeypatch.setattr(*does, failing)
    task()
    assert served == [pool, other_pool]
    assert [str(record.exc_info[1]) for record in caplog.records if record.exc_info] == [f"of {pool.pk}", f"of {other_pool.pk}"]
