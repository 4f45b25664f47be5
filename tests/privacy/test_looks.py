"""Every look leaves an entry; who looks too much is stopped and shown."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from members import people
from members.models import AccessEntry, Identity, ImportReject, ImportRun, Member, Pool
from members.privacy import looks, queries
from scrm.lib.problems import Problem
from scrm.staff.models import User

pytestmark = pytest.mark.django_db
What = AccessEntry.What


def entries(**wanted: Any) -> list[AccessEntry]:
    return list(AccessEntry.objects.filter(**wanted).order_by("at", "id"))


def reveal(member: Member, actor: User, as_of: datetime) -> str:
    row = Identity.objects.get(member=member, kind="phone")
    return people.reveal(member=member, kind="phone", value_hash=bytes(row.value_hash), actor=actor, as_of=as_of)


class TestWhatIsWrittenDown:
    def test_opening_a_page(self, login: Callable[[str], Client], staff: dict[str, User], alice: Member) -> None:
        login("analyst").get(f"/p/demo/members/{alice.pk}/", headers={"User-Agent": "Firefox/140"})
        (row,) = entries()
        assert (row.what, row.member_id, row.actor, row.agent) == ("page", alice.pk, staff["analyst"], "Firefox/140")
        assert row.address == "127.0.0.1"

    def test_revealing_a_number(self, login: Callable[[str], Client], alice: Member) -> None:
        row = Identity.objects.get(member=alice, kind="phone")
        given = {"kind": "phone", "hash": bytes(row.value_hash).hex()}
        assert "13800000001" in login("operator").post(f"/p/demo/members/{alice.pk}/reveal/", given).content.decode()
        (look,) = entries(what="reveal")
        assert (look.member_id, look.detail) == (alice.pk, "phone")
        assert login("analyst").post(f"/p/demo/members/{alice.pk}/reveal/", given).status_code == 403
        assert len(entries(what="reveal")) == 1

    def test_programs_that_read_in_the_clear(self, api: Callable[..., APIClient], alice: Member, bob: Member) -> None:
        api("operator", scopes=["members.view"]).get("/api/members/")
        assert not entries()
        answer = api("operator").get("/api/members/")
        assert "13800000001" in answer.content.decode()
        assert {row.member_id for row in entries(what="api")} == {alice.pk, bob.pk}

    def test_refused_rows(self, login: Callable[[str], Client], api: Callable[..., APIClient], pool: Pool) -> None:
        run = ImportRun.objects.create(pool=pool, kind="members", file_name="a.csv", path="x", format="csv", columns=["手机号"])
        ImportReject.objects.create(run=run, line=2, code="bad_phone", row=["1380000"])
        b"".join(login("operator").get(f"/p/demo/imports/{run.pk}/rejects.csv").streaming_content)  # type: ignore[attr-defined]
        api("operator").get(f"/api/imports/{run.pk}/rejects/")
        assert [(row.what, row.count, row.detail) for row in entries()] == [("rejects", 1, f"import:{run.pk}")] * 2

    def test_a_proxys_word_counts_only_as_far_as_it_is_ours(
        self, login: Callable[[str], Client], alice: Member, settings: Any
    ) -> None:
        client, told = login("admin"), {"X-Forwarded-For": "6.6.6.6, 203.0.113.7"}
        client.get(f"/p/demo/members/{alice.pk}/", headers=told)
        settings.PROXIES = 1
        client.get(f"/p/demo/members/{alice.pk}/", headers=told)
        assert [row.address for row in entries()] == ["127.0.0.1", "203.0.113.7"]

    def test_merging_takes_the_record_along(self, alice: Member, bob: Member, staff: dict[str, User], as_of: datetime) -> None:
        from members.merging import Cause, merge_pairs

        reveal(bob, staff["operator"], as_of)
        merge_pairs(pool_id=alice.pool_id, pairs=[(alice.pk, bob.pk)], cause=Cause("manual"), actor=None, as_of=as_of)
        assert [row.member_id for row in entries(what="reveal")] == [alice.pk]


class TestTooMuch:
    def test_an_hour_has_a_limit(self, pool: Pool, alice: Member, staff: dict[str, User], as_of: datetime) -> None:
        pool.settings["reveals_per_hour"] = 3
        pool.save()
        alice = Member.objects.select_related("pool").get(pk=alice.pk)
        for minute in range(3):
            reveal(alice, staff["operator"], as_of + timedelta(minutes=minute))
        with pytest.raises(Problem) as refusal:
            reveal(alice, staff["operator"], as_of + timedelta(minutes=30))
        assert refusal.value.code == "reveal.too_many"
        reveal(alice, staff["admin"], as_of + timedelta(minutes=30))  # each has their own
        reveal(alice, staff["operator"], as_of + timedelta(minutes=61))

    def test_who_looks_more_than_others_stands_out(
        self, pool: Pool, alice: Member, staff: dict[str, User], as_of: datetime
    ) -> None:
        for second in range(35):
            reveal(alice, staff["operator"], as_of + timedelta(seconds=second))
        reveal(alice, staff["admin"], as_of)
        asked = queries.ask({"since": "2026-11-01", "until": "2026-11-01"}, pool, as_of)
        first, second_ = queries.lookers(pool, asked)
        assert (first.user, first.plain, first.peak, first.is_unusual) == (staff["operator"], 35, 35, True)
        assert (second_.user, second_.plain, second_.is_unusual) == (staff["admin"], 1, False)


class TestPages:
    def fill(self, alice: Member, staff: dict[str, User], count: int, at: datetime) -> None:
        for n in range(count):
            looks.note(
                pool_id=alice.pool_id, actor=staff["operator"], what="page", members=[alice.pk], as_of=at - timedelta(minutes=n)
            )

    def test_the_list_is_paged_by_key(self, alice: Member, staff: dict[str, User], as_of: datetime, pool: Pool) -> None:
        self.fill(alice, staff, 120, as_of)
        found, cursor, seen = queries.entries(pool, queries.ask({"days": "2"}, pool, as_of)), "", []
        while True:
            rows, cursor = queries.page(found, cursor)
            seen += [row.id for row in rows]
            if not cursor:
                break
        assert len(seen) == len(set(seen)) == 120

    def test_who_may_see_who_looked(self, login: Callable[[str], Client], alice: Member, staff: dict[str, User]) -> None:
        from scrm.lib import clock

        self.fill(alice, staff, 3, clock.now())
        place = f"/p/demo/privacy/access/?member={alice.pk}"
        page = login("admin").get(place).content.decode()
        assert page.count("Alice") >= 3
        text = b"".join(login("admin").get(place + "&form=csv").streaming_content).decode()  # type: ignore[attr-defined]
        assert len(text.splitlines()) == 4
        assert login("operator").get(place).status_code == 403
        assert "operator" in login("admin").get(f"/p/demo/members/{alice.pk}/panels/looks/").content.decode()
        assert login("operator").get(f"/p/demo/members/{alice.pk}/panels/looks/").status_code == 403

    def test_over_the_api(self, api: Callable[..., APIClient], alice: Member, bob: Member, staff: dict[str, User]) -> None:
        from scrm.lib import clock

        self.fill(alice, staff, 2, clock.now())
        looks.note(pool_id=alice.pool_id, actor=staff["admin"], what="list", count=5, as_of=clock.now())
        rows = api("admin").get("/api/access/").data["results"]
        assert [(row["what"], row["member"], row["count"]) for row in rows] == [
            ("list", None, 5),
            ("page", alice.pk, 1),
            ("page", alice.pk, 1),
        ]
        assert len(api("admin").get(f"/api/access/?member={alice.pk}").data["results"]) == 2
        assert len(api("admin").get("/api/access/?what=list").data["results"]) == 1
        assert api("operator").get("/api/access/").status_code == 403

    def test_another_pools_record_is_not_ours(
        self, other_pool: Pool, pool: Pool, staff: dict[str, User], as_of: datetime
    ) -> None:
        looks.note(pool_id=other_pool.pk, actor=staff["admin"], what="page", members=[1], as_of=as_of)
        assert not queries.entries(pool, queries.ask({}, pool, as_of)).exists()
