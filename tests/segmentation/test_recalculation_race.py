"""A tick in the middle of somebody's writing: no fact is forgotten."""

import threading

import pytest
from django.db import connection, transaction

from members.models import MemberState, TouchedMember
from members.touching import touch
from segmentation.recalculation import services
from tests import factories
from tests.factories import days_before


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("run", [services.tick, services.recalculate], ids=["tick", "full"])
def test_an_order_written_during_a_run_is_counted_by_the_next(pool, alice, as_of, run):
    """The member waits already, so the writer adds nobody to the list: it must hold the one that is there."""
    factories.order(alice, "A1", days_before(as_of, 3), 100)
    services.recalculate(pool=pool, as_of=as_of)
    factories.order(alice, "A2", days_before(as_of, 2), 100)
    touch(pool.pk, [alice.pk])
    written, go_on = threading.Event(), threading.Event()

    def write():
        try:
            with transaction.atomic():
                factories.order(alice, "A3", days_before(as_of, 1), 100)
                touch(pool.pk, [alice.pk])
                written.set()
                go_on.wait(120)
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    writer.start()
    assert written.wait(120)
    try:
        run(pool=pool, as_of=as_of)
    finally:
        go_on.set()
        writer.join(120)
    assert TouchedMember.objects.filter(member=alice).exists()
    services.tick(pool=pool, as_of=as_of)
    assert MemberState.objects.get(member=alice).order_count == 3
    assert not TouchedMember.objects.exists()
