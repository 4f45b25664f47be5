from datetime import UTC, datetime

import pytest
from django.db import connection

from members import partitions
from members.models import Event
from members.services import bump, versions

pytestmark = pytest.mark.django_db


def test_a_domain_starts_at_one_and_counts_every_change(pool, other_pool):
    assert versions(pool.pk)["orders"] == 1
    bump(pool.pk, "orders", "members", "orders")
    bump(pool.pk, "orders")
    assert versions(pool.pk)["orders"] == 3
    assert versions(pool.pk)["members"] == 2
    assert versions(pool.pk)["tags"] == 1
    assert versions(other_pool.pk)["orders"] == 1


def _parts():
    with connection.cursor() as cursor:
        cursor.execute("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'members_event'::regclass ORDER BY 1")
        return [name for (name,) in cursor.fetchall()]


def test_months_ahead_get_partitions_and_waiting_rows_move_into_theirs(alice, as_of):
    when = datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC)
    Event.objects.create(member=alice, occurred_at=when, id=1, pool_id=alice.pool_id, kind="view")
    Event.objects.create(member=alice, occurred_at=datetime(1990, 1, 1, tzinfo=UTC), id=2, pool_id=alice.pool_id, kind="view")
    assert partitions.keep(as_of=as_of) == 5  # March, November … February
    assert "members_event_202603" in _parts()
    assert "members_event_202702" in _parts()
    with connection.cursor() as cursor:
        cursor.execute("SELECT tableoid::regclass::text FROM members_event ORDER BY id")
        assert [name for (name,) in cursor.fetchall()] == ["members_event_202603", "members_event_default"]
    assert partitions.keep(as_of=as_of) == 0
    assert Event.objects.count() == 2
