"""Mail goes to public servers, to our own inbox, and inside only where somebody said so."""

import socket
from typing import Any

import pytest

from touchpoints import targets
from touchpoints.connectors.base import BadConfig
from touchpoints.connectors.email_smtp import EmailSmtp


@pytest.fixture(autouse=True)
def _strict(settings: Any) -> None:
    settings.ALLOW_PRIVATE_TARGETS = False
    settings.PRIVATE_MAIL_SERVERS = []
    settings.INBOX_PORT = 9025


def told(monkeypatch: pytest.MonkeyPatch, *ips: str) -> None:
    """What the name server answers."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 25)) for ip in ips]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)


@pytest.mark.parametrize("ip", ["127.0.0.1", "10.0.0.5", "169.254.169.254", "192.168.1.1", "::1", "::ffff:10.0.0.1", "fd00::1"])
def test_a_name_that_leads_inside_is_not_called(monkeypatch: pytest.MonkeyPatch, ip: str) -> None:
    told(monkeypatch, ip)
    with pytest.raises(targets.Forbidden):
        targets.mail_server("smtp.example.com", 25)


def test_one_inner_address_among_public_ones_is_a_trap(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, "93.184.216.34", "10.0.0.5")
    with pytest.raises(targets.Forbidden):
        targets.mail_server("smtp.example.com", 25)


def test_public_servers_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, "93.184.216.34")
    assert targets.mail_server("smtp.example.com", 587) == "93.184.216.34"


def test_our_own_inbox_and_named_servers_are(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert targets.mail_server("127.0.0.1", 9025) == "127.0.0.1"
    with pytest.raises(targets.Forbidden):
        targets.mail_server("127.0.0.1", 25)
    settings.PRIVATE_MAIL_SERVERS = ["mail.corp:25"]
    told(monkeypatch, "10.0.0.5")
    assert targets.mail_server("mail.corp", 25) == "10.0.0.5"
    with pytest.raises(targets.Forbidden):
        targets.mail_server("mail.corp", 6379)


@pytest.mark.parametrize(
    ("host", "fine"), [("10.1.2.3", False), ("localhost", False), ("smtp.example.com", True), ("8.8.8.8", True)]
)
def test_it_is_said_when_it_is_saved(host: str, fine: bool) -> None:
    config = {"host": host, "port": 25, "security": "none", "from_email": "a@example.com", "timeout": 10}
    wrong = [problem.field for problem in EmailSmtp.problems(config, {})]
    assert ("host" not in wrong) is fine


def test_sending_names_what_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, "10.0.0.5")
    config = {"host": "smtp.example.com", "port": 25, "security": "none", "from_email": "a@example.com"}
    with pytest.raises(BadConfig, match="PRIVATE_MAIL_SERVERS"):
        EmailSmtp(config, {}, connector_id=1).check()


def test_the_vetted_address_is_the_one_that_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers otherwise the second time changes nothing."""
    told(monkeypatch, "93.184.216.34")
    called: list[Any] = []

    def connect(address: Any, timeout: float) -> Any:
        called.append(address)
        raise OSError("nobody there")

    monkeypatch.setattr(socket, "create_connection", connect)
    config = {"host": "smtp.example.com", "port": 25, "security": "none", "from_email": "a@example.com"}
    with pytest.raises(Exception, match="nobody there"):
        EmailSmtp(config, {}, connector_id=1).check()
    assert called == [("93.184.216.34", 25)]
