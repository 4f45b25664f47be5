"""Order and pages of the member list: every row once, both ways, however a page is found."""

from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pyroaring import BitMap

from members import listing, walking
from members.models import Member
from tests import factories
from tests.members.test_list import tag, with_state

__all__ = ["tag"]
pytestmark = pytest.mark.django_db


SORTS = ["joined", "-joined", "amount", "-amount", "orders", "-orders", "last_order", "-last_order"]


def walked(asked, limit=5):
    """All pages forwards, then back again."""
    pages, page = [], listing.page(asked, limit=limit)
    assert page.previous == ""
    while True:
        pages.append([row.pk for row in page.rows])
        if not page.next:
            break
        page = listing.page(asked, after=page.next, limit=limit)
    back = []
    while page.previous:
        page = listing.page(asked, before=page.previous, limit=limit)
        back.append([row.pk for row in page.rows])
    assert back == pages[-2::-1]
    return [pk for rows in pages for pk in rows]


def expected(pool, sort):
    """The order by plain Python: who has no value counts as the floor."""
    name = sort.removeprefix("-")

    def value(member):
        state = getattr(member, "state", None)
        if name == "joined":
            return member.joined_at
        found = getattr(state, {"amount": "amount_total", "orders": "order_count", "last_order": "last_order_at"}[name], None)
        return listing.SORTS[name].floor if found is None else found

    members = Member.objects.filter(pool=pool, merged_into=None).select_related("state")
    return [row.pk for row in sorted(members, key=lambda row: (value(row), row.pk), reverse=sort.startswith("-"))]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize("large", [10**9, 0])
def test_pages_follow_each_other_both_ways_without_gap_or_repeat(pool, as_of, sort, large, monkeypatch):
    """With a value, with a state that has none, without a state; some amounts below nothing; also through a large set."""
    monkeypatch.setattr(walking, "LARGE", large)
    members = [factories.member(pool, f"m{n}", joined_at=as_of - timedelta(days=n // 3)) for n in range(29)]
    for number, member in enumerate(members):
        if number % 4 == 0:
            continue
        bought = number % 4 != 1
        with_state(
            member,
            order_count=number // 6 if bought else 0,
            amount_total=(number // 5 - 2) * 100 if bought else 0,
            last_order_at=as_of - timedelta(days=number // 6) if bought else None,
        )
    assert walked(listing.Asked(pool, sort)) == expected(pool, sort)
    some = listing.Asked(pool, sort, sets=[BitMap(row.pk for row in members[::2])])
    assert walked(some, limit=4) == [pk for pk in expected(pool, sort) if pk in some.only]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(("reach", "believed"), [(10**6, 10**6), (4, 10**6), (10**6, 0)])
def test_every_way_to_a_page_finds_the_same(pool, as_of, sort, reach, believed, monkeypatch):
    """By walking, by walking too short a stretch, by the set: what the planner believes changes the time, never the rows."""
    monkeypatch.setattr(walking, "REACH", reach)
    monkeypatch.setattr(listing.Asked, "about", believed)
    members = [factories.member(pool, f"m{n}", joined_at=as_of - timedelta(days=n // 3), gender=n % 2) for n in range(25)]
    for number, member in enumerate(members[:18]):
        bought = as_of - timedelta(days=number // 4) if number % 3 else None
        with_state(member, order_count=number // 4, amount_total=number // 5 * 100, last_order_at=bought)
    men = {row.pk for row in members if row.gender}
    asked = listing.Asked(pool, sort, where=[Q(gender=1)])
    assert walked(asked, limit=4) == [pk for pk in expected(pool, sort) if pk in men]
    some = BitMap(row.pk for row in members[::2])
    asked = listing.Asked(pool, sort, where=[Q(gender=1)], sets=[some])
    assert walked(asked, limit=2) == [pk for pk in expected(pool, sort) if pk in men and pk in some]


@pytest.mark.parametrize("sort", SORTS)
@pytest.mark.parametrize(
    ("where", "fits"),
    [
        (Q(state__stage__in=[1]), lambda stage, _group: stage == 1),
        (Q(state__stage__in=[0]) | Q(state=None), lambda stage, _group: stage in (0, None)),
        (Q(state__rfm_group__in=[7]) | Q(state__rfm_group=None), lambda _stage, group: group in (7, None)),
        (~Q(state__rfm_group__in=[7]) & Q(state__stage__in=[1, 2]), lambda stage, group: stage in (1, 2) and group != 7),
    ],
)
def test_a_stage_or_a_group_is_looked_for_along_every_order(pool, as_of, sort, where, fits):
    """Whoever has no state counts when the condition says so, and stands where its floor is."""
    members = [factories.member(pool, f"m{n}", joined_at=as_of - timedelta(days=n // 3)) for n in range(24)]
    wanted = set()
    for number, member in enumerate(members):
        stage, group = (None, None) if number % 4 == 3 else (number % 3, 7 if number % 5 == 0 else None if number % 5 == 1 else 2)
        if stage is not None:
            at = as_of - timedelta(days=number // 4) if number % 2 else None
            with_state(
                member, stage=stage, rfm_group=group, order_count=number // 4, amount_total=number % 3 * 100, last_order_at=at
            )
        if fits(stage, group):
            wanted.add(member.pk)
    assert walked(listing.Asked(pool, sort, where=[where]), limit=3) == [pk for pk in expected(pool, sort) if pk in wanted]


def test_a_rare_stage_is_read_off_the_index_alone(pool, as_of):
    for number in range(300):
        with_state(factories.member(pool, f"m{number}"), amount_total=number, stage=0 if number < 3 else 1)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE members_member, members_memberstate")
    with CaptureQueriesContext(connection) as queries:
        listing.page(listing.Asked(pool, "-amount", where=[Q(state__stage__in=[0]) | Q(state=None)]))
    read = [query["sql"] for query in queries]
    assert not any("string_agg" in statement for statement in read)  # nobody was worked out beforehand
    assert not any(" OFFSET " in statement for statement in read)  # nor a stretch measured


@pytest.mark.parametrize("sort", SORTS)
def test_nobody_who_was_there_is_missed_while_others_come(pool, as_of, sort):
    there = [factories.member(pool, f"m{n}", joined_at=as_of - timedelta(days=n)) for n in range(12)]
    for number, member in enumerate(there[:8]):
        with_state(member, order_count=number % 3, amount_total=number % 3 * 100, last_order_at=as_of if number % 2 else None)
    asked, seen, page = listing.Asked(pool, sort), [], None
    while page is None or page.next:
        page = listing.page(asked, after=page.next if page else "", limit=3)
        seen += [row.pk for row in page.rows]
        for number in range(2):  # somebody joins between two pages, somewhere in the order
            late = factories.member(pool, "late", joined_at=as_of - timedelta(days=len(seen) * 7 % 12, hours=number))
            if number:
                with_state(late, order_count=1, amount_total=100)
        if len(seen) > 40:
            break
    assert len(seen) == len(set(seen))
    if len(seen) <= 40:
        assert {row.pk for row in there} <= set(seen)


def plan(asked):
    """The plan of the query a page is read with."""
    with CaptureQueriesContext(connection) as queries:
        listing.page(asked)
    read = next(query["sql"] for query in queries if "sort_key" in query["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {read}")
        return "\n".join(line for (line,) in cursor.fetchall())


@pytest.mark.parametrize(
    ("sort", "index"),
    [("-joined", "member_joined"), ("-last_order", "state_last_order"), ("-amount", "state_amount"), ("orders", "state_orders")],
)
def test_the_first_page_is_read_off_an_index(pool, as_of, sort, index):
    for number in range(300):
        with_state(factories.member(pool, f"m{number}"), amount_total=number, order_count=number, last_order_at=as_of)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE members_member, members_memberstate")
    found = plan(listing.Asked(pool, sort))
    assert index in found
    assert "->  Sort" not in found
