"""Rows of another pool named in a body, a form or a search instead of the address."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from members.models import Member, Pool, Tag, TagGroup


@pytest.mark.django_db
class TestIdsInsideForms:
    """Rows named in a body instead of the address."""

    @pytest.fixture
    def admin(self, login: Callable[[str], Client]) -> Client:
        return login("admin")

    @pytest.fixture
    def program(self, api: Callable[..., APIClient]) -> APIClient:
        return api("admin")

    def test_bulk_acts_leave_other_members_alone(self, admin: Client, theirs: dict[str, Any], pool: Pool) -> None:
        group = TagGroup.objects.create(pool=pool, name="Ours")
        tag = Tag.objects.create(pool=pool, group=group, name="Mine")
        admin.post("/p/demo/members/bulk/", {"action": "tag", "tag": tag.pk, "pick": [theirs["member"].pk]})
        admin.post("/p/demo/members/bulk/", {"action": "tag", "tag": theirs["tag"].pk, "pick": [theirs["member"].pk]})
        assert not theirs["member"].tags.exists()

    def test_a_member_of_another_pool_cannot_be_merged_in(
        self, admin: Client, program: APIClient, theirs: dict[str, Any], alice: Member
    ) -> None:
        loser = theirs["member"].pk
        assert admin.post(f"/p/demo/members/{alice.pk}/merge/", {"loser": loser, "typed": loser}).status_code == 404
        assert program.post(f"/api/members/{alice.pk}/merge/", {"loser": loser}).status_code in (400, 404, 422)
        assert Member.objects.get(pk=loser).merged_into is None

    def test_a_tag_of_another_pool_cannot_be_given(
        self, admin: Client, program: APIClient, theirs: dict[str, Any], alice: Member
    ) -> None:
        assert admin.post(f"/p/demo/members/{alice.pk}/tags/set/", {"tag": theirs["tag"].pk}).status_code == 404
        assert program.post(f"/api/members/{alice.pk}/tags/", {"tag": theirs["tag"].pk}).status_code == 404
        assert not alice.tags.exists()

    def test_a_campaign_takes_neither_segment_nor_connector_of_another_pool(
        self, admin: Client, program: APIClient, theirs: dict[str, Any], pool: Pool
    ) -> None:
        from campaigns.models import Campaign

        admin.post("/p/demo/campaigns/new/blank/", {"segment": theirs["segment"].pk})
        refused = program.post(
            "/api/campaigns/", {"name": "x", "segment": theirs["segment"].pk, "connector": theirs["connector"].pk}
        )
        assert refused.status_code in (400, 404, 422)
        for made in Campaign.objects.filter(pool=pool):
            assert made.segment is None or made.segment.pool_id == pool.pk
            steps = {"audience": {"segment": theirs["segment"].pk, "name": "x", "goal_days": 7}}
            steps["channel"] = {"connector": theirs["connector"].pk, "start": "now"}
            for step, given in steps.items():
                admin.post(f"/p/demo/campaigns/{made.pk}/edit/{step}/", given)
            made.refresh_from_db()
            assert made.connector is None
            assert made.segment is None or made.segment.pool_id == pool.pk

    def test_a_rule_about_another_pools_segment_or_tag_counts_nobody(
        self, program: APIClient, theirs: dict[str, Any], alice: Member
    ) -> None:
        for fact, value in (("segment", theirs["segment"].pk), ("tag", theirs["tag"].pk)):
            answer = program.post("/api/segments/count/", {"rule": {"fact": fact, "op": "in", "value": [value]}})
            assert answer.status_code in (400, 422) or answer.json()["size"] == 0, answer.json()

    def test_members_of_another_pool_do_not_enter_a_list(self, program: APIClient, theirs: dict[str, Any], alice: Member) -> None:
        given = {"name": "L", "kind": "list", "members": [str(alice.pk), str(theirs["member"].pk)]}
        answer = program.post("/api/segments/", given)
        assert answer.status_code == 201, answer.json()
        found = program.get(f"/api/segments/{answer.json()['id']}/members/").json()["ids"]
        assert found == [alice.pk]

    def test_nobody_finds_them_by_search(self, admin: Client, program: APIClient, theirs: dict[str, Any], alice: Member) -> None:
        link = f"/members/{theirs['member'].pk}/"
        for text in ("Carol", "13900000009", "carol@example.com", str(theirs["member"].pk)):
            for page in ("search/", ""):
                assert link not in admin.get(f"/p/demo/members/{page}", {"q": text}).content.decode()
            assert not program.get("/api/members/", {"q": text}).json()["results"]
