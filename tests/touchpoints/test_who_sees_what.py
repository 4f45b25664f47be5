"""Members' addresses and other pools' mails: who does not get to see them."""

from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from members.models import Pool
from scrm.staff.permissions import Role
from tests import factories
from tests.fire.conftest import free_port
from touchpoints import services
from touchpoints.connectors.base import BadRecipient, Deadline, Message
from touchpoints.connectors.email_smtp import EmailSmtp
from touchpoints.models import Connector, Step

pytestmark = pytest.mark.django_db


def keep(home: Path, n: int, key: str, to: str) -> str:
    """A mail as the inbox keeps it; its id."""
    name = f"{1793505600000000000 + n:019d}-0a0b0c0d"
    head = f"X-Rcpt-To: {to}\r\nTo: {to}\r\nSubject: Mail {n}\r\n" + (f"X-Delivery-Key: {key}\r\n" if key else "")
    (home / f"{name}.eml").write_text(f"{head}\r\nHello", newline="")
    return name


@pytest.fixture
def home(tmp_path: Path, settings) -> Path:
    settings.INBOX_DIR = tmp_path
    return tmp_path


@pytest.fixture
def theirs(other_pool: Pool, as_of) -> Step:
    fake = services.save_connector(pool=other_pool, key="fake", name="Fake", config={"mode": "record"})
    return services.open_step(pool=other_pool, source="test:2", connector=fake, due_at=as_of)


def test_the_inbox_shows_a_pool_only_what_it_sent(login, home: Path, open_step, theirs: Step, fake: Connector) -> None:
    own, foreign = keep(home, 1, f"d{open_step().pk}-7", "a@example.com"), keep(home, 2, f"d{theirs.pk}-8", "b@example.com")
    tried, their_try = keep(home, 3, f"test-{fake.pk}-1", "me@x.cn"), keep(home, 4, f"test-{theirs.connector_id}-1", "you@x.cn")
    keep(home, 5, "", "cron@localhost")
    client = login("admin")
    page = client.get("/p/demo/inbox/").content.decode()
    assert [n for n in range(1, 6) if f"Mail {n}" in page] == [1, 3, 5]
    assert "Mail 2" not in client.get("/p/demo/inbox/?to=b@example").content.decode()
    answers = [client.get(f"/p/demo/inbox/{name}/").status_code for name in (own, foreign, tried, their_try)]
    assert answers == [200, 404, 200, 404]


def test_addresses_of_the_inbox_are_for_those_who_may_reveal_them(login, home: Path, open_step) -> None:
    name = keep(home, 1, f"d{open_step().pk}-7", "alice.wang@example.com")
    for address in ("/p/demo/inbox/", f"/p/demo/inbox/{name}/"):
        assert "alice.wang@example.com" in login("admin").get(address).content.decode()
        page = login("marketer").get(address).content.decode()
        assert "alice.wang" not in page
        assert "a***@example.com" in page
    # Nor can it be guessed at piece by piece.
    assert "Mail 1" not in login("marketer").get("/p/demo/inbox/?to=alice").content.decode()
    assert "Mail 1" in login("admin").get("/p/demo/inbox/?to=alice").content.decode()


class Refusing:
    async def handle_RCPT(self, server, session, envelope, address, options) -> str:
        return f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"


def test_what_a_server_says_of_an_address_is_kept_without_it() -> None:
    controller = Controller(Refusing(), hostname="127.0.0.1", port=free_port())
    controller.start()
    config = {"host": "127.0.0.1", "port": controller.port, "security": "none", "from_email": "shop@example.com", "timeout": 2}
    line = EmailSmtp(config, {}, connector_id=1)
    try:
        (outcome,) = line.send([Message("d1-1", "alice.wang@example.com", "S", "T", "", "")], Deadline(5))
    finally:
        line.close()
        controller.stop()
    assert isinstance(outcome, BadRecipient)
    assert outcome.block
    assert "alice.wang" not in outcome.detail
    assert "User unknown" in outcome.detail


def test_a_pools_pages_show_the_pools_own_hours(client, as_of) -> None:
    far = factories.pool("ny", "New York", time_zone="America/New_York")
    client.force_login(factories.user("ada", far, Role.ADMIN))
    ann = factories.member(far, "Ann")
    factories.order(ann, "N1", as_of, 1000)  # 04:00 UTC: midnight in New York, noon in Shanghai
    page = client.get(f"/p/ny/members/{ann.pk}/?tab=orders").content.decode()
    page += client.get(f"/p/ny/members/{ann.pk}/orders/").content.decode()
    assert "2026-11-01 00:00" in page
    assert "12:00" not in page
