"""Webhooks: what is owed is written with the change, told once per change however often it is tried, in order."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pyroaring import BitMap
from rest_framework.test import APIClient

from members.models import Pool
from members.privacy import sealing
from members.privacy.deciding import Person
from scrm.lib import clock
from scrm.lib.problems import Problem
from segmentation import tasks
from segmentation.models import Segment, SegmentHook, SegmentNotice
from segmentation.segments import computing, membership
from segmentation.segments.hooks import forgetting, owing, posting, sending, services
from tests.segments.conftest import AS_OF, move
from touchpoints import signatures

pytestmark = pytest.mark.django_db
Make = Callable[..., Segment]
MINUTE = timedelta(minutes=1)


class Receiver:
    """A real server: keeps what it was sent; answers what it is told to, then 200."""

    def __init__(self) -> None:
        self.had: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[int] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.had.append(({name.lower(): value for name, value in self.headers.items()}, body))
                self.send_response(outer.answers.pop(0) if outer.answers else 200)
                self.end_headers()

            def log_message(self, *_args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/in"

    @property
    def told(self) -> list[tuple[str, list[int]]]:
        found = [json.loads(body) for _head, body in self.had]
        return [(each["type"], each["data"]["members"]) for each in found]

    def unlike(self) -> list[tuple[str, list[int]]]:
        """What is left once repeats of a key are dropped, as the standard asks of receivers."""
        seen: dict[str, Any] = {}
        for head, body in self.had:
            seen.setdefault(head["webhook-id"], json.loads(body))
        return [(each["type"], each["data"]["members"]) for each in seen.values()]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture(autouse=True)
def _may_call_this_machine(settings: Any) -> None:
    settings.ALLOW_PRIVATE_TARGETS = True


@pytest.fixture
def segment(make: Make) -> Segment:
    return make()


@pytest.fixture
def hook(segment: Segment, receiver: Receiver) -> services.Made:
    return services.create(segment=segment, url=receiver.url, tells_entered=True, tells_left=True, actor=None)


def set_to(segment: Segment, members: set[int], at: Any) -> None:
    with transaction.atomic():
        membership.keep(membership.locked(segment), BitMap(members), at)


# -- What is owed ----------------------------------------------------------------------------------
def test_a_change_is_told_signed_and_once(segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int]) -> None:
    move(segment.pool, Ben="上海", Ann="北京")
    computing.refresh(segment=segment, as_of=AS_OF + MINUTE)
    computing.refresh(segment=segment, as_of=AS_OF + 2 * MINUTE)  # nobody moved
    assert sending.pump(clock.now()) == 2
    assert sending.pump(clock.now()) == 0
    assert receiver.told == [("segment.left", [ids["Ann"]]), ("segment.entered", [ids["Ben"]])]
    head, body = receiver.had[1]
    assert signatures.is_genuine(hook.secret, head, body, clock.now())
    assert head["webhook-id"] == head["idempotency-key"] == SegmentNotice.objects.latest("pk").key
    data = json.loads(body)["data"]
    assert (data["segment"], data["revision"], data["part"], data["parts"]) == (segment.pk, 2, 1, 1)


def test_many_are_told_in_batches(segment: Segment, hook: services.Made, receiver: Receiver) -> None:
    everybody = set(range(10**6, 10**6 + 2500))
    set_to(segment, everybody, AS_OF + MINUTE)
    sending.pump(clock.now())
    entered = [members for way, members in receiver.told if way == "segment.entered"]
    assert [len(members) for members in entered] == [1000, 1000, 500]
    assert sorted(number for members in entered for number in members) == sorted(everybody)


@pytest.mark.parametrize("url", ["https://x.com/通知", "https://a..b/", "https://x.com/?q=通"])
def test_an_address_no_request_can_be_written_to_is_refused(segment: Segment, url: str) -> None:
    with pytest.raises(Problem) as refused:
        services.create(segment=segment, url=url, tells_entered=True, tells_left=True, actor=None)
    assert "百分号" in refused.value.fields["url"][0]


def test_one_hook_in_trouble_does_not_stop_the_others(
    segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = services.create(segment=segment, url=f"{receiver.url}/2", tells_entered=True, tells_left=False, actor=None).hook
    SegmentHook.objects.filter(pk=hook.hook.pk).update(url="http://127.0.0.1/通知")  # kept before such were refused
    monkeypatch.setattr(posting.targets, "shape", lambda url: ("127.0.0.1", receiver.server.server_port, url[16:], False))
    assert not services.try_out(hook=SegmentHook.objects.get(pk=hook.hook.pk), as_of=AS_OF).is_taken
    set_to(segment, {ids["Ben"]}, AS_OF + MINUTE)
    assert sending.pump(clock.now()) == 1
    tried = SegmentNotice.objects.filter(hook=hook.hook).order_by("pk")[0]
    assert (tried.attempts, tried.code) == (1, None)
    set_to(segment, {ids["Cai"]}, AS_OF + 2 * MINUTE)
    SegmentNotice.objects.update(next_at=AS_OF)
    told = posting.body_of
    monkeypatch.setattr(posting, "body_of", lambda notice: 1 // (notice.hook_id == other.pk) and told(notice))
    assert sending.pump(clock.now()) == 1
    assert SegmentHook.objects.get(pk=hook.hook.pk).problem.startswith("ZeroDivisionError")


def test_only_what_was_asked_for_is_told(segment: Segment, receiver: Receiver, ids: dict[str, int]) -> None:
    services.create(segment=segment, url=receiver.url, tells_entered=False, tells_left=True, actor=None)
    set_to(segment, {ids["Ben"]}, AS_OF + MINUTE)
    sending.pump(clock.now())
    assert {way for way, _members in receiver.told} == {"segment.left"}


def test_what_is_owed_is_undone_with_the_change(segment: Segment, hook: services.Made) -> None:
    """A worker that dies in the middle leaves neither the snapshot nor the notice."""

    def half() -> None:
        with transaction.atomic():
            membership.keep(membership.locked(segment), BitMap([1]), AS_OF + MINUTE)
            assert SegmentNotice.objects.exists()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half()
    assert not SegmentNotice.objects.exists()
    segment.refresh_from_db()
    assert segment.revision == 1


def test_the_same_change_cannot_be_owed_twice(segment: Segment, hook: services.Made) -> None:
    told = {"segment": segment, "revision": 9, "entered": BitMap([1]), "left": BitMap(), "as_of": AS_OF}
    owing.owe(**told)
    with pytest.raises(Exception, match="one_notice_per_change"), transaction.atomic():
        owing.owe(**told)


# -- Until it is taken -----------------------------------------------------------------------------
def test_tried_again_under_the_same_key_and_nothing_overtakes(
    segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int]
) -> None:
    receiver.answers = [500]
    set_to(segment, {ids["Ann"], ids["Ben"], ids["Cai"]}, AS_OF + MINUTE)
    set_to(segment, {ids["Ann"], ids["Cai"]}, AS_OF + 2 * MINUTE)
    assert sending.pump(clock.now()) == 0
    first = SegmentNotice.objects.order_by("pk").first()
    assert first is not None
    assert (first.status, first.attempts, first.code) == ("waiting", 1, 500)
    assert sending.pump(clock.now()) == 0  # not yet
    assert len(receiver.had) == 1
    SegmentNotice.objects.update(next_at=AS_OF)
    assert sending.pump(clock.now()) == 2
    assert receiver.unlike() == [("segment.entered", [ids["Ben"]]), ("segment.left", [ids["Ben"]])]
    assert receiver.had[0][0]["webhook-id"] == receiver.had[1][0]["webhook-id"]


def test_a_worker_that_dies_after_sending_leaves_a_repeat_with_the_same_key(
    segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_to(segment, {ids["Ann"], ids["Ben"], ids["Cai"]}, AS_OF + MINUTE)

    def dies(*_args: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(sending, "_note", dies)
        with pytest.raises(KeyboardInterrupt):
            sending.pump(clock.now())
    assert sending.pump(clock.now()) == 0  # its lease stands
    SegmentHook.objects.update(lease_until=clock.now() - MINUTE)
    assert sending.pump(clock.now()) == 1
    assert len(receiver.had) == 2
    assert receiver.unlike() == [("segment.entered", [ids["Ben"]])]


def test_a_frozen_worker_writes_nothing_once_its_lease_is_somebody_elses(
    segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int]
) -> None:
    set_to(segment, {ids["Ann"], ids["Ben"], ids["Cai"]}, AS_OF + MINUTE)
    frozen = sending._claim(hook.hook.pk)
    assert frozen is not None
    notice = sending._next(hook.hook.pk, frozen, clock.now())
    assert notice is not None
    SegmentHook.objects.update(lease_until=clock.now() - MINUTE)
    assert sending.pump(clock.now()) == 1
    assert not sending._note(notice, frozen, posting.Answer(None, "woke up"), clock.now())
    assert sending._next(hook.hook.pk, frozen, clock.now()) is None
    assert SegmentNotice.objects.get().status == "sent"


@hypothesis_settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_happens_each_change_is_told_exactly_once(make: Make, people: Pool, data: st.DataObject) -> None:
    """Random members, refusals and deaths: the receiver that drops repeats ends with the segment as it is."""
    Segment.objects.all().delete()
    segment = Segment.objects.create(pool=people, name="s")
    services.create(segment=segment, url="http://127.0.0.1:9/", tells_entered=True, tells_left=True, actor=None)
    had: dict[str, dict[str, Any]] = {}

    def post(_hook: Any, key: str, payload: dict[str, Any], _now: Any) -> posting.Answer:
        fate = data.draw(st.sampled_from(["taken", "taken", "refused", "lost", "dies"]))
        if fate != "refused":
            had.setdefault(key, payload)
        if fate == "dies":
            raise KeyboardInterrupt
        return posting.Answer(200, "") if fate == "taken" else posting.Answer(None if fate == "lost" else 503, "no")

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(posting, "post", post)
        now = AS_OF
        for members in data.draw(st.lists(st.frozensets(st.integers(1, 12)), max_size=6)):
            now += MINUTE
            set_to(segment, set(members), now)
            _pump_once()
        for _try in range(400):
            if not SegmentNotice.objects.filter(status="waiting").exists():
                break
            _pump_once()
    inside: set[int] = set()
    for payload in had.values():
        ids = set(payload["data"]["members"])
        assert not (ids & inside if payload["type"] == "segment.entered" else ids - inside)
        inside = inside | ids if payload["type"] == "segment.entered" else inside - ids
    latest = membership.latest_of(segment)
    assert inside == set(membership.ids_of(latest))


def _pump_once() -> None:
    SegmentHook.objects.update(lease_until=None, lease_token=None)
    SegmentNotice.objects.filter(status="waiting").update(next_at=AS_OF, attempts=0)
    try:
        sending.pump(clock.now())
    except KeyboardInterrupt:
        return


def test_given_up_after_two_days_and_sent_again_on_demand(
    segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int]
) -> None:
    set_to(segment, {ids["Ann"], ids["Ben"], ids["Cai"]}, AS_OF + MINUTE)
    for _try in range(len(sending.WAITS) + 1):
        receiver.answers = [503]
        SegmentNotice.objects.update(next_at=AS_OF)
        sending.pump(clock.now())
    notice = SegmentNotice.objects.get()
    assert (notice.status, notice.attempts) == ("failed", len(sending.WAITS) + 1)
    assert services.retry(hook=hook.hook, notice=notice, actor=None, as_of=clock.now()) == 1
    tasks.tell_hooks()
    notice.refresh_from_db()
    assert notice.status == "sent"


def test_410_switches_it_off_and_keeps_what_is_owed(
    segment: Segment, hook: services.Made, receiver: Receiver, ids: dict[str, int]
) -> None:
    receiver.answers = [410]
    set_to(segment, {ids["Ben"]}, AS_OF + MINUTE)
    sending.pump(clock.now())
    hook.hook.refresh_from_db()
    assert not hook.hook.is_active
    assert "410" in hook.hook.problem
    assert SegmentNotice.objects.filter(status="waiting").count() == 2


def test_where_it_may_not_go(segment: Segment, settings: Any, hook: services.Made, ids: dict[str, int]) -> None:
    settings.ALLOW_PRIVATE_TARGETS = False
    for url in ("http://shop.example/", "https://user:pw@shop.example/", "ftp://shop.example", "https://shop.example:8443/"):
        with pytest.raises(Problem) as caught:
            services.create(segment=segment, url=url, tells_entered=True, tells_left=True, actor=None)
        assert "url" in caught.value.fields
    inner = posting.post(hook.hook, "k", {}, clock.now())  # an address of the inner network, refused when it is called
    assert inner.code is None
    with pytest.raises(Problem):
        services.create(segment=segment, url="https://a.example/", tells_entered=False, tells_left=False, actor=None)


# -- Around it -------------------------------------------------------------------------------------
def test_erased_people_are_told_of_no_more(segment: Segment, hook: services.Made, ids: dict[str, int]) -> None:
    set_to(segment, {ids["Ben"], ids["Dan"]}, AS_OF + MINUTE)
    person = Person(segment.pool_id, ids["Dan"], (ids["Dan"],), (), (), (), ())
    assert forgetting.notices(person) == 1
    told = [set(BitMap.deserialize(bytes(row.bitmap))) for row in SegmentNotice.objects.filter(way="entered")]
    assert told == [{ids["Ben"]}]


def test_its_secret_is_sealed_and_can_be_sealed_anew(hook: services.Made) -> None:
    assert posting.secret_of(hook.hook) == hook.secret
    assert "segmentation.SegmentHook" in {each.label for each in sealing.columns}
    fresh = services.new_secret(hook=hook.hook, actor=None)
    assert fresh.secret != hook.secret
    assert posting.secret_of(fresh.hook) == fresh.secret


def test_old_notices_are_dropped(segment: Segment, hook: services.Made, ids: dict[str, int]) -> None:
    set_to(segment, {ids["Ben"]}, AS_OF + MINUTE)
    SegmentNotice.objects.filter(way="left").update(status="sent", done_at=AS_OF)
    assert sending.forget_old(AS_OF + sending.KEEP + MINUTE) == 1
    assert SegmentNotice.objects.get().way == "entered"  # still owed


def test_on_its_page(segment: Segment, receiver: Receiver, login: Callable[[str], Client], ids: dict[str, int]) -> None:
    url = f"/p/demo/segments/{segment.pk}/hooks/"
    assert login("analyst").get(url).status_code == 403
    assert login("marketer").post(f"{url}new/", {"url": receiver.url, "tells_left": "on"}).status_code == 403
    admin = login("admin")
    page = admin.post(f"{url}new/", {"url": receiver.url, "tells_entered": "on", "tells_left": "on"}).content.decode()
    assert "whsec_" in page
    hook = SegmentHook.objects.get()
    assert "whsec_" not in admin.get(url).content.decode()
    assert "测试成功" in admin.post(f"{url}{hook.pk}/test/", follow=True).content.decode()
    receiver.answers = [500]
    set_to(segment, {ids["Ben"]}, AS_OF + MINUTE)
    sending.pump(clock.now())
    page = login("marketer").get(url).content.decode()
    assert "500" in page
    assert "/retry/" not in page
    notice = SegmentNotice.objects.order_by("pk")[0]
    admin.post(f"{url}{hook.pk}/retry/", {"notice": notice.pk})
    assert sending.pump(clock.now()) == 2
    assert "已送达" in admin.get(f"{url}?status=sent").content.decode()
    admin.post(f"{url}{hook.pk}/switch/")
    hook.refresh_from_db()
    assert not hook.is_active
    assert "whsec_" in admin.post(f"{url}{hook.pk}/secret/").content.decode()
    assert admin.post(f"{url}{hook.pk}/nonsense/").status_code == 404
    admin.post(f"{url}{hook.pk}/remove/")
    assert not SegmentHook.objects.exists()
    assert admin.post(f"{url}new/", {"url": "nonsense", "tells_left": "on"}).status_code == 422


def test_for_programs(segment: Segment, receiver: Receiver, api: Callable[..., APIClient], ids: dict[str, int]) -> None:
    client, url = api("admin"), "/api/segment-hooks/"
    assert api("marketer").post(url, {"segment": segment.pk, "url": receiver.url}).status_code == 403
    made = client.post(url, {"segment": segment.pk, "url": receiver.url}).json()
    assert made["secret"].startswith("whsec_")
    assert "secret" not in client.get(f"{url}{made['id']}/").json()
    assert client.post(f"{url}{made['id']}/test/").json()["taken"] is True
    set_to(segment, {ids["Ben"]}, AS_OF + MINUTE)
    assert client.get(f"{url}{made['id']}/").json()["waiting"] == 2
    sending.pump(clock.now())
    notices = client.get(f"{url}{made['id']}/notices/?status=sent").json()["results"]
    assert [(each["way"], each["size"]) for each in notices] == [("entered", 1), ("left", 2)]
    assert client.patch(f"{url}{made['id']}/", {"is_active": False}).json()["is_active"] is False
    assert client.post(f"{url}{made['id']}/retry/", {}).json() == {"notices": 0}
    for nonsense in ("abc", 0, [1]):
        assert client.post(f"{url}{made['id']}/retry/", {"notice": nonsense}, format="json").status_code == 400
    assert len(client.get(f"{url}?segment={segment.pk}").json()["results"]) == 1
    assert client.delete(f"{url}{made['id']}/").status_code == 204
