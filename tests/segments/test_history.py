"""Time travel: as of a date, entered and left, what is thinned away and what is promised to stay."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from rest_framework.test import APIClient

from members import filters
from members.models import Member, Pool
from scrm.lib.problems import Problem
from segmentation.bitmaps import slice_after
from segmentation.models import Segment, SegmentSnapshot
from segmentation.segments import computing, history, lists, membership, services
from tests import factories
from tests.segments.conftest import AS_OF, move

pytestmark = pytest.mark.django_db
Make = Callable[..., Segment]
DAY = timedelta(days=1)
HOME = "/p/demo/segments/"


@pytest.fixture
def moved(people: Pool, make: Make) -> Segment:
    """1 November noon: Ann, Cai. 2 November: Ben came. 4 November: Ann went."""
    segment = make()
    move(people, Ben="上海")
    computing.refresh(segment=segment, as_of=AS_OF + DAY)
    computing.refresh(segment=segment, as_of=AS_OF + 2 * DAY)  # nobody moved: no snapshot
    move(people, Ann="北京")
    computing.refresh(segment=segment, as_of=AS_OF + 3 * DAY)
    return segment


def names(found: BitMap) -> set[str]:
    return set(Member.objects.filter(pk__in=list(found)).values_list("name", flat=True))


def at(segment: Segment, day: str) -> set[str]:
    return names(history.standing(segment, history.end_of(date.fromisoformat(day), segment)).ids)


def test_membership_as_of_a_day(moved: Segment) -> None:
    assert at(moved, "2026-10-31") == set()
    assert at(moved, "2026-11-01") == {"Ann", "Cai"}
    assert at(moved, "2026-11-02") == at(moved, "2026-11-03") == {"Ann", "Ben", "Cai"}
    assert at(moved, "2026-11-04") == at(moved, "2027-11-04") == {"Ben", "Cai"}


def test_it_says_which_snapshot_and_until_when(moved: Segment) -> None:
    found = history.standing(moved, history.end_of(date(2026, 11, 3), moved))
    assert found.snapshot is not None
    assert (found.snapshot.as_of, found.until) == (AS_OF + DAY, AS_OF + 3 * DAY)
    assert history.standing(moved, AS_OF - DAY).snapshot is None


def test_who_entered_and_left_between_two_days(moved: Segment) -> None:
    found = history.moves(moved, AS_OF, AS_OF + 3 * DAY)
    assert (names(found.entered), names(found.left), names(found.stayed)) == ({"Ben"}, {"Ann"}, {"Cai"})
    back = history.moves(moved, AS_OF + 3 * DAY, AS_OF)  # the other way round is the same question
    assert back.entered == found.entered


def test_days_end_on_the_clocks_of_the_pool(moved: Segment) -> None:
    assert history.end_of(date(2026, 11, 1), moved).isoformat() == "2026-11-01T23:59:59.999999+08:00"
    assert history.instant("2026-11-01T12:00", moved) == AS_OF
    assert history.instant("soon", moved) is None
    with pytest.raises(Problem, match="soon"):
        history.needed("soon", moved)


def test_when_somebody_was_in_it(moved: Segment, ids: dict[str, int]) -> None:
    assert history.periods_of(moved, ids["Ann"]) == [{"start": AS_OF, "end": AS_OF + 3 * DAY}]
    assert history.periods_of(moved, ids["Ben"]) == [{"start": AS_OF + DAY, "end": None}]
    assert history.periods_of(moved, ids["Dan"]) == []


def test_bars_of_who_came_and_went(moved: Segment) -> None:
    assert history.steps(moved) == [(AS_OF + DAY, 1, 0), (AS_OF + 3 * DAY, 0, 1)]
    assert history.sizes(moved) == [(AS_OF, 2), (AS_OF + DAY, 3), (AS_OF + 3 * DAY, 2)]


SETS = st.frozensets(st.integers(1, 40), max_size=25)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(1, 40), SETS), min_size=1, max_size=12))
def test_moves_are_differences_of_what_was_kept(pool: Pool, steps: list[tuple[int, frozenset[int]]]) -> None:
    """Whatever was computed at the end of each day is told for every day since, though snapshots are thinned."""
    Segment.objects.all().delete()
    segment = Segment.objects.create(pool=pool, name="s")
    now, at_end, known = AS_OF, dict[date, frozenset[int]](), frozenset[int]()
    for hours, members in steps:
        now += timedelta(hours=hours)
        membership.keep(membership.locked(segment), BitMap(members), now)
        known, at_end[now.astimezone(pool.zone).date()] = members, members
    days = [min(at_end) + n * DAY for n in range((max(at_end) - min(at_end)).days + 2)]
    told, known = dict[date, frozenset[int]](), frozenset()
    for day in days:
        known = at_end.get(day, known)
        told[day] = known
        assert set(history.standing(segment, history.end_of(day, segment)).ids) == known, day
    for start, end in pairwise(days):
        found = history.moves(segment, history.end_of(start, segment), history.end_of(end, segment))
        assert set(found.entered) == told[end] - told[start]
        assert set(found.left) == told[start] - told[end]
        assert set(found.stayed) == told[start] & told[end]


def test_hours_are_kept_for_two_days_and_then_days(pool: Pool) -> None:
    segment = Segment.objects.create(pool=pool, name="s")
    for minutes in range(0, 6 * 24 * 60, 30):  # six days, somebody every half an hour
        membership.keep(membership.locked(segment), BitMap([minutes + 1]), AS_OF + timedelta(minutes=minutes))
    kept = list(SegmentSnapshot.objects.order_by("as_of").values_list("as_of", flat=True))
    by_day: dict[date, int] = {}
    for each in kept:
        day = each.astimezone(pool.zone).date()
        by_day[day] = by_day.get(day, 0) + 1
    assert list(by_day.values())[:4] == [1, 1, 1, 1]
    assert by_day[(AS_OF + 5 * DAY).astimezone(pool.zone).date()] > 20


# -- The page, the list, programs ------------------------------------------------------------------
def test_the_page_tells_the_figures_and_the_snapshots(moved: Segment, login: Callable[[str], Client]) -> None:
    client = login("analyst")
    page = client.get(f"{HOME}{moved.pk}/history/?from=2026-11-01&to=2026-11-04").content.decode()
    assert 'data-moved="entered">+1<' in page
    assert 'data-moved="left">−1<' in page
    assert "2026-11-02" in page or "11-02 12:00" in page
    assert ">Ben<" in page.replace(" ", "").replace("\n", "")
    left = client.get(f"{HOME}{moved.pk}/history/?from=2026-11-01&to=2026-11-04&show=left").content.decode()
    assert "Ann" in left
    assert "那时还没有计算过" in client.get(f"{HOME}{moved.pk}/history/?from=2026-10-01&to=2026-11-04").content.decode()
    assert "不是日期" in client.get(f"{HOME}{moved.pk}/history/?from=nonsense&show=x&after=zz").content.decode()


def test_the_member_list_and_exports_can_go_back_in_time(moved: Segment, login: Callable[[str], Client]) -> None:
    at_value, moved_value = f"{moved.pk}:2026-11-01", f"{moved.pk}:left:2026-11-01~2026-11-04"
    assert names(filters.extras["segment_at"].ids(moved.pool, at_value)) == {"Ann", "Cai"}
    assert names(filters.extras["segment_moved"].ids(moved.pool, moved_value)) == {"Ann"}
    assert "s" in filters.extras["segment_moved"].describe(moved.pool, moved_value)
    page = login("operator").get(f"/p/demo/members/?segment_moved={moved_value}").content.decode()
    assert "Ann" in page
    assert "Cai" not in page
    form = login("operator").get(f"/p/demo/privacy/exports/new/?query=segment_at%3D{at_value}").content.decode()
    assert "segment_at" in form
    for nonsense in ("x:2026-11-01", f"{moved.pk}:yesterday", "999999:2026-11-01"):
        with pytest.raises(ValueError, match=r"."):
            filters.extras["segment_at"].ids(moved.pool, nonsense)
    for nonsense in (f"{moved.pk}:gone:2026-11-01~2026-11-02", f"{moved.pk}:left:2026-11-01"):
        with pytest.raises(ValueError, match=r"."):
            filters.extras["segment_moved"].ids(moved.pool, nonsense)


def test_programs_go_back_in_time(moved: Segment, api: Callable[..., APIClient], ids: dict[str, int]) -> None:
    client, url = api("analyst"), f"/api/segments/{moved.pk}/"
    then = client.get(f"{url}at/?on=2026-11-03").json()
    assert then["ids"] == sorted(ids[name] for name in ("Ann", "Ben", "Cai"))
    assert (then["snapshot"]["size"], then["snapshot"]["version"]) == (3, 1)
    found = client.get(f"{url}moves/?from=2026-11-01&to=2026-11-04&way=left").json()
    assert (found["entered"], found["left"], found["stayed"], found["ids"]) == (1, 1, 1, [ids["Ann"]])
    assert client.get(f"{url}moves/").status_code == 400
    assert client.get(f"{url}at/?on=soon").json()["code"] == "bad_date"
    assert [row["size"] for row in client.get(f"{url}sizes/").json()] == [2, 3, 2]
    why = client.get(f"{url}why/?member={ids['Ann']}").json()
    assert (why["inside"], why["holds"], len(why["periods"])) == (False, False, 1)
    assert why["reasons"][0]["value"] == "北京"


# -- Lists -----------------------------------------------------------------------------------------
def test_a_list_remembers_who_was_on_it(people: Pool, ids: dict[str, int]) -> None:
    listed = services.fix(pool=people, name="l", ids=BitMap([ids["Ann"]]), actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)
    services.edit_list(segment=listed, ids=BitMap([ids["Ben"]]), remove=False, actor=None, as_of=AS_OF + DAY)
    twice = services.edit_list(segment=listed, ids=BitMap([ids["Ben"]]), remove=False, actor=None, as_of=AS_OF + DAY)
    services.edit_list(segment=listed, ids=BitMap([ids["Ann"]]), remove=True, actor=None, as_of=AS_OF + 2 * DAY)
    assert twice.changed == 0
    assert [at(listed, f"2026-11-0{day}") for day in (1, 2, 3)] == [{"Ann"}, {"Ann", "Ben"}, {"Ben"}]
    listed.refresh_from_db()
    assert (listed.size, listed.revision) == (1, 3)


def test_a_list_written_one_by_one_keeps_no_snapshot_of_each(people: Pool) -> None:
    listed = services.fix(pool=people, name="l", ids=BitMap(), actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)
    for n in range(1, 50):
        services.edit_list(segment=listed, ids=BitMap([n]), remove=False, actor=None, as_of=AS_OF + timedelta(seconds=n))
    assert SegmentSnapshot.objects.filter(segment=listed).count() == 1


def test_a_live_segment_is_no_list(make: Make) -> None:
    with pytest.raises(Problem) as caught:
        services.edit_list(segment=make(), ids=BitMap([1]), remove=False, actor=None, as_of=AS_OF)
    assert caught.value.code == "not_a_list"


def test_who_computed_later_is_not_written_over(make: Make, ids: dict[str, int]) -> None:
    segment = make()
    now = {ids["Ann"], ids["Cai"]}
    for members, minute in ((now, 10), ({ids["Ben"]}, 5)):  # nobody moved; then one that began before is done at last
        with transaction.atomic():
            membership.keep(membership.locked(segment), BitMap(members), AS_OF + timedelta(minutes=minute))
    assert set(membership.ids_of(membership.latest_of(segment))) == now
    segment.refresh_from_db()
    assert segment.as_of == AS_OF + timedelta(minutes=10)


def test_days_of_ages_to_come_are_today(make: Make, login: Callable[[str], Client]) -> None:
    segment = make()
    page = login("marketer").get(f"{HOME}{segment.pk}/history/?from=9999-12-31&to=9999-12-31&after=5000000000")
    assert page.status_code == 200
    assert page.context["start"] == page.context["end"]
    assert slice_after(BitMap([1, 2**32 - 1]), 5_000_000_000, 10) == []
    assert slice_after(BitMap([1, 2**32 - 1]), 2**32 - 2, 10) == [2**32 - 1]


def test_each_spelling_finds_its_member_and_the_rest_is_counted(people: Pool) -> None:
    eve = factories.member(people, "Eve", phone="13800000001")
    given = ["13800000001", "+86 138 0000 0001", str(eve.pk), f"0{eve.pk}", *(f"x{n}" for n in range(30))]
    found = lists.resolve(people, "\n".join(given))
    assert list(found.ids) == [eve.pk]
    assert (found.unknown, found.missing) == ([f"x{n}" for n in range(lists.SHOWN)], 30)


def test_what_a_new_list_leaves_out_is_told(
    people: Pool,
    ids: dict[str, int],
    login: Callable[[str], Client],
    api: Callable[..., APIClient],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lines = [str(ids["Ann"]), *(f"x{n}" for n in range(25))]
    answer = api("marketer").post("/api/segments/", {"name": "a", "kind": "list", "members": lines}, format="json")
    assert (answer.status_code, answer.json()["missing"], len(answer.json()["unknown"])) == (201, 25, lists.SHOWN)
    page = login("marketer").post(f"{HOME}lists/new/", {"name": "b", "members": "\n".join(lines)}, follow=True)
    assert "25" in page.content.decode()
    monkeypatch.setattr(lists, "LIMIT", 10)
    refused = api("marketer").post(f"/api/segments/{answer.json()['id']}/add/", {"members": lines}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "list_too_long")
    page = login("marketer").post(f"{HOME}{answer.json()['id']}/members/", {"what": "add", "members": "\n".join(lines)})
    assert page.status_code == 422


def test_a_list_is_changed_on_its_page_and_by_programs(
    people: Pool, ids: dict[str, int], login: Callable[[str], Client], api: Callable[..., APIClient]
) -> None:
    listed = services.fix(pool=people, name="l", ids=BitMap([ids["Ann"]]), actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)
    page = login("marketer").post(
        f"{HOME}{listed.pk}/members/", {"what": "add", "members": f"{ids['Ben']}\n99999999"}, follow=True
    )
    assert "99999999" in page.content.decode()
    assert "Ben" in page.content.decode()
    answer = api("marketer").post(f"/api/segments/{listed.pk}/remove/", {"members": [str(ids["Ann"]), "nobody"]}).json()
    assert answer == {"found": 1, "changed": 1, "unknown": ["nobody"], "missing": 1, "size": 1}
    again = api("marketer").post(f"/api/segments/{listed.pk}/add/", {"members": [str(ids["Ann"])]}).json()
    assert (again["changed"], again["size"]) == (1, 2)


def test_members_are_taken_off_a_list_from_the_member_list(
    people: Pool, ids: dict[str, int], api: Callable[..., APIClient]
) -> None:
    both = BitMap([ids["Ann"], ids["Ben"]])
    listed = services.fix(pool=people, name="l", ids=both, actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)
    said = {"act": "list_remove", "members": [ids["Ann"], ids["Cai"]], "params": {"list": listed.pk}}
    made = api("marketer").post("/api/bulk-acts/", said)
    assert made.status_code in (200, 201, 202), made.content
    assert names(membership.ids_of(membership.latest_of(listed))) == {"Ben"}
