"""A tag in step with a segment: who enters gets it, who leaves loses it, whatever dies in between."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyroaring import BitMap

from members.models import MemberTag, Pool, Tag, TagChange, TagGroup
from members.tagging import keeping
from members.versions import bump
from scrm.jobs import running
from scrm.jobs.models import JobRun
from segmentation.models import Segment, TagRule
from segmentation.segments import computing, membership, services
from segmentation.tagging import applying
from segmentation.tagging import services as tagging
from tests import factories
from tests.segments.conftest import AS_OF, move

pytestmark = pytest.mark.django_db
Make = Callable[..., Segment]
DAY = timedelta(days=1)


@pytest.fixture
def segment(make: Make) -> Segment:
    return make()


@pytest.fixture
def tag(segment: Segment) -> Tag:
    group = TagGroup.objects.create(pool=segment.pool, name="g")
    return tagging.keep_by_segment(segment=segment, group=group, name="沪", actor=None).tag


def work() -> None:
    """What a worker does: every job of tags that is waiting."""
    for number in JobRun.objects.filter(kind=applying.JOB, status="queued").values_list("pk", flat=True):
        running.run(number, heart=False)


def carriers(tag: Tag) -> set[int]:
    return set(MemberTag.objects.filter(tag=tag).values_list("member_id", flat=True))


def test_it_follows_those_who_come_and_go(segment: Segment, tag: Tag, ids: dict[str, int]) -> None:
    work()
    assert carriers(tag) == {ids["Ann"], ids["Cai"]}
    move(segment.pool, Ben="上海", Ann="北京")
    work()
    assert carriers(tag) == {ids["Ann"], ids["Cai"]}  # the segment has not been computed
    computing.refresh(segment=segment, as_of=AS_OF + DAY)
    work()
    assert carriers(tag) == {ids["Ben"], ids["Cai"]}
    told = TagChange.objects.filter(tag=tag).order_by("id").values_list("member_id", "what", "how")
    on, off, how = TagChange.What.ON, TagChange.What.OFF, TagChange.How.SEGMENT
    assert list(told)[2:] == [(ids["Ben"], on, how), (ids["Ann"], off, how)]
    tag.refresh_from_db()
    assert tag.source == Tag.Source.SEGMENT


def test_nobody_moved_no_work(segment: Segment, tag: Tag) -> None:
    work()
    before = JobRun.objects.count()
    computing.refresh(segment=segment, as_of=AS_OF + DAY)
    assert JobRun.objects.count() == before


def test_the_asking_is_undone_with_the_change(segment: Segment, tag: Tag) -> None:
    work()

    def half() -> None:
        with transaction.atomic():
            membership.keep(membership.locked(segment), BitMap(), AS_OF + DAY)
            assert JobRun.objects.filter(kind=applying.JOB, status="queued").exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert not JobRun.objects.filter(kind=applying.JOB, status="queued").exists()


@hypothesis_settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_worker_that_dies_anywhere_leaves_nothing_wrong(people: Pool, data: st.DataObject) -> None:
    """Chunks of two, deaths between any of them: the next attempt ends with the segment, each change noted once."""
    TagRule.objects.all().delete()
    Segment.objects.all().delete()
    TagGroup.objects.all().delete()
    pks = [factories.member(people, f"m{n}").pk for n in range(9)]
    bump(people.pk, "members")
    listed = services.fix(pool=people, name="l", ids=BitMap(), actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)
    group = TagGroup.objects.create(pool=people, name="g")
    rule = tagging.keep_by_segment(segment=listed, group=group, name="t", actor=None)
    now = AS_OF
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keeping, "CHUNK", 2)
        for members in data.draw(st.lists(st.frozensets(st.sampled_from(pks)), min_size=1, max_size=4)):
            now += DAY
            with transaction.atomic():
                membership.keep(membership.locked(listed), BitMap(members), now)
            deaths = data.draw(st.integers(0, 2))
            for attempt in range(deaths + 1):
                _attempt(rule, now, data.draw(st.integers(0, 3)) if attempt < deaths else 99)
            assert carriers(rule.tag) == set(members)
    inside: dict[int, bool] = {}
    for member, what in TagChange.objects.filter(tag=rule.tag).order_by("id").values_list("member_id", "what"):
        assert inside.get(member, False) is (what == TagChange.What.OFF)
        inside[member] = what == TagChange.What.ON
    assert {member for member, there in inside.items() if there} == carriers(rule.tag)


def _attempt(rule: TagRule, now: Any, chunks: int) -> None:
    """One worker that dies before its chunk of that number."""
    seen = []

    def report(_done: int, _total: int) -> None:
        seen.append(1)
        if len(seen) > chunks:
            raise KeyboardInterrupt

    try:
        applying.apply(rule=TagRule.objects.get(pk=rule.pk), as_of=now, report=report)
    except KeyboardInterrupt:
        return


def test_what_changed_while_its_job_ran_is_caught_up(segment: Segment, tag: Tag, ids: dict[str, int]) -> None:
    work()
    rule = TagRule.objects.get(tag=tag)
    with transaction.atomic():  # the job of an earlier change is open: asking is joined to it, and it has looked already
        membership.keep(membership.locked(segment), BitMap([ids["Dan"]]), AS_OF + DAY)
    JobRun.objects.filter(kind=applying.JOB, status="queued").update(status="done", key=None)
    TagRule.objects.filter(pk=rule.pk).update(status="ready")
    assert applying.ask_changed(as_of=AS_OF + 400 * DAY) == 1
    work()
    assert carriers(tag) == {ids["Dan"]}


def test_it_stands_on_the_segments_page_and_holds_it(segment: Segment, tag: Tag, login: Callable[[str], Client]) -> None:
    work()
    page = login("marketer").get(f"/p/demo/segments/{segment.pk}/").content.decode()
    assert "与标签同步" in page
    assert "沪" in page
    assert f"?segment={segment.pk}" in page
    with pytest.raises(services.InUse) as caught:
        services.archive(segment=segment, actor=None)
    assert "沪" in caught.value.message
