"""Two people at once, really at once: nothing is lost, nothing is done twice."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from pyroaring import BitMap

from members.models import Pool
from scrm.lib.problems import Problem
from segmentation.models import Segment, SegmentHook, SegmentNotice, SegmentVersion
from segmentation.segments import computing, membership, services
from segmentation.segments.hooks import posting, sending
from segmentation.segments.hooks import services as hooks
from tests.segments.conftest import AS_OF, city

pytestmark = pytest.mark.django_db(transaction=True)
Make = Callable[..., Segment]


def at_once(*acts: Callable[[], Any]) -> list[Any]:
    """Do all of them at the same moment; what each answered or raised."""
    gate, answers = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int, act: Callable[[], Any]) -> None:
        gate.wait()
        try:
            answers[place] = act()
        except Problem as problem:
            answers[place] = problem  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    return answers


def test_many_who_change_one_list(people: Pool) -> None:
    listed = services.fix(pool=people, name="l", ids=BitMap([1]), actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)

    def put(n: int) -> Callable[[], Any]:
        at = AS_OF + timedelta(seconds=1)
        return lambda: services.edit_list(segment=listed, ids=BitMap([n]), remove=False, actor=None, as_of=at)

    at_once(*(put(n) for n in range(10, 16)))
    listed.refresh_from_db()
    assert set(membership.ids_of(membership.latest_of(listed))) == {1, *range(10, 16)}
    assert (listed.size, listed.revision) == (7, 7)


def test_two_who_bring_back_the_same_version(make: Make) -> None:
    segment = make()
    services.save(pool=segment.pool, name="s", rule=city("杭州"), actor=None, segment=segment)
    at_once(*[lambda: services.roll_back(segment=segment, n=1, actor=None)] * 2)
    assert list(SegmentVersion.objects.order_by("n").values_list("n", flat=True)) == [1, 2, 3]


def test_two_who_edit_the_same_version(make: Make) -> None:
    segment = make()

    def save(place: str) -> Callable[[], Any]:
        return lambda: services.save(pool=segment.pool, name="s", rule=city(place), actor=None, segment=segment, based_on=1)

    answers = at_once(save("杭州"), save("北京"))
    assert sorted(type(answer).__name__ for answer in answers) == ["Problem", "Segment"]
    assert SegmentVersion.objects.count() == 2


def test_two_segments_do_not_come_to_need_each_other(make: Make) -> None:
    one, two = make("one"), make("two")

    def need(mine: Segment, other: Segment) -> Callable[[], Any]:
        rule = {"fact": "segment", "op": "any", "value": [other.pk]}
        return lambda: services.save(pool=mine.pool, name=mine.name, rule=rule, actor=None, segment=mine)

    answers = at_once(need(one, two), need(two, one))
    assert sorted(type(answer).__name__ for answer in answers) == ["BadRule", "Segment"]


def test_one_is_put_away_while_another_comes_to_need_it(make: Make) -> None:
    inner, outer = make("inner"), make("outer")
    rule = {"fact": "segment", "op": "any", "value": [inner.pk]}
    at_once(
        lambda: services.archive(segment=inner, actor=None),
        lambda: services.save(pool=outer.pool, name="outer", rule=rule, actor=None, segment=outer),
    )
    inner.refresh_from_db()
    outer.refresh_from_db()
    assert not (inner.is_archived and outer.version == 2)


def test_two_workers_compute_the_same_segment(make: Make) -> None:
    segment, later = make(), AS_OF + timedelta(days=1)
    Segment.objects.filter(pk=segment.pk).update(next_at=AS_OF)
    (due,) = computing.due(later)
    assert sorted(at_once(*[lambda: computing.claim(due, later)] * 3)) == [False, False, True]


def test_two_workers_pump_the_same_hook(make: Make, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ALLOW_PRIVATE_TARGETS = True
    segment, told, lock = make(), [], threading.Lock()
    hooks.create(segment=segment, url="http://127.0.0.1:9/", tells_entered=True, tells_left=True, actor=None)

    def post(_hook: SegmentHook, key: str, *_rest: Any) -> posting.Answer:
        with lock:
            told.append(key)
        return posting.Answer(200, "")

    monkeypatch.setattr(posting, "post", post)
    for n in range(6):
        membership.change_list(segment=segment, add=BitMap([n + 1]), remove=BitMap(), as_of=AS_OF + timedelta(days=n + 1))
    at_once(*[lambda: sending.pump(AS_OF + timedelta(days=400))] * 4)
    keys = [notice.key for notice in SegmentNotice.objects.order_by("revision", "id")]
    assert told == keys
    assert set(SegmentNotice.objects.values_list("status", flat=True)) == {"sent"}
