"""Stores: registered, found in orders, read from a file, closed; home stores; pages and API of stores and staff."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from members.models import CareTask, Handover, Identity, Member, OwnershipRule, Pool, StaffProfile, Store
from members.ownership import automatic
from members.ownership import services as ownership
from members.stores import queries, services
from members.stores.work import homes
from members.team import profiles, workload
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import clock, crypto
from scrm.lib.problems import Problem
from scrm.staff.models import User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def east(pool: Pool, as_of: datetime) -> Store:
    return services.save_store(pool=pool, store=None, facts={"code": "S1", "name": "东店"}, actor=None, as_of=as_of)


class TestStores:
    def test_codes_of_orders_become_stubs_once(self, pool: Pool, alice: Member, east: Store, as_of: datetime) -> None:
        for number, store in enumerate(("S1", "S2", "S2", "")):
            factories.order(alice, f"N{number}", as_of, 100, store=store)
        assert services.notice(pool=pool, as_of=as_of) == 1
        assert services.notice(pool=pool, as_of=as_of) == 0
        stub = Store.objects.get(code="S2")
        assert (stub.is_registered, stub.name) == (False, "S2")
        services.save_store(pool=pool, store=stub, facts={"name": "西店"}, actor=None, as_of=as_of)
        stub.refresh_from_db()
        assert (stub.is_registered, stub.name) == (True, "西店")

    def test_only_pools_with_new_orders_are_searched(self, pool: Pool, alice: Member, as_of: datetime) -> None:
        from members.versions import bump

        factories.order(alice, "N1", as_of, 100, store="S9")
        assert services.notice_all(as_of=as_of) == 0
        bump(pool.pk, "orders")
        assert services.notice_all(as_of=as_of) == 1
        factories.order(alice, "N2", as_of, 100, store="S10")
        assert services.notice_all(as_of=as_of) == 0

    def test_refused_with_a_reason(self, pool: Pool, alice: Member, east: Store, as_of: datetime) -> None:
        def save(store: Store | None, **facts: Any) -> str:
            with pytest.raises(Problem) as refused:
                services.save_store(pool=pool, store=store, facts=facts, actor=None, as_of=as_of)
            return refused.value.code

        assert save(None, code="S1", name="x") == "store.code_taken"
        assert save(None, code=" ", name="x") == "store.no_code"
        factories.order(alice, "N1", as_of, 100, store="S1")
        assert save(Store.objects.get(pk=east.pk), code="S9") == "store.code_fixed"
        opened, closed = date(2026, 3, 1), date(2026, 2, 1)
        assert save(Store.objects.get(pk=east.pk), opened_on=opened, closed_on=closed) == "store.closed_before_opened"

    def test_a_store_with_staff_is_not_closed(self, pool: Pool, east: Store, staff: dict[str, User]) -> None:
        StaffProfile.objects.create(pool=pool, user=staff["operator"], store=east)
        with pytest.raises(Problem) as refused:
            services.close_store(store=east, on=date(2026, 10, 1), actor=None)
        assert refused.value.code == "store.staff_left"
        StaffProfile.objects.update(store=None)
        assert not services.close_store(store=east, on=date(2026, 10, 1), actor=None).is_active

    def test_figures_by_hand(self, pool: Pool, alice: Member, bob: Member, east: Store, as_of: datetime) -> None:
        services.set_home(pool=pool, members=[alice.pk], store=east, actor=None, as_of=as_of)
        told: list[tuple[Member, int, int, dict[str, Any]]] = [
            (alice, 1, 1000, {}),
            (alice, 29, 500, {"refunded": 200}),
            (bob, 2, 700, {}),
            (bob, 31, 9000, {}),
            (bob, 3, 8000, {"status": 3}),
        ]
        for number, (who, back, amount, more) in enumerate(told):
            factories.order(who, f"N{number}", as_of - timedelta(days=back), amount, store="S1", **more)
        (row,) = queries.rows(pool, as_of)
        assert (row.members, row.staff, row.orders, row.buyers, row.sales) == (1, 0, 3, 2, 2000)

    def test_a_file_again_changes_nothing(self, pool: Pool, east: Store, staff: dict[str, User], as_of: datetime) -> None:
        rows = [
            {"code": "S1", "name": "东店二", "manager": staff["operator"].username},
            {"code": "S3", "name": "南店", "opened_on": "2025/03/01"},
        ]
        given: dict[str, Any] = {"pool": pool, "rows": rows, "actor": None, "as_of": as_of}
        assert services.import_stores(**given) == {"new": 1, "updated": 1, "unchanged": 0}
        assert services.import_stores(**given) == {"new": 0, "updated": 0, "unchanged": 2}
        assert Store.objects.get(code="S3").opened_on == date(2025, 3, 1)

    @pytest.mark.parametrize(
        ("row", "code"),
        [
            ({"code": "", "name": "x"}, "store.line_empty"),
            ({"code": "S1"}, "store.twice"),
            ({"code": "S2", "opened_on": "Monday"}, "store.bad_day"),
            ({"code": "S2", "manager": "nobody"}, "store.no_such_manager"),
        ],
    )
    def test_one_bad_line_and_nothing_is_written(self, pool: Pool, as_of: datetime, row: dict[str, str], code: str) -> None:
        with pytest.raises(Problem, match="3") as refused:
            services.import_stores(pool=pool, rows=[{"code": "S1", "name": "a"}, row], actor=None, as_of=as_of)
        assert refused.value.code == code
        assert not Store.objects.exists()

    def test_homes_are_where_they_bought_most(self, pool: Pool, alice: Member, bob: Member, east: Store) -> None:
        now = clock.now()
        west = services.save_store(pool=pool, store=None, facts={"code": "S2", "name": "西店"}, actor=None, as_of=now)
        for number, store in enumerate(("S1", "S2", "S2", "S7", "S7", "S7")):
            factories.order(alice, f"A{number}", now - timedelta(days=number + 1), 100, store=store)
        factories.order(bob, "B1", now - timedelta(days=400), 100, store="S2")
        job = services.start_homes(pool=pool, actor=None)
        assert running.run(job.pk, heart=False) == "done"
        assert JobRun.objects.get(pk=job.pk).result == {"settled": 1}
        alice.refresh_from_db()
        bob.refresh_from_db()
        assert (alice.store, bob.store) == (west, None)
        assert homes is not None


class TestProfiles:
    def test_a_guide_without_login_and_a_phone_found_by_its_hash(self, pool: Pool, east: Store) -> None:
        row = profiles.add_colleague(
            pool=pool, username="guide7", display_name="小周", facts={"store_id": east.pk}, phone="138 0000 0077", actor=None
        )
        assert not row.user.has_usable_password()
        assert bytes(row.phone_hash or b"") == crypto.fingerprint("phone:13800000077")
        assert row.phone_hint == "138****0077"
        profiles.save_profile(pool=pool, user=row.user, facts={"capacity": 5}, phone=None, actor=None)
        assert StaffProfile.objects.get().phone_hint == "138****0077"
        profiles.save_profile(pool=pool, user=row.user, facts={}, phone="", actor=None)
        assert StaffProfile.objects.get().phone_hash is None

    def test_who_leaves_is_named_with_their_members(self, pool: Pool, staff: dict[str, User], alice: Member) -> None:
        Member.objects.update(owner=staff["operator"])
        assert profiles.leave(pool=pool, user=staff["operator"], on=date(2026, 10, 1), actor=None) == 1
        assert [(str(each.user), n) for each, n in workload.left_behind(pool)] == [("operator", 1)]
        profiles.come_back(pool=pool, user=staff["operator"], actor=None)
        assert workload.left_behind(pool) == []

    def test_workload_by_hand(self, pool: Pool, staff: dict[str, User], alice: Member, bob: Member, as_of: datetime) -> None:
        from members.models import Consent, MemberState

        who = staff["operator"]
        Member.objects.filter(pk__in=[alice.pk, bob.pk]).update(owner=who)
        MemberState.objects.create(member=alice, pool=pool, stage=3)
        for carrier in ("email", "sms"):
            Consent.objects.create(member=alice, carrier=carrier, purpose="marketing", granted=True, at=as_of, source="t")
        Consent.objects.create(member=bob, carrier="sms", purpose="marketing", granted=False, at=as_of, source="t")
        factories.order(bob, "N1", as_of - timedelta(days=3), 900, refunded=100)
        factories.order(bob, "N2", as_of - timedelta(days=33), 900)
        for number, due in enumerate((-1, 1)):
            CareTask.objects.create(
                member=bob, id=number, pool=pool, text="x", assignee=who, due_on=as_of.date() + timedelta(days=due), at=as_of
            )
        row = next(row for row in workload.loads(pool, as_of) if row.who.pk == who.pk)
        assert (row.members, row.leads, row.sleeping, row.reachable) == (2, 1, 1, 1)
        assert (row.orders, row.sales, row.tasks, row.overdue, row.touches) == (1, 800, 2, 1, 0)
        assert row.mix == [("lead", 0.0, 50.0), ("sleeping", 50.0, 50.0)]


class TestAutomatic:
    def test_water_is_poured_into_unequal_glasses(self) -> None:
        assert automatic.level([0, 0, 0], 7) == [3, 2, 2]
        assert automatic.level([5, 0, 2], 4) == [0, 3, 1]
        assert automatic.level([5, 0, 2], 20) == [4, 9, 7]
        assert automatic.level([1], 3) == [3]

    def test_newcomers_go_to_who_has_fewest(self, pool: Pool, staff: dict[str, User], as_of: datetime) -> None:
        old = factories.member(pool, "old")
        one, two = staff["operator"], staff["marketer"]
        StaffProfile.objects.create(pool=pool, user=one)
        StaffProfile.objects.create(pool=pool, user=two, capacity=2)
        ownership.save_rule(pool=pool, mode="workload", actor=None)
        for n in range(3):
            factories.member(pool, f"M{n}", owner=one)
        new = [factories.member(pool, f"N{n}") for n in range(2)]
        assert automatic.distribute_all(as_of=as_of) == 2
        assert set(Member.objects.filter(pk__in=[each.pk for each in new]).values_list("owner_id", flat=True)) == {two.pk}
        factories.member(pool, "late")
        assert automatic.distribute(pool=pool, as_of=as_of) == 1  # the other one is full
        assert Member.objects.get(name="late").owner_id == one.pk
        old.refresh_from_db()
        assert old.owner_id is None

    def test_by_store(self, pool: Pool, east: Store, staff: dict[str, User], as_of: datetime) -> None:
        StaffProfile.objects.create(pool=pool, user=staff["operator"], store=east)
        StaffProfile.objects.create(pool=pool, user=staff["marketer"])
        OwnershipRule.objects.create(pool=pool, mode="store")
        people = [factories.member(pool, f"E{n}", store=east) for n in range(3)]
        automatic.distribute(pool=pool, as_of=as_of)
        assert set(Member.objects.filter(pk__in=[each.pk for each in people]).values_list("owner_id", flat=True)) == {
            staff["operator"].pk
        }

    def test_taken_away_by_hand_stays_away(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        StaffProfile.objects.create(pool=pool, user=staff["operator"])
        Member.objects.update(owner=staff["operator"])
        OwnershipRule.objects.create(pool=pool, mode="workload")
        ownership.assign(pool=pool, members=[alice.pk], to=None, reason="", actor=None, as_of=as_of)
        assert automatic.distribute(pool=pool, as_of=as_of) == 0


@pytest.mark.usefixtures("alice")
class TestPages:
    def test_stores(self, login: Callable[[str], Client], pool: Pool, east: Store, alice: Member) -> None:
        factories.order(alice, "N1", clock.now(), 1234500, store="S2")
        client = login("operator")
        client.post("/p/demo/stores/notice/")
        text = client.get("/p/demo/stores/").content.decode()
        assert "东店" in text
        assert "S2" in text
        assert "¥12,345" in text
        client.post(f"/p/demo/stores/{Store.objects.get(code='S2').pk}/register/")
        client.post("/p/demo/stores/new/", {"code": "S3", "name": "南店"})
        client.post(f"/p/demo/stores/{east.pk}/", {"code": "S1", "name": "东一店"})
        client.post(f"/p/demo/stores/{east.pk}/close/", {"on": "2026-10-01"})
        assert list(Store.objects.order_by("code").values_list("name", "is_active")) == [
            ("东一店", False),
            ("S2", True),
            ("南店", True),
        ]
        refused = client.post("/p/demo/stores/new/", {"code": "S3", "name": "x"})
        assert refused.status_code == 422
        assert "南店" in refused.content.decode()

    def test_a_file_of_stores(self, login: Callable[[str], Client], pool: Pool) -> None:
        text = "门店编码,门店名称,城市\nA1,一店,上海\nA2,二店,杭州\n".encode("gb18030")
        client = login("operator")
        assert client.post("/p/demo/stores/import/", {"file": SimpleUploadedFile("a.csv", text)}).status_code == 302
        assert list(Store.objects.order_by("code").values_list("name", "city")) == [("一店", "上海"), ("二店", "杭州")]
        bad = client.post("/p/demo/stores/import/", {"file": SimpleUploadedFile("a.csv", "名称,x\nb,1\n".encode())})
        assert "门店编码" in bad.content.decode()

    def test_staff(self, login: Callable[[str], Client], pool: Pool, staff: dict[str, User], alice: Member) -> None:
        Member.objects.update(owner=staff["operator"])
        client = login("admin")
        assert client.post("/p/demo/staff/new/", {"username": "g1", "display_name": "小周"}).status_code == 302
        client.post(f"/p/demo/staff/{staff['operator'].pk}/", {"job_title": "店员", "capacity": "3"})
        text = client.get("/p/demo/staff/").content.decode()
        assert "小周" in text
        assert "店员" in text
        went = client.post(f"/p/demo/staff/{staff['operator'].pk}/leave/", {"on": "2026-10-01"})
        assert went["Location"].endswith(f"from={staff['operator'].pk}&kind=left")
        assert "operator 已离职，名下还有 1 位会员" in client.get("/p/demo/staff/").content.decode()
        for sort in ("name", "-sales", "full", "-tasks", "nonsense"):
            assert client.get("/p/demo/staff/", {"sort": sort, "q": "op", "duty": "off"}).status_code == 200
        client.post("/p/demo/staff/rule/", {"mode": "workload"})
        assert OwnershipRule.objects.get().mode == "workload"

    def test_a_hand_over_from_page_to_undo(
        self, login: Callable[[str], Client], pool: Pool, staff: dict[str, User], alice: Member
    ) -> None:
        Member.objects.update(owner=staff["operator"])
        client, giver, taker = login("admin"), staff["operator"].pk, staff["marketer"].pk
        page = client.get("/p/demo/handovers/new/", {"from": giver}).content.decode()
        assert "marketer" in page
        given = {"from": giver, "kind": "on_duty", "to": [taker], "split": "even"}
        plan = client.post("/p/demo/handovers/preview/", given).content.decode()
        assert "+1" in plan.replace("<b>", "").replace("</b>", "")
        assert client.post("/p/demo/handovers/new/", given).status_code == 422  # no reason
        began = client.post("/p/demo/handovers/new/", {**given, "reason": "调店"})
        made = Handover.objects.get()
        assert began["Location"].endswith(f"/handovers/{made.pk}/")
        running.run(made.job_id or 0, heart=False)
        assert "调店" in client.get(f"/p/demo/handovers/{made.pk}/").content.decode()
        assert "调店" in client.get("/p/demo/handovers/").content.decode()
        assert "Alice" in client.get("/p/demo/members/", {"handover": made.pk}).content.decode()
        client.post(f"/p/demo/handovers/{made.pk}/undo/")
        made.refresh_from_db()
        running.run(made.undo_job_id or 0, heart=False)
        alice.refresh_from_db()
        assert alice.owner_id == giver

    def test_a_file_of_owners_and_home_stores(
        self, login: Callable[[str], Client], pool: Pool, staff: dict[str, User], alice: Member, bob: Member, east: Store
    ) -> None:
        Member.objects.filter(pk=bob.pk).update(owner=staff["admin"])
        text = (
            "手机号,归属员工,归属门店\n13800000001,Marketer,S1\n13800000002,-,\n13800000009,marketer,S1\n"
            "13800000001,nobody,\n13800000001,,S9\n,marketer,\n"
        )
        client = login("operator")
        for changed in (2, 0):
            client.post("/p/demo/owners/import/", {"file": SimpleUploadedFile("a.csv", text.encode())})
            job = JobRun.objects.latest("pk")
            assert running.run(job.pk, heart=False) == "done"
            job.refresh_from_db()
            assert (job.result["rows"], job.result["added"], job.result["refused"]) == (6, changed, 4)
        alice.refresh_from_db()
        bob.refresh_from_db()
        assert (alice.owner, alice.store, bob.owner) == (staff["marketer"], east, None)
        assert "nobody" in client.get("/p/demo/owners/import/").content.decode()
        assert alice.owner_changes.get().how == 2

    def test_one_members_owner_and_store(
        self, login: Callable[[str], Client], staff: dict[str, User], alice: Member, east: Store
    ) -> None:
        client = login("operator")
        given = {"owner": staff["marketer"].pk, "store": east.pk, "reason": "老客户"}
        client.post(f"/p/demo/owners/{alice.pk}/", given)
        alice.refresh_from_db()
        assert (alice.owner_id, alice.store_id) == (staff["marketer"].pk, east.pk)
        panel = client.get(f"/p/demo/members/{alice.pk}/panels/ownership/").content.decode()
        assert "老客户" in panel
        assert "Alice" in client.get("/p/demo/members/", {"store": east.pk}).content.decode()
        assert "老客户" in client.get(f"/p/demo/members/{alice.pk}/timeline/").content.decode()


class TestApi:
    def test_stores(self, api: Callable[..., APIClient], pool: Pool, staff: dict[str, User], alice: Member) -> None:
        program = api("operator")
        made = program.post("/api/stores/", {"code": "S1", "name": "东店", "manager": staff["operator"].username}, format="json")
        assert made.status_code == 201, made.json()
        pk = made.json()["id"]
        assert program.patch(f"/api/stores/{pk}/", {"city": "上海"}, format="json").json()["city"] == "上海"
        assert program.post("/api/stores/", {"code": "S1", "name": "x"}, format="json").json()["code"] == "store.code_taken"
        homes_ = program.post("/api/stores/homes/", {"members": [alice.pk], "store": "S1"}, format="json")
        assert homes_.json() == {"changed": 1}
        assert program.post(f"/api/stores/{pk}/close/", {"on": "2026-10-01"}, format="json").json()["is_active"] is False
        assert [row["code"] for row in program.get("/api/stores/").json()["results"]] == ["S1"]

    def test_staff_owners_and_handovers(
        self, api: Callable[..., APIClient], pool: Pool, staff: dict[str, User], alice: Member, bob: Member
    ) -> None:
        program, who = api("admin"), staff["operator"]
        made = program.post("/api/staff/", {"username": "g1", "display_name": "周", "phone": "13800000077"}, format="json")
        assert made.status_code == 201, made.json()
        guide = made.json()["id"]
        given = program.post("/api/owners/", {"members": [alice.pk, bob.pk], "to": guide, "reason": "x"}, format="json")
        assert given.json() == {"changed": 2, "handover": None, "job_id": None}
        assert program.get("/api/owners/", {"member": alice.pk}).json()["results"][0]["to_user"] == "g1"
        assert program.post(f"/api/staff/{guide}/leave/", {"on": "2026-10-01"}, format="json").json() == {"members": 2}
        body = {"from_user": guide, "to": [who.pk], "kind": "left", "reason": "离职"}
        began = program.post("/api/handovers/", body, format="json")
        assert began.status_code == 202, began.json()
        running.run(began.json()["job_id"], heart=False)
        found = program.get(f"/api/handovers/{began.json()['id']}/").json()
        assert found["shares"] == [{"to": who.username, "planned": 2, "moved": 2, "staying": 2, "ordered": 0}]
        assert program.post(f"/api/handovers/{found['id']}/undo/", format="json").status_code == 202
        row = next(row for row in program.get("/api/staff/").json()["results"] if row["id"] == who.pk)
        assert row["members"] == 2
        assert Identity.objects.count() == 4
