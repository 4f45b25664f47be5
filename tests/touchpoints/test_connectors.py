"""One contract for every connector of the registry, and what is particular to each."""

import json
import threading
import time
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from django.conf import settings
from django.test import override_settings

from scrm.lib import clock
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests.fire.conftest import free_port
from touchpoints import services, signatures, targets
from touchpoints.connectors.base import (
    Accepted,
    BadConfig,
    BadRecipient,
    Deadline,
    Down,
    Message,
    NotTried,
    Retryable,
    SendError,
    Throttled,
    Unknown,
)  # fmt: skip
from touchpoints.connectors.email_smtp import EmailSmtp
from touchpoints.connectors.registry import CONNECTORS, opened, unseal
from touchpoints.connectors.webhook import Webhook, verdict
from touchpoints.models import Connector, Recorded

pytestmark = pytest.mark.django_db
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Receiver(BaseHTTPRequestHandler):
    """Answers as its server is told and remembers."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((dict(self.headers), body))
        answer = self.server.answers.pop(0) if self.server.answers else (200, {})
        if answer == "silence":
            time.sleep(2)
            return
        status, headers = answer
        self.send_response(status)
        for name, value in {"Content-Length": "2", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")

    protocol_version = "HTTP/1.1"

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def receiver():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.seen, server.answers, server.daemon_threads = [], [], True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield server
    server.shutdown()


class Keeper:
    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server, session, envelope) -> str:
        self.mails.append(envelope.original_content)
        return "250 kept"


@pytest.fixture
def keeper():
    found = Keeper()
    controller = Controller(found, hostname="127.0.0.1", port=free_port())
    controller.start()
    found.port = controller.port
    yield found
    controller.stop()


@pytest.fixture
def accounts(pool, receiver, keeper):
    """A working account of every registered kind; a new connector must be added here."""
    smtp = {"host": "127.0.0.1", "port": keeper.port, "security": "none", "from_email": "shop@example.com", "timeout": 1}
    configs = {"email_smtp": smtp, "webhook": {"url": receiver.url, "timeout": 1}, "fake": {"mode": "record"}}
    return {key: services.save_connector(pool=pool, key=key, name=key, config=config) for key, config in configs.items()}


def message(n: int = 1, **given) -> Message:
    return Message(f"d1-{n}", f"m{n}@example.com", "主题", "正文", "<p>正文</p>", "http://t/u/x", **given)


# -- The contract --------------------------------------------------------------------------------
@pytest.mark.parametrize("key", list(CONNECTORS))
class TestContract:
    def test_it_answers_check_and_sends_one_outcome_per_message(self, accounts, key):
        line = opened(accounts[key])
        assert isinstance(line.check(), str)
        outcomes = line.send([message(1), message(2)], Deadline(5))
        line.close()
        assert [type(each) for each in outcomes] == [Accepted, Accepted]

    def test_after_the_deadline_nothing_is_sent(self, accounts, key, receiver, keeper):
        line = opened(accounts[key])
        outcomes = line.send([message(1), message(2)], Deadline(0))
        assert [type(each) for each in outcomes] == [NotTried, NotTried]
        assert not receiver.seen
        assert not keeper.mails
        assert not Recorded.objects.exists()

    def test_secrets_go_in_and_never_come_out(self, accounts, key, pool):
        kind = CONNECTORS[key]
        for each in kind.settings:
            if each.kind == "secret":
                row = accounts[key]
                services.save_connector(
                    pool=pool, key=key, name=key, config=row.config, secrets={each.key: "planted-secret"}, connector=row
                )
                assert unseal(row)[each.key] == "planted-secret"
                assert b"planted" not in bytes(row.sealed)
                assert "planted" not in json.dumps(row.config)
                assert "planted" not in json.dumps(list(AuditEntry.objects.values_list("data", flat=True)))

    def test_it_says_what_is_missing_before_it_is_saved(self, accounts, key, pool):
        kind = CONNECTORS[key]
        broken = {each.key: "" for each in kind.settings if each.kind != "secret"}
        if any(each.required for each in kind.settings):
            with pytest.raises(Problem) as refused:
                services.save_connector(pool=pool, key=key, name="x", config=broken)
            assert refused.value.fields

    def test_in_the_sandbox_nothing_leaves_and_everything_is_recorded(self, accounts, key, receiver, keeper, pool):
        row = accounts[key]
        services.save_connector(pool=pool, key=key, name=key, config=row.config, is_sandbox=True, connector=row)
        (outcome,) = opened(row).send([message()], Deadline(5))
        assert isinstance(outcome, Accepted)
        assert not receiver.seen
        assert not keeper.mails
        kept = Recorded.objects.get(connector=row)
        assert (kept.key, kept.hint, kept.subject) == ("d1-1", "m***@example.com", "主题")

    def test_it_has_its_place_in_the_guide(self, accounts, key):
        guide = (Path(settings.BASE_DIR) / "docs" / "adding-a-connector.md").read_text()
        assert f"`{key}`" in guide


def test_the_guide_names_everything_a_connector_promises():
    guide = (Path(settings.BASE_DIR) / "docs" / "adding-a-connector.md").read_text()
    from touchpoints.connectors import base

    promised = ["check", "validate", "send", "lookup", "poll", "close", "problems"]
    errors = [kind.__name__ for kind in vars(base).values() if isinstance(kind, type) and issubclass(kind, SendError)]
    caps = list(base.Capabilities.__dataclass_fields__)
    missing = [name for name in promised + errors + caps if f"`{name}" not in guide]
    assert not missing


# -- E-mail --------------------------------------------------------------------------------------
def test_a_mail_has_both_bodies_one_click_headers_and_a_steady_message_id(accounts, keeper):
    import email
    import email.policy

    line = opened(accounts["email_smtp"])
    line.send([message(), message()], Deadline(5))
    first, second = (email.message_from_bytes(raw, policy=email.policy.default) for raw in keeper.mails)
    assert first["List-Unsubscribe"] == "<http://t/u/x>"
    assert first["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert first["Message-ID"] == second["Message-ID"] == "<d1-1@example.com>"
    assert first.get_body(("plain",)).get_content().strip() == "正文"
    assert "<p>正文</p>" in first.get_body(("html",)).get_content()


def test_lines_that_begin_with_a_dot_arrive_whole(keeper):
    line = EmailSmtp(
        {"host": "127.0.0.1", "port": keeper.port, "security": "none", "from_email": "a@example.com"}, {}, connector_id=1
    )
    wire = line._wire(Message("k", "b@example.com", "s", ".\n..x"))
    assert wire.endswith(b"\r\n.\r\n")
    assert b"\r\n.\r\n" not in wire[:-5]


def test_an_address_that_would_break_the_envelope_is_refused(accounts, keeper):
    line = opened(accounts["email_smtp"])
    bad = [Message("k", address, "s", "t") for address in ("a@x.com>\r\nRCPT TO:<b@x.com", "a", "a b@x.com", "")]
    assert {type(each) for each in line.send(bad, Deadline(5))} == {BadRecipient}
    assert not keeper.mails
    injected = Message("k", "ok@example.com", "s\r\nBcc: evil@example.com", "t")
    line.send([injected], Deadline(5))
    assert b"\nBcc:" not in keeper.mails[0]


# -- Webhook -------------------------------------------------------------------------------------
def test_a_webhook_is_signed_by_the_standard(accounts, receiver):
    # The standard's own example.
    assert signatures.sign(SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}') == (
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    )
    row = accounts["webhook"]
    opened(row).send([message()], Deadline(5))
    headers, body = receiver.seen[0]
    given = {name.lower(): value for name, value in headers.items()}
    assert given["webhook-id"] == "d1-1"
    assert json.loads(body)["data"]["subject"] == "主题"
    secret = unseal(row)["secret"]
    assert signatures.is_genuine(secret, given, body, clock.now())
    assert not signatures.is_genuine(secret, given, body + b" ", clock.now())
    assert not signatures.is_genuine(secret, given, body, clock.now() + timedelta(minutes=6))
    assert not signatures.is_genuine("other", given, body, clock.now())


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, Accepted), (204, Accepted), (301, BadConfig), (400, BadRecipient), (401, BadConfig), (408, Retryable),
     (410, BadConfig), (422, BadRecipient), (429, Throttled), (500, Retryable), (503, Throttled)],
)  # fmt: skip
def test_what_an_answer_means(status, kind):
    assert type(verdict(status, str(status), None)) is kind


def test_retry_after_is_obeyed_within_reason():
    assert verdict(429, "", "120").after == timedelta(minutes=2)
    assert verdict(503, "", "999999").after == timedelta(hours=1)
    assert verdict(429, "", "nonsense").after == timedelta(seconds=30)


def test_no_redirect_is_followed_and_the_rest_waits(accounts, receiver):
    receiver.answers = [(302, {"Location": "http://169.254.169.254/"})]
    outcomes = opened(accounts["webhook"]).send([message(1), message(2)], Deadline(5))
    assert [type(each) for each in outcomes] == [BadConfig, NotTried]
    assert len(receiver.seen) == 1


def test_silence_after_the_request_is_unknown_and_no_connection_is_down(accounts, receiver):
    receiver.answers = ["silence"]
    assert isinstance(opened(accounts["webhook"]).send([message()], Deadline(5))[0], Unknown)
    dead = Webhook({"url": "http://127.0.0.1:1/", "timeout": 1}, {"secret": SECRET}, connector_id=1)
    assert isinstance(dead.send([message()], Deadline(5))[0], Down)


def test_an_address_no_request_can_be_written_to_is_a_bad_setting(receiver, monkeypatch):
    hook = Webhook({"url": f"{receiver.url}/通知"}, {"secret": SECRET}, connector_id=1)
    assert isinstance(hook.send([message()], Deadline(5))[0], BadConfig)
    monkeypatch.setattr(targets, "_can_be_asked", lambda _parts: True)  # kept before such were refused
    assert isinstance(hook.send([message()], Deadline(5))[0], BadConfig)


INSIDE = [
    "127.0.0.1", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.100.100.200",
    "0.0.0.0", "224.0.0.1",
    "255.255.255.255",
    "::1", "fe80::1", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::", "198.18.0.1", "192.0.2.1",
]  # fmt: skip


@pytest.mark.parametrize("ip", INSIDE)
def test_addresses_inside_are_not_public(ip):
    assert not targets.is_public(ip)


@pytest.mark.parametrize("ip", ["1.1.1.1", "8.8.8.8", "2606:4700:4700::1111"])
def test_addresses_outside_are(ip):
    assert targets.is_public(ip)


@override_settings(ALLOW_PRIVATE_TARGETS=False)
@pytest.mark.parametrize(
    "url",
    ["http://example.com/", "https://example.com:8443/", "https://user:pw@example.com/", "ftp://example.com/", "https://", "//x",
     "https://127.0.0.1/", "https://[::1]/", "https://2130706433/", "https://0x7f000001/", "https://localhost/", "https://0/"],
)  # fmt: skip
def test_a_webhook_may_not_reach_inside(url):
    with pytest.raises((targets.Forbidden, OSError)):
        targets.vet(url)


@override_settings(ALLOW_PRIVATE_TARGETS=False)
def test_a_name_that_changes_its_address_is_resolved_once(monkeypatch):
    answers = [["93.184.215.14"], ["127.0.0.1"]]
    monkeypatch.setattr(targets.socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", (ip, 443)) for ip in answers.pop(0)])
    reached = []
    monkeypatch.setattr(targets.socket, "create_connection", lambda address, timeout: reached.append(address) or pytest.skip)
    line = targets.vet("https://rebind.example/").connect(1)
    with pytest.raises(AttributeError):
        line.connect()
    assert reached == [("93.184.215.14", 443)]
    assert len(answers) == 1


@override_settings(ALLOW_PRIVATE_TARGETS=False)
def test_one_private_address_among_public_ones_is_a_trap(monkeypatch):
    monkeypatch.setattr(
        targets.socket, "getaddrinfo", lambda *a, **k: [(2, 1, 6, "", (ip, 443)) for ip in ("1.1.1.1", "10.0.0.1")]
    )
    with pytest.raises(targets.Forbidden):
        targets.vet("https://mixed.example/")


# -- Saving and trying ---------------------------------------------------------------------------
def test_trying_a_connector_says_what_is_wrong_and_keeps_it(accounts, pool):
    row = accounts["email_smtp"]
    assert services.test_connector(connector=row, actor=None).startswith("250")
    broken = {**row.config, "port": 1}
    services.save_connector(pool=pool, key="email_smtp", name="email_smtp", config=broken, connector=row)
    with pytest.raises(Problem):
        services.test_connector(connector=row, actor=None)
    assert "refused" in Connector.objects.get(pk=row.pk).problem.lower()


def test_a_test_message_leaves_by_itself(accounts, keeper):
    services.send_test(connector=accounts["email_smtp"], address="me@example.com", actor=None)
    assert b"me@example.com" in keeper.mails[0]


def test_a_demo_webhook_without_an_address_uses_the_local_receiver(pool):
    with pytest.raises(Problem):
        services.save_connector(pool=pool, key="webhook", name="w", config={"url": ""})
    pool.is_demo = True
    row = services.save_connector(pool=pool, key="webhook", name="w", config={"url": ""})
    assert row.config["url"].startswith(f"{settings.BASE_URL}/hooks/catch/")
    with override_settings(ALLOW_PRIVATE_TARGETS=False):
        assert targets.vet(row.config["url"]).ip
