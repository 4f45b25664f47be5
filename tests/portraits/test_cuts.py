"""Cuts are kept, made anew where their data changed, and made by a worker where the pool is large."""

from datetime import timedelta

import pytest
from pyroaring import BitMap

from members import versions
from members.models import Member, Pool
from scrm.jobs import running
from scrm.jobs.models import JobRun
from segmentation.models import Segment
from segmentation.portraits import cuts, queries, services
from segmentation.portraits.dimensions import Catalogue
from tests.portraits.drawing import AS_OF


def test_only_what_changed_is_cut_anew(pool: Pool, shanghai: Segment) -> None:
    wanted = list(Catalogue(pool, AS_OF).cuts.values())
    assert len(cuts.stale(pool, wanted, AS_OF)) == len(wanted) > 40
    assert cuts.refresh(pool, wanted, AS_OF, seconds=0) > 0, "no time for all"
    assert not cuts.complete(pool, wanted)
    assert cuts.refresh(pool, wanted, AS_OF) == 0
    assert cuts.complete(pool, wanted)
    assert cuts.stale(pool, wanted, AS_OF) == []
    versions.bump(pool.pk, "events")
    changed = {cut.key for cut, _mark in cuts.stale(pool, wanted, AS_OF)}
    assert changed == {"event", "active_days"}
    later = AS_OF + timedelta(days=1)
    dated = {cut.key for cut, _mark in cuts.stale(pool, list(Catalogue(pool, later).cuts.values()), later)}
    assert {"age", "member_days", "order_days_ago"} <= dated
    assert "city" not in dated
    assert cuts.kept(pool)[0] == AS_OF


def test_parts_come_back_as_they_were(pool: Pool, people: list[Member]) -> None:
    services.refresh(pool=pool, as_of=AS_OF)
    back = dict(cuts.recall(pool.pk)["gender"])
    assert back == {1: BitMap(m.pk for m in people[24:]), 2: BitMap(m.pk for m in people[:24])}


def test_a_large_pool_is_cut_by_a_worker(pool: Pool, shanghai: Segment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "AT_ONCE", 10)
    job = services.ready(pool=pool, as_of=AS_OF, actor=None)
    assert job is not None
    assert services.ready(pool=pool, as_of=AS_OF, actor=None) == job
    assert queries.portrait(shanghai, AS_OF) is None
    running.run(job.pk)
    job.refresh_from_db()
    assert (job.status, job.error) == (JobRun.Status.DONE, "")
    assert queries.portrait(shanghai, AS_OF) is not None
    versions.bump(pool.pk, "orders")
    assert services.ready(pool=pool, as_of=AS_OF + timedelta(minutes=20), actor=None) is None, "young enough"
    again = services.ready(pool=pool, as_of=AS_OF + timedelta(days=400), actor=None)
    assert again is not None
    JobRun.objects.filter(pk=again.pk).update(status=JobRun.Status.FAILED, key=None)
    assert services.ready(pool=pool, as_of=AS_OF + timedelta(days=400), actor=None) == again, "asked again by people only"
