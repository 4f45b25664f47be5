"""Figures of tags: exact, counted anew when tags changed, and kept, dated and left to a worker where counting takes long."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client

from members import tagging, versions
from members.models import Member, Pool, Tag, TagGroup
from members.tagging import figures
from scrm.jobs import running
from scrm.jobs.models import JobRun


@pytest.fixture
def worn(pool: Pool, crowd: list[Member], group_of: Callable[..., TagGroup], tag_of: Callable[..., Tag], as_of: datetime) -> Tag:
    """One tag on three of eight members."""
    made = tag_of(group_of("价值"), "高")
    tagging.add_tag(tag=made, members=[member.pk for member in crowd[:3]], actor=None, as_of=as_of)
    return made


def test_who_carries_any_tag_of_a_group_counts_once(
    pool: Pool,
    other_pool: Pool,
    crowd: list[Member],
    group_of: Callable[..., TagGroup],
    tag_of: Callable[..., Tag],
    as_of: datetime,
) -> None:
    """Two tags of a group on one member are one; a retired tag counts for nothing."""
    groups = [group_of(f"组{n}") for n in range(12)]
    for n, group in enumerate(groups):
        for k in range(2):
            tag = tag_of(group, f"{n}-{k}")
            tagging.add_tag(tag=tag, members=[member.pk for member in crowd[n % 4 : n % 4 + 3 - k]], actor=None, as_of=as_of)
    gone = tag_of(groups[0], "旧的")
    tagging.add_tag(tag=gone, members=[member.pk for member in crowd], actor=None, as_of=as_of)
    Tag.objects.filter(pk=gone.pk).update(retired_at=as_of)
    found = figures.read(pool, as_of)[0]
    assert found.groups == {group.pk: 3 for group in groups}
    assert figures.read(other_pool, as_of)[0].groups == {}


def test_quick_figures_are_always_of_now(pool: Pool, worn: Tag, crowd: list[Member], as_of: datetime) -> None:
    assert figures.figures(pool, as_of).tags[worn.pk]["carriers"] == 3
    tagging.add_tag(tag=worn, members=[crowd[3].pk], actor=None, as_of=as_of)
    found = figures.figures(pool, as_of)
    assert (found.tags[worn.pk]["carriers"], found.is_old) == (4, False)
    assert not JobRun.objects.filter(kind=figures.JOB).exists()


def test_slow_figures_are_dated_and_counted_anew_by_a_worker(
    pool: Pool, worn: Tag, crowd: list[Member], as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "SLOW", 0.0)
    figures.figures(pool, as_of)
    figures.likeness(pool, as_of)
    tagging.add_tag(tag=worn, members=[crowd[3].pk], actor=None, as_of=as_of)
    soon = figures.figures(pool, as_of)
    assert (soon.tags[worn.pk]["carriers"], soon.as_of, soon.is_old) == (3, as_of, True)
    assert not JobRun.objects.filter(kind=figures.JOB).exists(), "counted a moment ago"
    later = as_of + timedelta(minutes=30)
    with monkeypatch.context() as patience:
        patience.setattr(figures, "REST", 10**9)
        assert figures.figures(pool, later).is_old
    assert not JobRun.objects.filter(kind=figures.JOB).exists(), "nor soon after, for what took long"
    assert figures.figures(pool, later).is_old
    job = JobRun.objects.get(kind=figures.JOB)
    assert figures.likeness(pool, later).is_old
    assert JobRun.objects.filter(kind=figures.JOB).count() == 1, "one job does both"
    running.run(job.pk)
    assert JobRun.objects.get(pk=job.pk).status == JobRun.Status.DONE
    fresh = figures.figures(pool, later)
    assert (fresh.tags[worn.pk]["carriers"], fresh.is_old) == (4, False)
    assert not figures.likeness(pool, later).is_old


def test_who_loses_a_tag_soon_is_looked_at_each_hour(pool: Pool, worn: Tag, as_of: datetime) -> None:
    assert figures.figures(pool, as_of).as_of == as_of
    assert figures.figures(pool, as_of + timedelta(minutes=59)).as_of == as_of
    assert figures.figures(pool, as_of + timedelta(minutes=61)).as_of == as_of + timedelta(minutes=61)


def test_the_pages_say_as_of_when(pool: Pool, worn: Tag, login: Callable[[str], Client], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "SLOW", 0.0)
    client = login("operator")
    for place in ("", "report/"):
        assert "正在重新统计" not in client.get(f"/p/demo/tags/{place}").content.decode()
    versions.bump(pool.pk, "tags")
    for place in ("", "report/"):
        assert "正在重新统计" in client.get(f"/p/demo/tags/{place}").content.decode()


@pytest.fixture(autouse=True)
def nothing_kept() -> None:
    cache.clear()
