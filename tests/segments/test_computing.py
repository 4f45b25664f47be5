"""Computing: cadence, claims, cancelling, what is said when it fails, and that nothing stays "computing" for ever."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from members.models import Pool
from scrm.jobs import running
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.lib.problems import Problem
from segmentation import tasks
from segmentation.models import Segment, SegmentVersion
from segmentation.segments import cadence, computing, queries, services, usage
from tests.segments.conftest import AS_OF, city, move

pytestmark = pytest.mark.django_db
Make = Callable[..., Segment]
MINUTE = timedelta(minutes=1)
HOME = "/p/demo/segments/"


# -- How often -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("kept", "after", "wanted"),
    [
        ({"cadence": "minutes", "every": 15}, "04:00", "04:15"),
        ({"cadence": "hourly"}, "04:00", "05:00"),
        ({"cadence": "hourly"}, "04:59", "05:00"),
        ({"cadence": "daily", "daily_at": time(13, 30)}, "04:00", "05:30"),  # half past one in Shanghai
        ({"cadence": "daily", "daily_at": time(12, 0)}, "04:00", "28:00"),  # it is noon: tomorrow
        ({"cadence": "manual"}, "04:00", None),
    ],
)
def test_when_it_is_computed_next(pool: Pool, kept: dict[str, Any], after: str, wanted: str | None) -> None:
    segment, midnight = Segment(pool=pool, **kept), datetime(2026, 11, 1, tzinfo=UTC)

    def clock_time(text: str) -> datetime:
        hours, minutes = map(int, text.split(":"))
        return midnight + timedelta(hours=hours, minutes=minutes)

    assert cadence.next_time(segment, clock_time(after)) == (clock_time(wanted) if wanted else None)


def test_only_those_whose_turn_it_is_are_computed(make: Make) -> None:
    made = {name: make(name) for name in ("minutes", "hourly", "manual")}
    for name, segment in made.items():
        services.set_cadence(segment=segment, cadence=name, every=5, daily_at=None, actor=None, as_of=AS_OF)
    assert computing.due(AS_OF + 4 * MINUTE) == []
    assert computing.due(AS_OF + 5 * MINUTE) == [made["minutes"]]
    assert set(computing.due(AS_OF + 60 * MINUTE)) == {made["minutes"], made["hourly"]}
    services.archive(segment=made["hourly"], actor=None)
    assert computing.due(AS_OF + 60 * MINUTE) == [made["minutes"]]


def test_a_cadence_that_cannot_be_kept_is_refused(make: Make) -> None:
    segment = make()
    for given in ({"cadence": "minutes", "every": 1}, {"cadence": "weekly", "every": 5}):
        with pytest.raises(Problem) as caught:
            services.set_cadence(segment=segment, daily_at=None, actor=None, as_of=AS_OF, **given)
        assert caught.value.code == "cadence"


def test_of_two_ticks_one_computes(make: Make) -> None:
    make()
    (one,), (two,) = computing.due(AS_OF + 10 * MINUTE), computing.due(AS_OF + 10 * MINUTE)
    assert [computing.claim(each, AS_OF + 10 * MINUTE) for each in (one, two)] == [True, False]
    assert computing.due(AS_OF + 11 * MINUTE) == []
    assert len(computing.due(AS_OF + 10 * MINUTE + computing.CLAIM)) == 1  # whoever had it has died


def test_set_on_its_page_and_by_programs(make: Make, login: Callable[[str], Client], api: Callable[..., APIClient]) -> None:
    segment = make()
    login("marketer").post(f"{HOME}{segment.pk}/cadence/", {"cadence": "daily", "daily_at": "09:15"})
    segment.refresh_from_db()
    assert (segment.cadence, segment.daily_at) == ("daily", time(9, 15))
    assert "每天 09:15" in login("analyst").get(f"{HOME}{segment.pk}/").content.decode()
    answer = api("marketer").patch(f"/api/segments/{segment.pk}/", {"cadence": "minutes", "every": 30}).json()
    assert (answer["cadence"], answer["every"], answer["version"]) == ("minutes", 30, 1)
    refused = login("marketer").post(f"{HOME}{segment.pk}/cadence/", {"cadence": "minutes", "every": "1"}, follow=True)
    assert "间隔" in refused.content.decode()
    assert api("marketer").patch(f"/api/segments/{segment.pk}/", {"cadence": "minutes", "every": 1}).status_code == 422


# -- Nothing fails in silence ----------------------------------------------------------------------
def broken(segment: Segment) -> None:
    SegmentVersion.objects.filter(segment=segment).update(rule={"all": [{"fact": "gone", "op": "any"}]})


def test_a_failure_says_why_when_and_keeps_the_figures(make: Make, login: Callable[[str], Client]) -> None:
    segment = make()
    broken(segment)
    computing.ask_refresh(segment=segment, actor=None)
    assert running.run(JobRun.objects.latest("pk").pk, heart=False) == "failed"
    segment.refresh_from_db()
    assert (segment.status, segment.size, segment.as_of) == ("failed", 2, AS_OF)
    assert segment.failed_at is not None
    page = login("marketer").get(f"{HOME}{segment.pk}/").content.decode()
    assert "的计算没有成功" in page
    assert "$.all[0].fact" in page
    assert "重试" in page
    login("marketer").post("/i18n/", {"language": "en"})
    SegmentVersion.objects.filter(segment=segment).update(rule=city("上海"))
    computing.refresh(segment=segment, as_of=clock.now())
    segment.refresh_from_db()
    assert (segment.status, segment.error, segment.failed_at) == ("ready", "", None)


def test_an_error_of_the_machine_is_said_too(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make()

    def fall(*_args: Any, **_kwargs: Any) -> None:
        raise MemoryError("too much")

    monkeypatch.setattr(computing, "_found", fall)
    tasks.refresh_live_segments()
    segment.refresh_from_db()
    assert (segment.status, segment.error) == ("failed", "MemoryError: too much")
    assert segment.next_at is not None  # it will be tried again
    assert segment.next_at > clock.now()


def test_cancelled_before_it_began(make: Make, login: Callable[[str], Client]) -> None:
    segment = make()
    job = computing.ask_refresh(segment=segment, actor=None)
    page = login("marketer").get(f"{HOME}{segment.pk}/").content.decode()
    assert "正在计算" in page
    assert "取消计算" in page
    login("marketer").post(f"{HOME}{segment.pk}/cancel/")
    segment.refresh_from_db()
    job.refresh_from_db()
    assert (segment.status, segment.size, job.status) == ("ready", 2, "cancelled")


@pytest.mark.django_db(transaction=True)
def test_cancelled_while_it_runs(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    segment = make()
    services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment)
    job = JobRun.objects.latest("pk")
    found = computing._found

    def slow(*args: Any, **kwargs: Any) -> Any:
        jobs.ask(job=JobRun.objects.get(pk=job.pk), what="cancel", actor=None)
        return found(*args, **kwargs)

    monkeypatch.setattr(computing, "_found", slow)
    assert running.run(job.pk, heart=False) == "cancelled"
    segment.refresh_from_db()
    assert (segment.status, segment.size) == ("ready", 2)


def test_one_whose_worker_died_each_time_is_not_computing_for_ever(make: Make) -> None:
    segment = make()
    job = computing.ask_refresh(segment=segment, actor=None)
    JobRun.objects.filter(pk=job.pk).update(status="failed", key=None, error="the worker died each time")
    assert computing.settle(AS_OF) == 1
    segment.refresh_from_db()
    assert (segment.status, segment.error) == ("failed", "the worker died each time")
    computing.ask_refresh(segment=segment, actor=None)
    JobRun.objects.filter(key=computing.key_of(segment.pk)).update(status="cancelled", key=None)
    assert computing.settle(AS_OF) == 1
    segment.refresh_from_db()
    assert segment.status == "ready"
    assert computing.settle(AS_OF) == 0


def test_a_rule_saved_while_the_one_before_is_computed(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of the old rule is not kept under the new one's name, and the new one is computed."""
    segment, found, saved = make(), computing._found, []

    def slow(*args: Any, **kwargs: Any) -> Any:
        result = found(*args, **kwargs)
        if not saved:
            saved.append(services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment))
        return result

    monkeypatch.setattr(computing, "_found", slow)
    computing.refresh(segment=segment, as_of=AS_OF + 120 * MINUTE)
    assert [(row.version, row.size) for row in segment.snapshots.order_by("as_of")] == [(1, 2), (2, 1)]


def test_a_rule_saved_just_as_the_job_ended_is_asked_for_again(make: Make) -> None:
    segment = make()
    job = computing.ask_refresh(segment=segment, actor=None)
    JobRun.objects.filter(pk=job.pk).update(status="done", key=None)
    computing.settle(AS_OF)
    assert JobRun.objects.filter(key=computing.key_of(segment.pk)).count() == 1


def test_an_older_result_does_not_replace_a_newer_one(make: Make) -> None:
    segment = make()
    move(segment.pool, Ben="上海")
    computing.refresh(segment=segment, as_of=AS_OF + MINUTE)
    move(segment.pool, Ben="杭州")
    computing.refresh(segment=segment, as_of=AS_OF - MINUTE)  # a worker whose clock is behind
    segment.refresh_from_db()
    assert (segment.size, segment.as_of) == (3, AS_OF + MINUTE)


# -- Pages do not ask per row ----------------------------------------------------------------------
def test_lists_ask_as_often_for_one_as_for_many(
    make: Make, login: Callable[[str], Client], api: Callable[..., APIClient], django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client, program = login("analyst"), api("analyst")

    def asked() -> tuple[int, int]:
        counts = []
        for get in (lambda: client.get(HOME), lambda: program.get("/api/segments/")):
            get()
            with CaptureQueriesContext(
                connection,
            ) as queries_:
                assert get().status_code == 200
            counts.append(len(queries_))
        return counts[0], counts[1]

    make("one")
    few = asked()
    for n in range(6):
        make(f"more {n}")
    many = asked()
    assert many == few
    # Page: session, user, access, pool, data versions, the universe, count, segments with rules, sizes, and the shell's own.
    assert few[0] <= 16
    # Programs: token, user, access, pool, segments with rules, and when the token was used.
    assert few[1] <= 12


def test_the_detail_page_asks_a_handful(make: Make, login: Callable[[str], Client]) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    segment, client = make(), login("analyst")
    client.get(f"{HOME}{segment.pk}/")
    with CaptureQueriesContext(connection) as asked:
        client.get(f"{HOME}{segment.pk}/")
    # What the shell asks; the segment, its version, its latest snapshot; data versions and kept leaves (the universe,
    # seven carriers); five sample members; who uses it: rules, campaigns, hooks, kept tags; names of the sentence.
    assert len(asked) <= 36, [each["sql"][:90] for each in asked]


def test_the_list_is_narrowed_and_paged(make: Make, login: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        make(f"seg{n}")
    broken(Segment.objects.get(name="seg0"))
    with pytest.raises(Problem):
        computing.refresh(segment=Segment.objects.get(name="seg0"), as_of=AS_OF)
    client = login("analyst")
    page = client.get(f"{HOME}?status=failed").content.decode()
    assert "seg0" in page
    assert "seg1" not in page
    assert "没有找到这样的分群" in client.get(f"{HOME}?kind=list").content.decode()
    monkeypatch.setattr("segmentation.segments.views.listing.PAGE", 2)
    assert [f"seg{n}" in client.get(f"{HOME}?after=2").content.decode() for n in range(5)].count(True) == 2


# -- Where used ------------------------------------------------------------------------------------
def test_what_rules_ask_for_is_known(people: Pool) -> None:
    from members import usage as things
    from segmentation.standings import services as standings

    scheme = standings.save(pool=people, family="ladder", name="L", settings={"steps": 3}, actor=None)
    rule = {"not": {"fact": f"standing.{scheme.pk}.value", "op": "gte", "value": 2}}
    made = services.save(pool=people, name="climbing", rule={"all": [rule]}, actor=None)
    assert [use.name for use in things.uses("scheme", people.pk, scheme.pk)] == ["climbing"]  # once
    assert things.uses("scheme", people.pk, scheme.pk + 1) == []
    with pytest.raises(things.InUse) as caught:
        standings.archive(scheme=scheme, actor=None, as_of=AS_OF)
    assert (caught.value.code, caught.value.fields) == ("scheme.in_use", {"uses": ["climbing"]})
    services.archive(segment=made, actor=None)
    standings.archive(scheme=scheme, actor=None, as_of=AS_OF)


def test_the_list_tells_which_conditions_are_used_and_by_whom(
    make: Make, login: Callable[[str], Client], api: Callable[..., APIClient]
) -> None:
    make("in town")
    make("grown", {"all": [city("上海"), {"fact": "age", "op": "gte", "value": 18}]})
    assert usage.facts_used(Segment.objects.get(name="grown").pool_id) == {"city": 2, "age": 1}
    page = login("analyst").get(f"{HOME}?fact=age").content.decode()
    assert "grown" in page
    assert "in town" not in page
    found = api("analyst").get("/api/segments/?fact=age").json()["results"]
    assert [each["name"] for each in found] == ["grown"]


def test_what_has_an_active_hook_is_not_put_away(make: Make) -> None:
    from segmentation.segments.hooks import services as hooks

    segment = make()
    made = hooks.create(segment=segment, url="https://a.example/", tells_entered=True, tells_left=False, actor=None)
    with pytest.raises(services.InUse):
        services.archive(segment=segment, actor=None)
    hooks.remove(hook=made.hook, actor=None)
    services.archive(segment=segment, actor=None)
    assert usage.uses(segment) == []


def test_the_sentence_of_a_list_is_none(people: Pool) -> None:
    assert queries.sentence_of(people, {}) == ""


def test_a_rule_cannot_come_to_need_what_was_put_away(make: Make) -> None:
    inner = make("inner")
    services.archive(segment=inner, actor=None)
    rule = {"fact": "segment", "op": "any", "value": [inner.pk]}
    with pytest.raises(services.BadRule) as caught:
        services.save(pool=inner.pool, name="outer", rule=rule, actor=None)
    assert [(fault.path, fault.code) for fault in caught.value.faults] == [("$.value[0]", "archived")]
    services.restore(segment=inner, actor=None)
    services.save(pool=inner.pool, name="outer", rule=rule, actor=None)
