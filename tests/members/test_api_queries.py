"""Lists for programs ask as often for eight rows as for two: one query more per row is a second per page at a thousand rows."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from members.care import services as care
from members.communities.services import save_community
from members.models import BulkAct, ExportRequest, Identity, MemberState, MemberTag, SavedMapping, Store, Tag, TagGroup
from members.stores.services import save_store
from tests import factories

pytestmark = pytest.mark.django_db


class Makes:
    """One more row for the list of an address."""

    def __init__(self, pool, staff, as_of):
        self.pool, self.actor, self.as_of, self.number = pool, staff["operator"], as_of, 0

    def __call__(self, kind):
        self.number += 1
        getattr(self, kind)(self.number)

    def members(self, n):
        member = factories.member(self.pool, f"m{n}", phone=f"1380000{n:04d}", email=f"m{n}@example.com")
        MemberState.objects.create(member=member, pool=self.pool, order_count=n)
        group = TagGroup.objects.create(pool=self.pool, name=f"g{n}")
        tag = Tag.objects.create(pool=self.pool, group=group, name="t")
        MemberTag.objects.create(member=member, tag=tag, at=self.as_of)
        assert Identity.objects.filter(member=member).count() == 2

    def notes(self, n):
        care.write_note(member=factories.member(self.pool, f"m{n}"), text="x", actor=self.actor, as_of=self.as_of)

    def tasks(self, n):
        due = self.as_of.date() + timedelta(days=n)
        member = factories.member(self.pool, f"m{n}")
        care.give_task(member=member, text="x", assignee=self.actor, due_on=due, actor=self.actor, as_of=self.as_of)

    def stores(self, n):
        facts = {"code": f"S{n}", "name": f"门店{n}", "manager_id": self.actor.pk}
        save_store(pool=self.pool, store=None, facts=facts, actor=self.actor, as_of=self.as_of)

    def communities(self, n):
        store = Store.objects.create(pool=self.pool, code=f"C{n}", name=f"店{n}", created_at=self.as_of)
        facts = {"name": f"群{n}", "owner_id": self.actor.pk, "store_id": store.pk, "external_id": f"x{n}"}
        save_community(pool=self.pool, community=None, facts=facts, actor=self.actor, as_of=self.as_of)

    def bulk_acts(self, n):
        BulkAct.objects.create(pool=self.pool, act="home", params={"store": None}, by=self.actor, at=self.as_of, total=n)

    def exports(self, n):
        ExportRequest.objects.create(
            pool=self.pool,
            requester=self.actor,
            approver=self.actor,
            purpose="analysis",
            reason=f"reason {n}",
            chosen={},
            count=n,
            columns=["id"],
            created_at=self.as_of,
            expires_at=self.as_of + timedelta(days=1),
        )

    def imports_mappings(self, n):
        channel = factories.Channel.objects.get(code="pos")
        SavedMapping.objects.create(
            pool=self.pool, name=f"m{n}", kind="orders", channel=channel, created_at=self.as_of, updated_at=self.as_of
        )


@pytest.mark.parametrize(
    "kind", ["members", "notes", "tasks", "stores", "communities", "bulk_acts", "exports", "imports_mappings"]
)
def test_as_many_queries_for_eight_rows_as_for_two(pool, staff, api, as_of, kind):
    make, client = Makes(pool, staff, as_of), api("operator")
    address = f"/api/{kind.replace('imports_', 'imports/').replace('_', '-')}/"

    def asked():
        client.get(address)  # whatever is kept is kept now
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(address)
        assert answer.status_code == 200, answer.content
        return len(answer.data["results"]), [query["sql"] for query in queries]

    for _ in range(2):
        make(kind)
    few, before = asked()
    for _ in range(6):
        make(kind)
    many, after = asked()
    assert (few, many) == (2, 8)
    assert len(after) == len(before), "\n".join(after)
