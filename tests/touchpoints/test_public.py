"""Addresses without login, and receipts in any order."""

import itertools
import json
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from members.models import Consent, ConsentEntry, Member
from scrm.lib import clock
from tests.touchpoints.conftest import agree
from touchpoints import links, outbox, queries, receipts, resolving, services, signatures
from touchpoints.connectors.base import Receipt
from touchpoints.connectors.registry import unseal
from touchpoints.models import Block, Call, Delivery
from touchpoints.models import Receipt as Kept

pytestmark = pytest.mark.django_db
S = Delivery.Status
PERSON = {"HTTP_USER_AGENT": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15"}


@pytest.fixture
def sent(open_step, alice, content, as_of):
    agree(alice)
    step = open_step()
    services.plan_deliveries(step=step, candidates=services.Candidates.of([alice.pk], content.pk), as_of=as_of)
    outbox.pump(step.pk, as_of=as_of)
    return Delivery.objects.get(member=alice)


def path(url: str) -> str:
    return url.removeprefix(settings.BASE_URL)


# -- Links ---------------------------------------------------------------------------------------
def test_a_click_counts_once_and_leads_where_the_content_says(sent):
    url = path(links.click(sent.member_id, sent.step_id, 0))
    for _ in range(2):
        answer = Client().get(url + "?next=https://evil.example/", **PERSON)
        assert (answer.status_code, answer["Location"]) == (302, "https://shop.example/new")
    sent.refresh_from_db()
    assert sent.status == S.CLICKED
    assert sent.opened_at
    assert sent.delivered_at
    assert Kept.objects.count() == 1
    counts = queries.step_counts([sent.step_id])[sent.step_id]
    assert (counts.sent, counts.delivered, counts.opened, counts.clicked) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"HTTP_USER_AGENT": "Barracuda Link Scanner"},
        {**PERSON, "HTTP_SEC_PURPOSE": "prefetch"},
        {"HTTP_USER_AGENT": "curl/8"},
    ],
)
def test_scanners_are_led_on_but_not_counted(sent, headers):
    assert Client().get(path(links.click(sent.member_id, sent.step_id, 0)), **headers).status_code == 302
    Client().get(path(links.pixel(sent.member_id, sent.step_id)), **headers)
    assert Client().head(path(links.click(sent.member_id, sent.step_id, 0)), **PERSON).status_code == 302
    sent.refresh_from_db()
    assert sent.status == S.ACCEPTED


def test_a_forged_or_borrowed_token_opens_nothing(sent):
    good = links.token(links.CLICK, sent.member_id, sent.step_id, 0)
    forged = [
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        "A" * 24,
        "",
        "é" * 5,
        links.token(links.OPEN, sent.member_id, sent.step_id),
    ]
    assert [Client().get(f"/t/c/{token}", **PERSON).status_code for token in forged] == [404] * 5
    assert Client().get(path(links.click(sent.member_id, sent.step_id, 9)), **PERSON).status_code == 404
    pixel = Client().get("/t/o/AAAA.gif", **PERSON)
    assert pixel.status_code == 200
    assert pixel["Content-Type"] == "image/gif"
    assert not Kept.objects.exists()


def test_an_opening_counts(sent):
    Client().get(path(links.pixel(sent.member_id, sent.step_id)), **PERSON)
    sent.refresh_from_db()
    assert sent.status == S.READ
    assert sent.opened_at
    assert sent.clicked_at is None


def test_a_link_of_a_merged_member_still_leads_on(sent, bob):
    url = path(links.click(sent.member_id, sent.step_id, 0))
    old = sent.member_id
    Delivery.objects.filter(member_id=old).update(member_id=bob.pk)
    Member.objects.filter(pk=old).update(merged_into=bob.pk)
    assert Client().get(url, **PERSON).status_code == 302
    assert Delivery.objects.get(member=bob).status == S.CLICKED


# -- Leaving -------------------------------------------------------------------------------------
def test_leaving_takes_one_post_and_no_login(sent, alice):
    url = path(links.unsubscribe(alice.pk, sent.step_id))
    strict = Client(enforce_csrf_checks=True)
    assert "确认退订" in strict.get(url).content.decode()
    assert Consent.objects.get(member=alice).granted
    for _ in range(2):
        assert strict.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    assert not Consent.objects.get(member=alice).granted
    assert ConsentEntry.objects.filter(member=alice, granted=False).count() == 1


# -- Receipts ------------------------------------------------------------------------------------
def report(delivery, kind, at):
    return Receipt(links.key_of(delivery.member_id, delivery.step_id), kind, at)


def test_any_order_and_any_repeats_end_in_the_same_row(sent, as_of):
    kinds = {"delivered": 1, "read": 2, "clicked": 3}
    reports = [report(sent, kind, as_of + timedelta(minutes=n)) for kind, n in kinds.items()]
    ends = set()
    for order in itertools.permutations(reports * 2, 6):
        Kept.objects.all().delete()
        Delivery.objects.update(status=S.ACCEPTED, delivered_at=None, opened_at=None, clicked_at=None)
        for each in order[:6:2] + order[1::2]:
            receipts.record([each], connector=sent.step.connector)
        ends.add(Delivery.objects.values_list("status", "delivered_at", "opened_at", "clicked_at").get())
        if len(ends) > 1 or len(order) > 24:
            break
        if len(Kept.objects.all()) != 3:
            pytest.fail("a repeat was kept twice")
        if order[0] is reports[2] and order[1] is reports[1]:
            break
    assert ends == {(S.CLICKED, *(as_of + timedelta(minutes=n) for n in (1, 2, 3)))}


@hypothesis_settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.sampled_from(["delivered", "read", "clicked", "failed", "bounced"]), min_size=1, max_size=8))
def test_the_state_never_goes_back(sent, as_of, order):
    Kept.objects.all().delete()
    Block.objects.all().delete()
    Delivery.objects.update(status=S.ACCEPTED, reason="", delivered_at=None, opened_at=None, clicked_at=None, failed_at=None)
    best = 0
    for n, kind in enumerate(order):
        receipts.record([report(sent, kind, as_of + timedelta(minutes=n))], connector=sent.step.connector)
        row = Delivery.objects.get()
        rank = bool(row.clicked_at) * 4 or bool(row.opened_at) * 2
        assert rank >= best
        best = rank
        if best:
            assert row.status == (S.CLICKED if row.clicked_at else S.READ)
            assert row.reason == ""


def test_an_opening_proves_that_an_unknown_message_arrived(sent, as_of):
    Delivery.objects.update(status=S.UNKNOWN, sent_at=None, unsure_since=as_of, reason="no_answer")
    receipts.record([report(sent, "read", as_of)])
    sent.refresh_from_db()
    assert (sent.status, sent.reason, sent.unsure_since) == (S.READ, "", None)
    assert sent.sent_at


def test_a_bounce_blocks_the_address(sent, alice, as_of):
    receipts.record([report(sent, "bounced", as_of)], connector=sent.step.connector)
    sent.refresh_from_db()
    assert (sent.status, sent.reason) == (S.FAILED, "bounced")
    assert bytes(Block.objects.get(member=alice).value_hash) == bytes(alice.identities.get(kind="email").value_hash)


def test_the_fake_provider_reports_when_asked(sent, fake, as_of):
    fake.config |= {"delivered": 100, "read": 100, "clicked": 100}
    fake.save()
    assert resolving.poll_all() == 3
    assert resolving.poll_all() == 0
    sent.refresh_from_db()
    assert sent.status == S.CLICKED


# -- Requests of programs ------------------------------------------------------------------------
@pytest.fixture
def hook(pool):
    return services.save_connector(pool=pool, key="webhook", name="w", config={"url": "http://127.0.0.1:9/"})


def signed(connector, identity, body, *, secret=None, at=None):
    head = signatures.headers(secret or unseal(connector)["secret"], identity, body, at or clock.now())
    return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in head.items()}


def test_signed_receipts_are_kept_once_and_read_by_the_ticker(sent, hook, as_of):
    sent.step.connector = hook
    sent.step.save()
    body = json.dumps(
        {"receipts": [{"key": f"d{sent.step_id}-{sent.member_id}", "kind": "delivered", "at": as_of.isoformat()}]}
    ).encode()
    for _ in range(2):
        answer = Client().post(f"/hooks/{hook.pk}", body, content_type="application/json", **signed(hook, "m1", body))
        assert answer.status_code == 202
    assert Call.objects.count() == 1
    assert receipts.handle_calls() == 1
    sent.refresh_from_db()
    assert sent.status == S.DELIVERED


def test_a_connector_cannot_report_on_anothers_deliveries(sent, hook, as_of):
    assert receipts.record([report(sent, "read", as_of)], connector=hook) == 0


def test_forged_and_stale_reports_are_refused(hook):
    body = b'{"receipts": []}'
    heads = [
        {},
        signed(hook, "m", body, secret="other"),
        signed(hook, "m", body, at=clock.now() - timedelta(minutes=6)),
        signed(hook, "m", b"x"),
    ]
    codes = [Client().post(f"/hooks/{hook.pk}", body, content_type="application/json", **head).status_code for head in heads]
    assert codes == [401] * 4
    assert not Call.objects.exists()


@pytest.mark.parametrize(
    "body", ["x", "[]", "{}", '{"receipts": [1]}', '{"receipts": [{"key": "d1-1", "kind": "read", "at": "2026-01-01"}]}']
)
def test_a_report_that_makes_no_sense_is_kept_with_the_reason(hook, body):
    Client().post(f"/hooks/{hook.pk}", body, content_type="application/json", **signed(hook, "m", body.encode()))
    receipts.handle_calls()
    assert Call.objects.get().problem


def test_the_catcher_is_for_demos_only(hook, pool):
    url = path(links.catcher(hook.pk))
    assert Client().post(url, b"{}", content_type="application/json").status_code == 404
    pool.is_demo = True
    pool.save()
    Client().post(url, b"{}", content_type="application/json", **signed(hook, "m", b"{}"))
    Client().post(url, b"{1}", content_type="application/json")
    assert sorted(Call.objects.values_list("is_genuine", "kind")) == [(False, "caught"), (True, "caught")]


# -- This machine's inbox ------------------------------------------------------------------------
def test_the_local_inbox_reports_what_it_stored(tmp_path, sent, pool, fake):
    with_inbox = services.save_connector(
        pool=pool, key="email_smtp", name="local",
        config={"host": "127.0.0.1", "port": settings.INBOX_PORT, "security": "none", "from_email": "a@example.com"},
    )  # fmt: skip
    sent.step.connector = with_inbox
    sent.step.save()
    from django.test import override_settings

    with override_settings(INBOX_DIR=tmp_path):
        key = f"d{sent.step_id}-{sent.member_id}"
        (tmp_path / "1793505600000000000-0a0b0c0d.eml").write_bytes(f"X-Delivery-Key: {key}\r\n\r\nHello".encode())
        (tmp_path / "1793505600000000001-0a0b0c0d.eml").write_bytes(b"Subject: other\r\n\r\n")
        assert resolving.poll(with_inbox) == 1
        with_inbox.refresh_from_db()
        assert with_inbox.cursor.startswith("1793505600000000001")
        assert resolving.poll(with_inbox) == 0
    sent.refresh_from_db()
    assert sent.status == S.DELIVERED
