"""Two people click at once: of an exclusive group one tag stays."""

import threading

import pytest
from django.db import connection

from members import tagging
from members.models import MemberTag, Tag, TagChange, TagGroup
from tests import factories


@pytest.mark.django_db(transaction=True)
def test_rivals_given_at_the_same_moment_leave_one(pool, as_of):
    group = TagGroup.objects.create(pool=pool, name="等级", is_exclusive=True)
    tags = [Tag.objects.create(pool=pool, group=group, name=name) for name in ("金", "银", "铜")]
    members = [factories.member(pool, f"M{n}").pk for n in range(20)]
    gate, errors = threading.Barrier(len(tags)), []

    def click(tag):
        try:
            gate.wait(120)
            for member in members:
                tagging.add_tag(tag=tag, members=[member], actor=None, as_of=as_of)
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=click, args=[tag]) for tag in tags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(300)
    assert not errors
    carried = sorted(MemberTag.objects.values_list("member_id", flat=True))
    assert carried == sorted(members)  # everybody one, nobody two
    ons = TagChange.objects.filter(what=TagChange.What.ON).count()
    assert ons - TagChange.objects.filter(what=TagChange.What.OFF).count() == len(members)
