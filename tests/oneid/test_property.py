"""However rows are ordered, cut into files and calls: the same people, and the same values guarded."""

import itertools
from datetime import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from members import identities
from members.importing import pipeline, services
from members.models import Channel, Guard, Identity, Member, MemberState, Pool, Review
from tests.imports.test_property import Undo, partition
from tests.oneid.conftest import brought, ruled, stored, uploaded

HEAD = ["手机号", "邮箱", "会员卡号", "unionid"]
FIELDS = ("id:phone", "id:email", "id:card_no", "id:unionid")
VALUES = (
    ["", "13800000001", "13800000002", "13800000003"],
    ["", "a@b.cn", "c@d.cn", "e@f.cn"],
    ["", "C1", "C2", "C3", "C4"],
    ["", "u1", "u2"],
)
person = st.tuples(*(st.sampled_from(values) for values in VALUES)).filter(any)
people = st.lists(person, min_size=1, max_size=9)
cuts = st.lists(st.integers(0, 9), max_size=3)
SLOW = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


def arrive(pool: Pool, rows: list[Any], cutting: list[int], as_of: datetime) -> None:
    """Files and calls of the API by turns."""
    edges = [0, *sorted(min(cut, len(rows)) for cut in cutting), len(rows)]
    for turn, (a, b) in enumerate(itertools.pairwise(edges)):
        part = rows[a:b]
        if part and turn % 2:
            items = [{key: value for key, value in zip(FIELDS, row, strict=True) if value} for row in part]
            pos = Channel.objects.get(code="pos")
            services.import_items(
                pool=Pool.objects.get(pk=pool.pk), kind="members", items=items, actor=None, channel=pos, as_of=as_of
            )
        elif part:
            brought(pool, part, as_of, head=HEAD)


@pytest.mark.django_db
@settings(max_examples=20, **SLOW)
@given(rows=people, cutting=cuts, order=st.randoms(use_true_random=False))
def test_people_are_those_of_a_union_find(pool: Pool, as_of: datetime, rows: list[Any], cutting: list[int], order: Any) -> None:
    ruled(pool, phone={"limit": 0}, email={"limit": 0})
    order.shuffle(rows)
    try:
        with transaction.atomic():
            arrive(pool, rows, cutting, as_of)
            assert stored(pool) == partition(rows)
            raise Undo
    except Undo:
        pass


def shared(rows: list[Any], limit: int) -> set[str]:
    """The oracle: telephones and e-mails seen with more than `limit` values of another kind."""
    met: dict[tuple[str, int], set[str]] = {}
    for row in rows:
        for place, value in enumerate(row[:2]):
            for other, second in enumerate(row):
                if value and second and other != place:
                    met.setdefault((value, other), set()).add(second)
    return {value for (value, _other), others in met.items() if len(others) > limit}


@pytest.mark.django_db
@settings(max_examples=20, **SLOW)
@given(rows=people, cutting=cuts, order=st.randoms(use_true_random=False))
def test_what_is_guarded_depends_on_what_was_said_only(
    pool: Pool, as_of: datetime, rows: list[Any], cutting: list[int], order: Any
) -> None:
    ruled(pool, phone={"limit": 1}, email={"limit": 1})
    order.shuffle(rows)
    try:
        with transaction.atomic():
            arrive(pool, rows, cutting, as_of)
            expected = shared(rows, 1)
            assert {_text(guard) for guard in Guard.objects.all()} == expected
            found = stored(pool)
            assert not {value for group in found for value in group} & expected, "a guarded value leads to nobody"
            _late_joins_are_reviewed(pool, rows, expected)
            raise Undo
    except Undo:
        pass


def _text(row: Any) -> str:
    return identities.plain(Identity(kind=row.kind, value=row.value, sealed=row.sealed))


def _late_joins_are_reviewed(pool: Pool, rows: list[Any], guarded: set[str]) -> None:
    """Whoever is held together by a guarded value alone stands in the queue."""
    left = [tuple("" if cell in guarded else cell for cell in row) for row in rows]
    apart = partition([row for row in left if any(row)])
    reviewed = {number for row in Review.objects.all() for number in (row.one_id, row.two_id) if number}
    for member in Member.objects.filter(pool=pool, merged_into=None):
        group = {_text(each) for each in Identity.objects.filter(member=member)}
        if not any(group <= other for other in apart):
            assert reviewed & {member.pk, *Member.objects.filter(merged_into=member.pk).values_list("pk", flat=True)}


@pytest.mark.django_db
def test_more_rows_ask_no_more_of_the_database(pool: Pool, as_of: datetime) -> None:
    def rows(first: int, count: int) -> list[list[str]]:
        return [[f"139{number:08}", "", f"K{number}", ""] for number in range(first, first + count)]

    def asked(run: Any) -> int:
        with CaptureQueriesContext(
            connection,
        ) as found:
            pipeline.run(run, as_of=as_of)
        return len(found)

    brought(pool, rows(0, 40) + [["", "", "", f"u{number}"] for number in range(40)], as_of, head=HEAD)
    # A tenth is known by card, and another tenth ties two known members together.
    few = [*rows(4000, 32), *rows(0, 4), *([f"139{number:08}", "", "", f"u{number}"] for number in range(4))]
    many = [*rows(8000, 320), *rows(0, 40), *([f"139{number:08}", "", "", f"u{number}"] for number in range(4, 40))]
    first = asked(uploaded(pool, few, head=HEAD))
    second = asked(uploaded(pool, many, head=HEAD))
    assert second <= first + 3, "ten times the rows, the same statements"
    assert Member.objects.exclude(merged_into=None).count() == 40
    assert not MemberState.objects.exists()
