"""Rows of another pool, asked for by id inside one's own pool, are not there: on every page and endpoint of one row.

The administrator of `demo` asks for each with every method and gets 404; the administrator of `other` asks for the
same address in `other` and does not, so that a mistyped case cannot pass.
"""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from rest_framework.test import APIClient

from members import exporting, merging
from members.care import services as care
from members.importing import mappings
from members.importing import services as importing
from members.models import (
    AttributeField,
    BulkAct,
    Community,
    Consent,
    Erasure,
    ExportRequest,
    Guard,
    Handover,
    Member,
    Merge,
    Pool,
    PoolAccess,
    Rehearsal,
    Review,
    SavedView,
    Store,
    Tag,
    TagGroup,
    TagMerge,
)
from members.tracking import services as tracking
from scrm.jobs.models import JobRun
from scrm.lib import clock
from scrm.staff import tokens
from scrm.staff.models import User
from segmentation.models import TagRule
from tests import factories
from tests.architecture.addresses import API, NAMED, PAGES, Address
from tests.campaigns.conftest import EVERYBODY, segment_of

ID = r"^(pk|layer|number|.+_pk|.+_id)$"
# First match wins: beginning of the route → which object each of its ids is.
CASES: dict[str, dict[str, str]] = {
    "members/exports/{job_id}/": {"job_id": "export"},
    "exports/{pk}/": {"pk": "export"},
    "erasures/{pk}/": {"pk": "erasure"},
    "privacy/unlock/{pk}/": {"pk": "admin"},
    "privacy/erasures/{pk}/": {"pk": "erasure"},
    "privacy/exports/{pk}/": {"pk": "export"},
    "privacy/members/{pk}/": {"pk": "member"},
    "members/views/{pk}/": {"pk": "view"},
    "members/bulk/{pk}/": {"pk": "bulk"},
    "bulk-acts/{pk}/": {"pk": "bulk"},
    "member-views/{pk}/": {"pk": "view"},
    "members/{pk}/orders/{order_id}/": {"pk": "member", "order_id": "order"},
    "members/merges/apart/{pk}/": {"pk": "apart"},
    "members/merges/{pk}/": {"pk": "merge"},
    "merges/{pk}/": {"pk": "merge"},
    "not-same/{pk}/": {"pk": "apart"},
    "members/{pk}/notes/{number}/": {"pk": "member", "number": "note"},
    "notes/{pk}/": {"pk": "note"},
    "tasks/{number}/": {"number": "task"},
    "tasks/{pk}/": {"pk": "task"},
    "settings/sites/{pk}/": {"pk": "site"},
    "sites/{pk}/": {"pk": "site"},
    "reach/members/{pk}/": {"pk": "member"},
    "members/{pk}/": {"pk": "member"},
    "tags/groups/{group_pk}/{pk}/": {"group_pk": "group", "pk": "tag"},
    "tags/groups/{group_pk}/": {"group_pk": "group"},
    "tags/groups/{pk}/": {"pk": "group"},
    "tags/rules/{pk}/": {"pk": "tag_rule"},
    "tags/merges/{pk}/": {"pk": "tag_merge"},
    "tags/{pk}/": {"pk": "tag"},
    "tag-rules/{pk}/": {"pk": "tag_rule"},
    "tag-merges/{pk}/": {"pk": "tag_merge"},
    "tag-groups/{pk}/": {"pk": "group"},
    "imports/mappings/{pk}/": {"pk": "mapping"},
    "oneid/reviews/{pk}/": {"pk": "review"},
    "oneid/guard/{pk}/": {"pk": "guard"},
    "oneid/guards/{pk}/": {"pk": "guard"},
    "oneid/searches/{pk}/": {"pk": "search"},
    "imports/{pk}/": {"pk": "file"},
    "connectors/{pk}/": {"pk": "connector"},
    "contents/{pk}/": {"pk": "content"},
    "steps/{pk}/": {"pk": "step"},
    "reach/blocks/{member_id}/": {"member_id": "member"},
    "points/{member_id}/": {"member_id": "member"},
    "points/{pk}/": {"pk": "member"},
    "segments/{pk}/hooks/{hook_id}/": {"pk": "segment", "hook_id": "hook"},
    "segments/{pk}/": {"pk": "segment"},
    "segment-hooks/{pk}/": {"pk": "hook"},
    "segments/standings/{pk}/": {"pk": "scheme"},
    "schemes/{pk}/": {"pk": "scheme"},
    "campaigns/{pk}/layers/{layer}/": {"pk": "campaign", "layer": "layer"},
    "campaigns/{pk}/": {"pk": "campaign"},
    "jobs/{job_id}/": {"job_id": "job"},
    "jobs/{pk}/": {"pk": "job"},
    "settings/team/{access_id}/": {"access_id": "access"},
    "team/{pk}/": {"pk": "access"},
    "settings/tokens/{token_id}/": {"token_id": "token"},
    "settings/fields/{pk}/": {"pk": "field"},
    "attribute-fields/{pk}/": {"pk": "field"},
    "settings/pool/restore/{pk}/": {"pk": "archived"},
    "pools/{pk}/": {"pk": "pool"},
    "stores/{pk}/": {"pk": "store"},
    "communities/{pk}/": {"pk": "community"},
    "staff/{user_id}/": {"user_id": "admin"},
    "staff/{pk}/": {"pk": "admin"},
    "handovers/{pk}/": {"pk": "handover"},
    "owners/{pk}/": {"pk": "member"},
}
WORDS = {
    "tab/{key}/": {"key": "orders"},
    "panels/{key}/": {"key": "points"},
    "identities/remove/": {},
    "{hook_id}/{what}/": {"what": "switch"},
}
# What a write needs before it looks for its row; without it the answer would be 400 for anybody.
BODIES: dict[str, dict[str, Any]] = {
    "api/staff/{pk}/leave/": {"on": "2026-10-01"},
    "api/stores/{pk}/close/": {"on": "2026-10-01"},
    "api/communities/{pk}/happenings/": {"items": []},
    "api/imports/mappings/{pk}/": {"name": "会员导出 2"},
    "api/imports/{pk}/mapping/": {"mapping": {"name": "姓名"}},
    "api/imports/{pk}/steer/": {"what": "cancel"},
    "api/jobs/{pk}/steer/": {"what": "cancel"},
    "api/segments/{pk}/add/": {"members": ["1"]},
    "api/segments/{pk}/remove/": {"members": ["1"]},
    "api/segments/{pk}/freeze/": {"name": "x"},
    "api/segments/{pk}/roll-back/": {"version": 1},
    "api/team/{pk}/": {"role": "analyst"},
    "api/members/{pk}/identities/": {"kind": "card_no", "value": "C77"},
    "api/members/{pk}/consents/": {"carrier": "sms", "purpose": "marketing", "granted": True},
    "api/points/{pk}/adjust/": {"amount": 5, "reason": "x", "key": "k1"},
    "api/points/{pk}/spend/": {"amount": 1, "reason": "x", "key": "k2"},
}


def _case(address: Address) -> dict[str, str] | None:
    route = address.route.removeprefix("api/")
    return next((case for start, case in CASES.items() if route.startswith(start)), None)


def _ids(address: Address) -> set[str]:
    return {name for name in address.names if re.match(ID, name)}


DETAILS = [address for address in [*PAGES, *API] if _ids(address) and address.route not in NAMED]


@pytest.fixture
def theirs(other_pool: Pool, pool: Pool, settings: Any, tmp_path: Any) -> dict[str, Any]:
    """One row of each kind in the other pool."""
    import io

    from campaigns import services as campaigns
    from loyalty import services as loyalty
    from segmentation.segments.hooks import services as hooks
    from segmentation.standings import services as standings
    from touchpoints import services as reach
    from touchpoints.models import Block

    settings.MEDIA_ROOT = tmp_path
    now = clock.now()
    admin = factories.user("admin", other_pool, "admin")
    member: Member = factories.member(other_pool, "Carol", phone="13900000009", email="carol@example.com")
    order = factories.order(member, "N1", now, 100)
    factories.line(order, 1, factories.product(other_pool, "sku"), 100)
    Consent.objects.create(member=member, carrier="email", purpose="marketing", granted=True, at=now, source="test")
    Block.objects.create(member=member, carrier="email", reason="staff", at=now)
    loyalty.adjust(member=member, amount=50, reason="x", key="k0", actor=admin, at=now)
    group = TagGroup.objects.create(pool=other_pool, name="G")
    segment = segment_of(other_pool, EVERYBODY)
    connector = reach.save_connector(pool=other_pool, key="fake", name="Fake", config={"mode": "record"})
    campaign = campaigns.create(pool=other_pool, actor=admin, name="X", segment=segment)
    job = JobRun.objects.create(pool_id=other_pool.pk, kind="members.import")
    token, _secret = tokens.issue(user=admin, pool_id=other_pool.pk, role="admin", name="t", scopes=[])
    return {
        "admin": admin,
        "member": member,
        "order": order,
        "group": group,
        **_tags(other_pool, group, now),
        "bulk": BulkAct.objects.create(pool=other_pool, act="tag", params={}, at=now),
        "view": SavedView.objects.create(pool=other_pool, owner=admin, name="V", query="stage=1"),
        "mapping": mappings.keep(
            pool=other_pool, name="会员导出", kind="members", mapping={"id:phone": "手机号"}, columns=["手机号"], actor=None
        ),
        "file": importing.upload(
            pool=other_pool,
            kind="members",
            file=io.BytesIO("姓名,手机号\n甲,13800000001\n".encode()),
            file_name="a.csv",
            actor=admin,
        ),
        "connector": connector,
        "content": reach.save_content(
            pool=other_pool, carrier="email", name="C", subject="s", body="b", link="https://a.example/"
        ),
        "step": reach.open_step(pool=other_pool, source="test:1", connector=connector, due_at=now),
        "segment": segment,
        "scheme": standings.save(pool=other_pool, family="ladder", name="S", settings={}, actor=admin),
        "hook": hooks.create(segment=segment, url="https://a.example/", tells_entered=True, tells_left=True, actor=admin).hook,
        "campaign": campaign,
        "layer": campaign.layers.get(),
        "job": job,
        "export": _exported(other_pool, admin, now),
        "erasure": Erasure.objects.create(
            pool=other_pool, member_hash=b"x" * 16, cause="person", reason="asked", requested_at=now
        ),
        "merge": _merged(other_pool, now),
        "apart": merging.say_apart(
            pool=other_pool, one=member.pk, two=factories.member(other_pool, "Dave").pk, reason="", actor=admin, as_of=now
        ),
        "review": Review.objects.create(
            pool=other_pool,
            one_id=member.pk,
            two_id=factories.member(other_pool, "Eve").pk,
            reason="asked",
            status="ignored",
            at=now,
        ),
        "guard": Guard.objects.create(pool=other_pool, kind="phone", value_hash=b"x" * 16, reason="blocked", at=now),
        "search": Rehearsal.objects.create(pool=other_pool, signals=["name_tail"], at=now),
        "access": PoolAccess.objects.get(user=admin, pool=other_pool),
        "field": AttributeField.objects.create(pool=other_pool, key="band", label="Band", kind="text"),
        "archived": _archived(admin),
        "pool": other_pool,
        "store": Store.objects.create(pool=other_pool, code="S1", name="S", created_at=now),
        "community": Community.objects.create(pool=other_pool, external_id="wr", name="W", created_at=now),
        "handover": Handover.objects.create(pool=other_pool, kind="assign", reason="x", moved=1, created_at=now),
        "token": token,
        "note": care.write_note(member=member, text="x", actor=admin, as_of=now),
        "task": care.give_task(member=member, text="x", assignee=admin, due_on=now.date(), actor=admin, as_of=now),
        "site": tracking.save_site(
            pool=other_pool,
            site=None,
            name="S",
            origins=["https://a.example"],
            channel=None,
            consent="asked",
            is_active=True,
            actor=admin,
            as_of=now,
        ),
    }


def _archived(owner: User) -> Pool:
    made = factories.pool("archived", "Archived", is_archived=True)
    PoolAccess.objects.create(user=owner, pool=made, role="admin")
    return made


def _exported(pool: Pool, owner: User, now: Any) -> ExportRequest:
    made = ExportRequest.objects.create(
        pool=pool, requester=owner, purpose="other", status="done", created_at=now, expires_at=now + timedelta(days=1)
    )
    path = exporting.path_of(made)
    path.parent.mkdir(parents=True)
    path.write_text("x")
    return made


def _tags(pool: Pool, group: TagGroup, now: Any) -> dict[str, Any]:
    """A tag, one that a rule keeps, and one that became the first."""
    tag, ruled, old = (Tag.objects.create(pool=pool, group=group, name=name) for name in ("T", "R", "O"))
    return {
        "tag": tag,
        "tag_rule": TagRule.objects.create(pool=pool, tag=ruled, rule=EVERYBODY),
        "tag_merge": TagMerge.objects.create(pool=pool, source=old, target=tag, at=now, done_at=now),
    }


def _merged(pool: Pool, now: Any) -> Merge:
    pair = (factories.member(pool, "Eve").pk, factories.member(pool, "Eva").pk)
    merging.merge_pairs(pool_id=pool.pk, pairs=[pair], cause=merging.Cause(), actor=None, as_of=now)
    return Merge.objects.get(pool=pool)


def _path(address: Address, slug: str, theirs: dict[str, Any]) -> str:
    case = _case(address)
    assert case is not None
    ids = {name: _id(theirs[case[name]]) for name in case if name in address.names}
    words = next((words for end, words in WORDS.items() if address.route.endswith(end)), {})
    return address.path(slug, **ids, **words)


def _id(row: Any) -> int:
    return int(row.id if isinstance(row.pk, tuple) else row.pk)


def test_every_address_of_one_row_has_a_case() -> None:
    missing = [str(address) for address in DETAILS if _case(address) is None or not _ids(address) <= set(_case(address) or ())]
    assert not missing, "say in CASES which rows these addresses show: " + ", ".join(missing)
    assert len(DETAILS) > 100


@pytest.mark.django_db
@pytest.mark.parametrize("address", [each for each in DETAILS if each.viewset is None], ids=str)
def test_pages(address: Address, theirs: dict[str, Any], staff: dict[str, User]) -> None:
    ours, owner = Client(), Client()
    ours.force_login(staff["admin"])
    owner.force_login(theirs["admin"])
    answered = False
    for method in ("GET", "POST"):
        inside = ours.generic(method, _path(address, "demo", theirs), content_type="application/x-www-form-urlencoded")
        assert inside.status_code in (404, 405), f"{method}: {inside.status_code}"
        assert "Carol" not in inside.content.decode()
        with transaction.atomic():
            known = owner.generic(method, _path(address, "other", theirs), content_type="application/x-www-form-urlencoded")
            transaction.set_rollback(True)
        answered = answered or known.status_code not in (404, 405)
    assert answered or address.route in FILES, "its own administrator does not find it either: the case is wrong"


# Their rows are there; what they lead to is a file or form field this test does not make.
FILES = {"members/{pk}/tags/set/"}


@pytest.mark.django_db
@pytest.mark.parametrize("address", [each for each in DETAILS if each.viewset is not None], ids=str)
def test_endpoints(address: Address, theirs: dict[str, Any], staff: dict[str, User]) -> None:
    ours, owner = APIClient(), APIClient()
    ours.force_login(staff["admin"])
    owner.force_login(theirs["admin"])
    for method in address.acts:
        body = BODIES.get(address.route, {}) if method != "GET" else None
        inside = getattr(ours, method.lower())(_path(address, "demo", theirs), body)
        assert inside.status_code in (404, 405) or inside.status_code == _nobodys(ours, address, method, body) != 200, (
            f"{method}: {inside.status_code} {inside.content[:200]!r}"
        )
        if method == "GET":
            assert inside.status_code == 404
            known = getattr(owner, method.lower())(_path(address, "other", theirs), body)
            assert known.status_code == 200 or address.route.endswith(ASKING)


# They want to be asked something before there is an answer.
ASKING = ("/moves/", "/why/", "/diff/")


def _nobodys(client: Any, address: Address, method: str, body: Any) -> int:
    """The answer for an id that nobody has: the row was not even looked for."""
    return int(getattr(client, method.lower())(address.path(), body).status_code)


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
