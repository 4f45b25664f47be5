"""Groups in the browser, over the API and from files."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from members.communities import queries, services, watch
from members.communities.people import Person
from members.communities.services import Happening
from members.models import (
    Community,
    CommunityAlert,
    CommunityDay,
    CommunityMember,
    Identity,
    Member,
    MemberTag,
    Pool,
    Tag,
    TagGroup,
)
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.staff.models import User
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def group(pool: Pool, alice: Member, bob: Member) -> Community:
    """Forty days old, two people, one message at the beginning: it is dying."""
    now = clock.now()
    facts = {"name": "福利一群", "external_id": "wr1", "created_at": now - timedelta(days=40), "layer": "福利群"}
    made = services.save_community(pool=pool, community=None, facts=facts, actor=None, as_of=now)
    told = [("join", alice, 39), ("join", bob, 30), ("message", alice, 38), ("leave", bob, 2)]
    happenings = [Happening(kind, now - timedelta(days=back), Person(member=who.pk), nick=who.name) for kind, who, back in told]
    services.record(community=made, happenings=happenings, actor=None, as_of=now)
    watch.measure(pool=pool, as_of=now)
    return made


class TestPages:
    def test_the_list_and_its_filters(self, login: Callable[[str], Client], group: Community) -> None:
        client = login("operator")
        assert "濒危" in client.get("/p/demo/communities/").content.decode()
        for query, found in (
            ("state=dying", True),
            ("state=well", False),
            ("layer=福利群", True),
            ("q=wr1", True),
            ("gone=1", False),
        ):
            page = client.get(f"/p/demo/communities/?{query}", headers={"HX-Request": "true"}).content.decode()
            assert ("福利一群" in page) is found, query
        for sort in ("name", "-members", "active", "rate", "-net", "life", "age", "nonsense"):
            assert client.get("/p/demo/communities/", {"sort": sort}).status_code == 200

    def test_one_group(self, login: Callable[[str], Client], group: Community, alice: Member) -> None:
        client = login("operator")
        page = client.get(f"/p/demo/communities/{group.pk}/").content.decode()
        assert "这个群快不行了" in page
        assert "Alice" in page
        assert "Bob" in client.get(f"/p/demo/communities/{group.pk}/", {"who": "left"}).content.decode()
        for chart in ("community_activity", "community_flow", "community_cohorts"):
            for form in ("json", "html", "csv"):
                assert client.get(f"/p/demo/charts/{chart}.{form}", {"community": group.pk}).status_code == 200
        assert "Alice" in client.get("/p/demo/members/", {"community": group.pk}).content.decode()
        assert "福利一群" in client.get(f"/p/demo/members/{alice.pk}/timeline/").content.decode()
        assert "福利一群" in client.get(f"/p/demo/members/{alice.pk}/panels/ownership/").content.decode()

    def test_made_changed_cared_for_and_dissolved(
        self, login: Callable[[str], Client], pool: Pool, group: Community, staff: dict[str, User]
    ) -> None:
        client = login("operator")
        new = {"name": "新群", "external_id": "wr2", "carrier": "wecom", "capacity": 200, "created_at": "2026-03-01T10:00"}
        assert client.post("/p/demo/communities/new/", new).status_code == 302
        refused = client.post("/p/demo/communities/new/", {**new, "external_id": "wr1"})
        assert refused.status_code == 422
        assert "福利一群" in refused.content.decode()
        client.post(f"/p/demo/communities/{group.pk}/edit/", {**new, "external_id": "wr1", "owner": staff["operator"].pk})
        group.refresh_from_db()
        assert (group.name, group.owner) == ("新群", staff["operator"])
        client.post(f"/p/demo/communities/{group.pk}/see/")
        assert CommunityAlert.objects.get().seen_by == staff["operator"]
        assert not queries.dying(pool.pk)
        client.post(f"/p/demo/communities/{group.pk}/dissolve/")
        group.refresh_from_db()
        assert group.dissolved_at
        client.post("/p/demo/communities/measure/")

    def test_everybody_in_it_is_tagged_or_given_to_somebody(
        self, login: Callable[[str], Client], pool: Pool, group: Community, staff: dict[str, User], alice: Member
    ) -> None:
        tag = Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="G"), name="T")
        client = login("operator")
        client.post(f"/p/demo/communities/{group.pk}/act/", {"action": "tag", "tag": tag.pk})
        assert list(MemberTag.objects.values_list("member_id", flat=True)) == [alice.pk]
        given = {"action": "assign", "to": staff["marketer"].pk, "reason": "群主接手"}
        client.post(f"/p/demo/communities/{group.pk}/act/", given)
        running.run(JobRun.objects.get(kind="members.handover").pk, heart=False)
        alice.refresh_from_db()
        assert alice.owner_id == staff["marketer"].pk
        assert login("marketer").post(f"/p/demo/communities/{group.pk}/act/", given).status_code == 403

    def test_thresholds(self, login: Callable[[str], Client], pool: Pool, group: Community) -> None:
        client = login("operator")
        page = client.get("/p/demo/communities/policy/").content.decode()
        assert 'value="20.0"' in page
        given = {
            "good_active_share": 20, "good_message_rate": 0.3, "least_active_share": 5, "least_message_rate": 0,
            "most_net_loss": 90, "least_life_days": 30, "least_score": 0, "warnings": 3, "least_age_days": 14, "layers": "A\nB\n",
        }  # fmt: skip
        assert client.post("/p/demo/communities/policy/", given).status_code == 302
        assert watch.policy_of(pool).least_active_share == 0.05
        assert watch.layers_of(pool) == ["A", "B"]
        assert CommunityAlert.objects.get().cleared_at  # recovered under the new thresholds
        assert client.post("/p/demo/communities/policy/", {**given, "least_active_share": 500}).status_code == 422

    def test_people_page_by_key(self, login: Callable[[str], Client], pool: Pool, group: Community, monkeypatch: Any) -> None:
        monkeypatch.setattr(queries, "PAGE", 3)
        now = clock.now()
        people = [factories.member(pool, f"P{n}") for n in range(7)]
        happenings = [
            Happening("join", now - timedelta(days=n // 2 + 1), Person(member=each.pk)) for n, each in enumerate(people)
        ]
        services.record(community=group, happenings=happenings, actor=None, as_of=now)
        seen: list[int] = []
        after = ""
        for _page in range(4):
            page = queries.people(group, left=False, after=after)
            seen += [row.member_id for row in page.rows]
            after = page.next
            if not after:
                break
        assert len(seen) == len(set(seen)) == 8


def send(client: Client, kind: str, text: str, **more: Any) -> JobRun:
    answer = client.post(
        "/p/demo/communities/import/", {"kind": kind, "file": SimpleUploadedFile("a.csv", text.encode()), **more}
    )
    assert answer.status_code == 302, answer.content.decode()
    job = JobRun.objects.latest("pk")
    running.run(job.pk, heart=False)
    job.refresh_from_db()
    assert job.status == "done", job.error
    return job


class TestFiles:
    def test_groups_people_messages_and_days(
        self, login: Callable[[str], Client], pool: Pool, staff: dict[str, User], alice: Member
    ) -> None:
        client, owner = login("operator"), staff["operator"].username
        text = f"群ID,群名称,群主,建群时间\nwr1,一群,{owner},2026-03-01 10:00\nwr2,二群,nobody,\nwr3,三群,,2026-03-01\n"
        job = send(client, "groups", text)
        assert (job.result["added"], job.result["refused"]) == (2, 1)
        assert "nobody" in job.result["shown"][0][1]
        roster = (
            "群ID,外部联系人ID,手机号,群昵称,入群时间,退群时间\nwr1,wm1,,小李,2026-03-02 10:00,\n"
            "wr1,,13800000001,A,2026-03-02,2026-03-09\nwr9,wm2,,x,,\nwr1,,,无名,,\n"
        )
        job = send(client, "members", roster)
        assert (job.result["added"], job.result["leads"], job.result["refused"]) == (3, 1, 2)
        assert send(client, "members", roster).result["added"] == 0
        lead = Identity.objects.get(value="wm1").member
        assert (lead.status, lead.name) == (Member.Status.LEAD, "小李")
        assert CommunityMember.objects.get(member=alice).left_at
        send(client, "messages", "群ID,外部联系人ID,时间,消息ID\nwr1,wm1,2026-03-05 10:00,m1\nwr1,wm1,2026-03-05 10:00,m2\n")
        assert CommunityDay.objects.get(day="2026-03-05").messages == 2
        job = send(client, "days", "群ID,日期,消息数,发言人数,入群数\nwr3,2026-03-05,40,9,2\nwr3,2026/03/06,x,9,\n")
        assert (job.result["added"], job.result["refused"]) == (1, 1)
        assert CommunityDay.objects.get(community__external_id="wr3").senders == 9
        assert "第 3 行" in client.get("/p/demo/communities/import/").content.decode()

    def test_a_complete_list_closes_the_absent(
        self, login: Callable[[str], Client], group: Community, alice: Member, pool: Pool
    ) -> None:
        job = send(login("operator"), "members", "群ID,外部联系人ID\nwr1,wm5\n", complete="on")
        assert job.result["left"] == 1
        assert CommunityMember.objects.get(member=alice).left_at
        listed = CommunityMember.objects.get(member__identities__value="wm5")
        assert (listed.left_at, listed.is_join_known) == (None, False)

    def test_a_file_goes_on_behind_the_last_batch(
        self, login: Callable[[str], Client], group: Community, monkeypatch: Any, as_of: datetime
    ) -> None:
        from members.communities import files, work

        monkeypatch.setattr(work, "BATCH", 2)
        rows = "".join(f"wr1,wm{n},2026-03-0{n + 1}\n" for n in range(7))
        client = login("operator")
        given = {"kind": "members", "file": SimpleUploadedFile("a.csv", f"群ID,外部联系人ID,入群时间\n{rows}".encode())}
        client.post("/p/demo/communities/import/", given)
        job, whole, calls = JobRun.objects.latest("pk"), files.take, []

        def dies(*args: Any) -> None:
            calls.append(args)
            if len(calls) == 3:
                raise KeyboardInterrupt
            whole(*args)

        monkeypatch.setattr(files, "take", dies)
        with pytest.raises(KeyboardInterrupt):
            running.run(job.pk, heart=False)
        JobRun.objects.filter(pk=job.pk).update(lease_until=as_of - timedelta(days=900))
        assert running.run(job.pk, heart=False) == "done"
        job.refresh_from_db()
        assert (job.result["rows"], job.result["added"], job.result["repeated"]) == (7, 7, 0)

    def test_a_file_without_its_columns_is_refused_at_once(self, login: Callable[[str], Client], pool: Pool) -> None:
        file = SimpleUploadedFile("a.csv", "名称,x\n1,2\n".encode())
        answer = login("operator").post("/p/demo/communities/import/", {"kind": "days", "file": file})
        assert answer.status_code == 422
        assert "发言人数" in answer.content.decode()
        assert not JobRun.objects.exists()


class TestApi:
    def test_groups_and_what_happens_in_them(
        self, api: Callable[..., APIClient], pool: Pool, staff: dict[str, User], alice: Member
    ) -> None:
        program = api("operator")
        body = {"name": "一群", "external_id": "wr1", "owner": staff["operator"].pk, "created_at": "2026-03-01T00:00:00Z"}
        made = program.post("/api/communities/", body, format="json")
        assert made.status_code == 201, made.json()
        url = f"/api/communities/{made.json()['id']}/"
        assert program.patch(url, {"layer": "VIP 群"}, format="json").json()["layer"] == "VIP 群"
        items = [
            {"kind": "join", "at": "2026-03-02T00:00:00Z", "identity": {"kind": "external_userid", "value": "wm1"}, "nick": "李"},
            {"kind": "join", "at": "2026-03-02T00:00:00Z", "member": alice.pk, "id": "e1"},
            {"kind": "message", "at": "2026-03-03T00:00:00Z", "member": alice.pk, "id": "e2"},
            {"kind": "message", "at": "2099-03-03T00:00:00Z", "member": alice.pk, "id": "e3"},
        ]
        first = program.post(f"{url}happenings/", {"items": items}, format="json")
        assert first.status_code == 201, first.json()
        assert {name: first.json()[name] for name in ("added", "repeated", "leads")} == {"added": 3, "repeated": 0, "leads": 1}
        assert first.json()["refused"][0]["code"] == "future"
        again = program.post(f"{url}happenings/", {"items": items}, format="json").json()
        assert (again["added"], again["repeated"], again["leads"]) == (0, 3, 0)
        many = program.post(f"{url}happenings/", {"items": items * 300}, format="json")
        assert many.json()["code"] == "community.too_many"
        days = {"days": [{"community": made.json()["id"], "day": "2026-03-08", "messages": 5, "senders": 2}]}
        assert program.post("/api/communities/days/", days, format="json").json()["added"] == 1
        assert program.post(f"{url}measure/").json()["members"] == 2
        assert len(program.get(f"{url}members/").json()["results"]) == 2
        assert program.get("/api/communities/", {"external_id": "wr1"}).json()["results"][0]["health"]["members"] == 2
        assert program.patch("/api/communities/policy/", {"least_score": 40}, format="json").json()["least_score"] == 40
        wrong = program.patch("/api/communities/policy/", {"least_score": 400}, format="json")
        assert wrong.json()["code"] == "community.bad_threshold"
        assert program.post(f"{url}dissolve/").json()["dissolved_at"]
        assert program.post(f"{url}dissolve/").json()["code"] == "community.dissolved"


def test_cohorts_by_hand(pool: Pool, group: Community) -> None:
    """Four joined in one week: two stayed beyond a week, one beyond four; five weeks later the eighth is unknown."""
    CommunityMember.objects.all().delete()
    begin = datetime(2026, 3, 3, 4, tzinfo=clock.now().tzinfo)
    for n, stay in enumerate((3, 10, 40, 5)):
        who = factories.member(pool, f"C{n}")
        CommunityMember.objects.create(member=who, community=group, n=1, joined_at=begin, left_at=begin + timedelta(days=stay))
    (row,) = queries.cohorts(group, begin + timedelta(days=36))
    assert (row["joined"], row["w1"], row["w2"], row["w4"], row["w8"]) == (4, 0.5, 0.25, 0.25, None)
