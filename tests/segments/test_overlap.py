"""What segments share, and new segments made of them."""

from collections.abc import Callable
from datetime import timedelta
from itertools import combinations
from math import hypot, pi

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyroaring import BitMap
from rest_framework.test import APIClient

from members import filters
from members.models import Member, Pool
from scrm.lib.problems import Problem
from segmentation import evaluate
from segmentation.models import Segment
from segmentation.segments import algebra, computing, overlap, petals, services, venn
from tests import factories
from tests.segments.conftest import AS_OF

pytestmark = pytest.mark.django_db
SETS = st.lists(st.frozensets(st.integers(1, 30)), min_size=2, max_size=5)


def listed(pool: Pool, name: str, members: set[int]) -> Segment:
    return services.fix(pool=pool, name=name, ids=BitMap(members), actor=None, as_of=AS_OF, kind=Segment.Kind.LIST)


@pytest.fixture
def three(pool: Pool) -> tuple[list[Segment], list[int]]:
    """A: 0…5, B: 3…7, C: 5…9 of ten members."""
    pks = [factories.member(pool, f"m{n}").pk for n in range(10)]
    spans = {"A": range(6), "B": range(3, 8), "C": range(5, 10)}
    return [listed(pool, name, {pks[n] for n in span}) for name, span in spans.items()], pks


def together(pool: Pool, segments: list[Segment]) -> overlap.Together:
    return overlap.Together.of(pool, segments, AS_OF)


def test_every_field_and_every_pair(pool: Pool, three: tuple[list[Segment], list[int]]) -> None:
    segments, pks = three
    found = together(pool, segments)
    fields = {"".join(segment.name for segment in region.inside): region for region in found.regions}
    assert {name: region.size for name, region in fields.items()} == {"A": 3, "AB": 2, "ABC": 1, "AC": 0, "B": 0, "BC": 2, "C": 2}
    assert set(fields["AB"].ids) == {pks[3], pks[4]}
    assert sum(region.size for region in found.regions) == len(found.union) == 10
    _row, size, pairs = found.matrix[0]
    assert (size, [pair.both for pair in pairs]) == (6, [6, 3, 1])
    assert (pairs[1].share, pairs[1].likeness, pairs[1].lift) == (0.5, 3 / 8, 3 / (6 * 5 / 10))


@settings(max_examples=80)
@given(sets=SETS)
def test_fields_split_the_union(sets: list[frozenset[int]]) -> None:
    found = overlap.Together(tuple(Segment(pk=n + 1) for n in range(len(sets))), tuple(BitMap(each) for each in sets), 30, AS_OF)
    assert len(found.regions) == 2 ** len(sets) - 1
    for one, two in combinations(found.regions, 2):
        assert not one.ids & two.ids
    whole = {number for region in found.regions for number in region.ids}
    assert whole == set().union(*sets)
    for region in found.regions:
        inside = {segment.pk - 1 for segment in region.inside}
        assert all({n for n, each in enumerate(sets) if number in each} == inside for number in region.ids)


@settings(max_examples=60)
@given(sets=SETS)
def test_operations_are_those_of_sets(sets: list[frozenset[int]]) -> None:
    maps = [BitMap(each) for each in sets]
    everybody = set().union(*sets)
    assert set(algebra.worked_out("union", maps)) == everybody
    assert set(algebra.worked_out("intersection", maps)) == sets[0].intersection(*sets[1:])
    assert set(algebra.worked_out("difference", maps)) == sets[0].difference(*sets[1:])
    assert set(algebra.worked_out("one", maps)) == {number for number in everybody if sum(number in each for each in sets) == 1}
    if len(sets) == 2:
        assert set(algebra.worked_out("one", maps)) == sets[0] ^ sets[1]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sets=st.lists(st.frozensets(st.integers(0, 7)), min_size=2, max_size=4))
def test_the_rule_of_an_operation_selects_what_the_sets_say(pool: Pool, sets: list[frozenset[int]]) -> None:
    Segment.objects.all().delete()
    pks = list(Member.objects.filter(pool=pool).order_by("pk").values_list("pk", flat=True))
    pks = pks or [factories.member(pool, f"m{n}").pk for n in range(8)]
    maps = [BitMap(pks[n] for n in each) for each in sets]
    segments = [listed(pool, f"s{n}", set(each)) for n, each in enumerate(maps)]
    for operation in algebra.Operation.values:
        rule = algebra.rule(operation, [segment.pk for segment in segments])
        assert evaluate.members_of(rule, pool, AS_OF) == algebra.worked_out(operation, maps), operation


def test_a_live_one_follows_and_a_snapshot_does_not(pool: Pool, three: tuple[list[Segment], list[int]]) -> None:
    segments, pks = three
    made = {
        kind: algebra.combine(
            pool=pool, segments=segments[:2], operation="difference", name=kind, kind=kind, actor=None, as_of=AS_OF
        )
        for kind in ("live", "snapshot")
    }
    services.edit_list(segment=segments[1], ids=BitMap(pks[:1]), remove=False, actor=None, as_of=AS_OF + timedelta(days=1))
    computing.refresh(segment=made["live"], as_of=AS_OF + timedelta(days=1))
    assert evaluate.latest_snapshot(made["live"]) == BitMap([pks[1], pks[2]])
    assert evaluate.latest_snapshot(made["snapshot"]) == BitMap(pks[:3])
    with pytest.raises(services.InUse):
        services.archive(segment=segments[0], actor=None)


def test_what_cannot_be_combined(pool: Pool, other_pool: Pool, three: tuple[list[Segment], list[int]]) -> None:
    segments, _pks = three
    theirs = services.save(pool=other_pool, name="x", rule={"all": []}, actor=None)
    for chosen in ([segments[0]], [segments[0], segments[0]], [segments[0], theirs]):
        with pytest.raises(Problem) as caught:
            algebra.combine(pool=pool, segments=chosen, operation="union", name="n", kind="live", actor=None, as_of=AS_OF)
        assert caught.value.code == "combine"
    for given_ in ({"operation": "xor", "kind": "live"}, {"operation": "union", "kind": "list"}):
        with pytest.raises(Problem):
            algebra.combine(pool=pool, segments=segments[:2], name="n", actor=None, as_of=AS_OF, **given_)


def test_circles_are_as_large_as_their_sets() -> None:
    a, b = BitMap(range(400)), BitMap(range(300, 500))
    one, two = venn.circles([a, b])
    scale = pi * one.r**2 / 400
    assert pi * two.r**2 == pytest.approx(len(b) * scale, rel=1e-6)
    distance = hypot(one.x - two.x, one.y - two.y)
    assert venn.lens(one.r, two.r, distance) == pytest.approx(len(a & b) * scale, rel=0.02)


@settings(max_examples=60)
@given(sets=st.lists(st.frozensets(st.integers(1, 60)), min_size=2, max_size=3))
def test_pictures_stay_in_their_frame(sets: list[frozenset[int]]) -> None:
    found = venn.circles([BitMap(each) for each in sets])
    for circle in found:
        assert circle.x - circle.r > -1
        assert circle.x + circle.r < venn.WIDTH + 1
        assert circle.y - circle.r > -1
        assert circle.y + circle.r < venn.HEIGHT + 1
    for mark in venn.marks(found):
        assert all((hypot(mark.x - c.x, mark.y - c.y) < c.r) == (n in mark.inside) for n, c in enumerate(found))


def test_on_the_page(pool: Pool, three: tuple[list[Segment], list[int]], login: Callable[[str], Client]) -> None:
    segments, pks = three
    url = "/p/demo/segments/compare/?" + "&".join(f"s={segment.pk}" for segment in segments)
    page = login("analyst").get(url).content.decode()
    assert '<svg class="venn"' in page
    region = f"{segments[0].pk}.{segments[1].pk}-{segments[2].pk}"
    assert region in page
    assert filters.extras["segment_region"].ids(pool, region) == BitMap(pks[3:5])
    assert "不属于 C" in filters.extras["segment_region"].describe(pool, region)
    one = segments[0].pk
    for nonsense in ("x", "1.2.3.4.5.6", "999999-1", f"-{one}", f"{one}-{one}", f"{one}.{one}"):
        with pytest.raises(ValueError, match=r"."):
            filters.extras["segment_region"].ids(pool, nonsense)
    assert "请至少选择两个分群" in login("analyst").get("/p/demo/segments/compare/?s=x&s=999999").content.decode()
    data = {"s": [segment.pk for segment in segments], "operation": "one", "name": "只一个", "kind": "snapshot"}
    assert login("operator").post("/p/demo/segments/combine/", data).status_code == 403
    login("marketer").post("/p/demo/segments/combine/", data)
    assert Segment.objects.get(name="只一个").size == 5
    again = login("marketer").post("/p/demo/segments/combine/", data, follow=True).content.decode()
    assert "已有同名的分群" in again


def test_for_programs(pool: Pool, three: tuple[list[Segment], list[int]], api: Callable[..., APIClient]) -> None:
    segments, _pks = three
    client, numbers = api("marketer"), [segment.pk for segment in segments]
    found = client.get(f"/api/segments/overlap/?segments={','.join(map(str, numbers))}").json()
    assert (found["union"], len(found["regions"]), len(found["pairs"])) == (10, 7, 9)
    assert client.get("/api/segments/overlap/?segments=1").status_code == 400
    made = client.post("/api/segments/combine/", {"segments": numbers, "operation": "union", "name": "u", "kind": "snapshot"})
    assert (made.status_code, made.json()["size"]) == (201, 10)
    assert client.post("/api/segments/combine/", {"segments": [1, 99999], "operation": "union", "name": "v"}).status_code == 400


@pytest.mark.parametrize("count", [4, 5])
def test_ellipses_have_a_field_for_every_combination(count: int) -> None:
    marks = {mark.inside: mark for mark in petals.marks(count)}
    assert set(marks) == {inside for size in range(1, count + 1) for inside in combinations(range(count), size)}
    for inside, mark in marks.items():
        assert inside == tuple(n for n, each in enumerate(petals.ellipses(count)) if each.gap(mark.x, mark.y) > 0)
        assert min(abs(each.gap(mark.x, mark.y)) for each in petals.ellipses(count)) > 5  # a number has room
        assert 0 < mark.x < petals.WIDTH
        assert 0 < mark.y < petals.HEIGHT


def test_the_distance_to_an_ellipse() -> None:
    turned = petals.Ellipse(0, 0, 4, 1, 90)
    assert [round(turned.gap(0, y), 6) for y in (3, 4, 6)] == [1, 0, -2]
    assert [round(turned.gap(x, 0), 6) for x in (0, 0.5, 1)] == [1, 0.5, 0]
    assert [round(each, 6) for each in turned.reach] == [1, 4]


def test_five_are_drawn(pool: Pool, login: Callable[[str], Client]) -> None:
    pks = [factories.member(pool, f"m{n}").pk for n in range(6)]
    many = [listed(pool, f"s{n}", {pks[n], pks[5]}) for n in range(5)]
    html = login("marketer").get(f"/p/demo/segments/compare/?{'&'.join(f's={segment.pk}' for segment in many)}").content.decode()
    assert html.count("<ellipse") == 5
    assert html.count("<text") == 6  # each alone, and the one who is in all five
