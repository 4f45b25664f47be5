"""What the script sends: consent, repeats, wrong clocks, nonsense."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from members.models import Event, Identity, Member, Site, VisitorEvent
from members.tracking import budget, collecting, services, stitching
from members.tracking.collecting import Visit, collect
from scrm.lib.problems import Problem
from tests import factories
from tests.tracking.conftest import ORIGIN

pytestmark = pytest.mark.django_db
VISITOR = "visitor-0001"


def visit(
    at: datetime, *ids: str, visitor: str = VISITOR, consent: bool = True, sent_at: datetime | None = None, **more: Any
) -> Visit:
    events = [{"id": key, "kind": "view", "at": at, "properties": {"path": "/a"}, **more} for key in ids]
    return Visit(visitor=visitor, consent=consent, sent_at=sent_at or at, events=events)


def test_a_visitor_nobody_knows_waits_apart_from_members(site, as_of):
    assert collect(site=site, visit=visit(as_of, "event-001", "event-002"), as_of=as_of) == 2
    assert VisitorEvent.objects.count() == 2
    assert not Event.objects.exists()
    assert not Member.objects.exists()


def test_the_same_delivery_again_adds_nothing(site, alice, as_of):
    factories.identity(alice, "visitor_id", VISITOR)
    for expected in (1, 0):
        assert collect(site=site, visit=visit(as_of, "event-001"), as_of=as_of) == expected
    for _again in range(2):
        collect(site=site, visit=visit(as_of, "event-009", visitor="stranger-1"), as_of=as_of)
    assert (Event.objects.count(), VisitorEvent.objects.count()) == (1, 1)


def test_a_known_visitor_writes_the_members_events_and_has_the_state_computed_again(site, alice, as_of):
    from members.models import TouchedMember

    factories.identity(alice, "visitor_id", VISITOR)
    collect(site=site, visit=visit(as_of, "event-001", kind="search", properties={"words": "奶粉"}), as_of=as_of)
    event = Event.objects.get(member=alice)
    assert (event.kind, event.properties["words"], event.properties["site"]) == ("search", "奶粉", site.pk)
    assert TouchedMember.objects.filter(member=alice).exists()


def test_nothing_is_kept_without_consent(site, as_of):
    with pytest.raises(Problem, match="agreed"):
        collect(site=site, visit=visit(as_of, "event-001", consent=False), as_of=as_of)
    assert not VisitorEvent.objects.exists()
    Site.objects.update(consent="given")
    site.refresh_from_db()
    assert collect(site=site, visit=visit(as_of, "event-001", consent=False), as_of=as_of) == 1


def test_a_clock_that_is_a_day_ahead_is_set_right_and_a_repeat_stays_a_repeat(site, as_of):
    ahead = as_of + timedelta(days=1)
    collect(site=site, visit=visit(ahead, "event-001", sent_at=ahead), as_of=as_of)
    # sent again forty seconds later by the same wrong clock
    later = ahead + timedelta(seconds=40)
    assert collect(site=site, visit=visit(ahead, "event-001", sent_at=later), as_of=as_of + timedelta(seconds=40)) == 0
    assert VisitorEvent.objects.get().occurred_at == as_of


def test_events_older_than_a_week_or_in_the_future_are_left_out(site, as_of):
    old = visit(as_of - timedelta(days=8), "event-001", sent_at=as_of)
    early = visit(as_of + timedelta(hours=1), "event-002", sent_at=as_of)
    assert collect(site=site, visit=old, as_of=as_of) == 0
    assert collect(site=site, visit=early, as_of=as_of) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'{"visitor": "x"}',
        b'{"visitor": "visitor-0001", "consent": true, "sent_at": "2026-11-01T04:00:00Z", "events": []}',
        json.dumps({"visitor": VISITOR, "consent": True, "sent_at": "2026-11-01T04:00:00Z", "events": [
            {"id": "event-001", "kind": "DROP TABLE", "at": "2026-11-01T04:00:00Z"}]}).encode(),
        json.dumps({"visitor": VISITOR, "consent": True, "sent_at": "2026-11-01T04:00:00Z", "events": [
            {"id": "event-001", "kind": "view", "at": "2026-11-01T04:00:00Z", "properties": {"path": "x" * 501}}]}).encode(),
    ],
)  # fmt: skip
def test_malformed_deliveries_say_what_is_wrong(body):
    with pytest.raises(Problem) as caught:
        collecting.read(body)
    assert caught.value.code == "visit.malformed"
    assert str(caught.value.message)


def test_nul_in_a_page_title_does_not_break_the_delivery(site, as_of):
    assert collect(site=site, visit=visit(as_of, "event-001", properties={"title": "a\x00b"}), as_of=as_of) == 1
    assert VisitorEvent.objects.get().properties["title"] == "ab"


# -- Over HTTP -----------------------------------------------------------------------------------
def post(client: Client, site: Site, body: Any, what: str = "events") -> Any:
    return client.post(f"/c/{site.key}/{what}", json.dumps(body, default=str), content_type="text/plain;charset=UTF-8")


def body_now(**more: Any) -> dict[str, Any]:
    from scrm.lib import clock

    now = clock.now().isoformat()
    return {
        "visitor": VISITOR,
        "consent": True,
        "sent_at": now,
        "events": [{"id": "event-001", "kind": "view", "at": now}],
        **more,
    }


def test_a_page_of_the_site_may_send_and_read_the_answer(site, visitor_browser):
    answer = post(visitor_browser, site, body_now())
    assert (answer.status_code, answer.json()) == (202, {"added": 1})
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert not answer.cookies


def test_pages_of_others_stopped_sites_and_unknown_keys_are_refused(site, visitor_browser):
    elsewhere = Client(headers={"Origin": "https://evil.example", "User-Agent": "Mozilla/5.0"})
    assert post(elsewhere, site, body_now()).status_code == 403
    assert visitor_browser.post("/c/no-such-key/events", b"{}", content_type="text/plain").status_code == 404
    Site.objects.update(is_active=False)
    assert post(visitor_browser, site, body_now()).status_code == 404
    assert not VisitorEvent.objects.exists()


def test_machines_leave_no_trace(site):
    robot = Client(headers={"Origin": ORIGIN, "User-Agent": "Googlebot/2.1"})
    assert post(robot, site, body_now()).status_code == 204
    assert not VisitorEvent.objects.exists()


def test_too_much_at_once_or_too_often_is_refused(site, visitor_browser, monkeypatch):
    assert visitor_browser.post(f"/c/{site.key}/events", b" " * 70_000, content_type="text/plain").status_code == 413
    monkeypatch.setattr(budget, "A_MINUTE", 2)
    budget._left.clear()
    codes = [post(visitor_browser, site, body_now()).status_code for _try in range(3)]
    budget._left.clear()
    assert codes == [202, 202, 429]


def test_an_empty_bucket_fills_again():
    budget._left.clear()
    assert all(budget.spend("a", now=0.0) for _try in range(budget.A_MINUTE))
    assert not budget.spend("a", now=0.0)
    assert budget.spend("b", now=0.0)
    assert budget.spend("a", now=1.0)
    budget._left.clear()


def test_the_script_is_served_to_everybody_and_answered_briefly_when_known(client):
    answer = client.get("/c/track.js")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/javascript")
    assert client.get("/c/track.js", headers={"If-None-Match": answer["ETag"]}).status_code == 304


# -- Who the visitor is ---------------------------------------------------------------------------
def proof(site: Site, value: str = "138 0000 0001", kind: str = "phone", visitor: str = VISITOR, age: int = 0) -> dict[str, Any]:
    from scrm.lib import clock

    at = int(clock.now().timestamp()) - age
    signed = services.sign(services.secret_of(site), visitor=visitor, kind=kind, value=value, at=at)
    return {"visitor": visitor, "kind": kind, "value": value, "at": at, "signature": signed}


def test_signed_identity_brings_earlier_events_to_the_member(site, alice, visitor_browser):
    post(visitor_browser, site, body_now())
    assert post(visitor_browser, site, proof(site), "identify").status_code == 204
    assert Event.objects.get().member_id == alice.pk
    assert not VisitorEvent.objects.exists()
    assert Identity.objects.get(kind="visitor_id").member_id == alice.pk


@pytest.mark.parametrize(
    "wrong", [{"value": "13800000002"}, {"visitor": "visitor-0002"}, {"signature": "0" * 64}, {"kind": "email"}]
)
def test_a_proof_holds_for_its_words_only(site, alice, bob, visitor_browser, wrong):
    assert post(visitor_browser, site, {**proof(site), **wrong}, "identify").status_code == 403
    assert not Identity.objects.filter(kind="visitor_id").exists()


def test_an_old_proof_and_one_of_a_renewed_secret_are_refused(site, alice, visitor_browser, staff):
    assert post(visitor_browser, site, proof(site, age=3700), "identify").status_code == 403
    signed = proof(site)
    services.renew_secret(site=site, actor=staff["admin"])
    assert post(visitor_browser, site, signed, "identify").status_code == 403


def test_an_unknown_identity_makes_a_lead(site, visitor_browser):
    post(visitor_browser, site, body_now())
    post(visitor_browser, site, proof(site, "13911112222"), "identify")
    made = Member.objects.get()
    assert made.status == Member.Status.LEAD
    assert {row.kind for row in Identity.objects.filter(member=made)} == {"phone", "visitor_id"}
    assert Event.objects.get().member_id == made.pk


def test_a_browser_that_changes_hands_keeps_the_past_where_it_was(site, alice, bob, as_of):
    stitching.identify(pool=site.pool, visitor=VISITOR, kind="phone", value="13800000001", actor=None, as_of=as_of)
    collect(site=site, visit=visit(as_of, "event-001"), as_of=as_of)
    stitching.identify(pool=site.pool, visitor=VISITOR, kind="phone", value="13800000002", actor=None, as_of=as_of)
    collect(site=site, visit=visit(as_of, "event-002"), as_of=as_of)
    assert set(Event.objects.values_list("member_id", flat=True)) == {alice.pk, bob.pk}
    assert Member.objects.filter(merged_into=None).count() == 2


def test_a_weak_identity_proves_nothing(site, as_of):
    with pytest.raises(Problem, match="visitor_id"):
        stitching.identify(pool=site.pool, visitor=VISITOR, kind="visitor_id", value="other-0001", actor=None, as_of=as_of)


def test_identities_that_arrive_by_other_ways_are_stitched_by_the_beat_and_strangers_forgotten(site, alice, as_of):
    collect(site=site, visit=visit(as_of, "event-001"), as_of=as_of)
    collect(site=site, visit=visit(as_of, "event-002", visitor="stranger-1"), as_of=as_of)
    assert stitching.take_all_waiting() == 0
    factories.identity(alice, "visitor_id", VISITOR)
    assert (stitching.take_all_waiting(), stitching.take_all_waiting()) == (1, 0)
    assert stitching.forget_strangers(as_of=as_of + timedelta(days=89)) == 0
    assert stitching.forget_strangers(as_of=as_of + timedelta(days=91)) == 1


def test_an_event_that_is_there_already_is_not_doubled_by_stitching(site, alice, as_of):
    collect(site=site, visit=visit(as_of, "event-001"), as_of=as_of)
    factories.identity(alice, "visitor_id", VISITOR)
    collect(site=site, visit=visit(as_of, "event-001"), as_of=as_of)
    stitching.take_all_waiting()
    assert Event.objects.count() == 1
    assert not VisitorEvent.objects.exists()
