"""From the draft to the result: real SMTP, a click, an imported order."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from django.test import Client

from campaigns import engine, launching, results, services
from campaigns.models import Campaign
from campaigns.sources import step_ids
from members.importing import pipeline
from members.importing import services as imports
from members.models import Channel, Member, Pool
from scrm.lib import clock
from touchpoints import outbox
from touchpoints import services as touchpoints

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0"
# No quiet hours: the test must not depend on the hour it is run at.
NO_HOURS = {"cap_day": 1, "cap_week": 3, "quiet_start": "", "quiet_end": ""}


class Postbox:
    def __init__(self) -> None:
        self.mails: dict[str, Any] = {}

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        (address,) = envelope.rcpt_tos
        assert address not in self.mails, "the same message twice"
        self.mails[address] = message_from_bytes(envelope.original_content, policy=policy.default)
        return "250 kept"


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    box = Postbox()
    controller = Controller(box, hostname="127.0.0.1", port=port)
    controller.start()
    box.port = port  # type: ignore[attr-defined]
    yield box
    controller.stop()


def test_mail_click_order_result(
    draft: Campaign, people: list[Member], pool: Pool, postbox: Any, tmp_path: Path, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path
    touchpoints.save_policy(pool=pool, values=NO_HOURS, actor=None)
    smtp = {"host": "127.0.0.1", "port": postbox.port, "security": "none", "from_email": "shop@example.com"}
    account = touchpoints.save_connector(pool=pool, key="email_smtp", name="SMTP", config=smtp)
    services.save(campaign=draft, actor=None, connector=account)
    draft.refresh_from_db()
    now = clock.now()
    launching.launch(campaign=draft, actor=None, as_of=now)
    engine.tick(now)
    run = draft.runs.get()
    (step,) = step_ids(run)
    outbox.pump(step, seconds=60)
    outbox.pump(step, seconds=5)

    treated = {p.member_id for p in run.participants.filter(arm=1)}
    addresses = {f"m{n}@example.com": member for n, member in enumerate(people)}
    assert {addresses[to].pk for to in postbox.mails} == treated

    to, mail = min(postbox.mails.items())
    body = mail.get_body(("plain",)).get_content()
    link = re.search(r"http://[^/\s]+(/t/c/\S+)", body)
    assert link is not None
    answer = Client().get(link[1], headers={"User-Agent": BROWSER})
    assert (answer.status_code, answer.url) == (302, "https://shop.example.com/")

    placed = (clock.now() + timedelta(minutes=1)).astimezone(pool.zone)
    csv = f"订单号,邮箱,下单时间,金额\nT1,{to},{placed:%Y-%m-%d %H:%M:%S},88.50\n"
    upload = imports.upload(
        pool=pool,
        kind="orders",
        file=io.BytesIO(csv.encode()),
        file_name="orders.csv",
        actor=None,
        channel=Channel.objects.get(code="pos"),
    )
    assert pipeline.run(upload, as_of=clock.now())["new"] == 1

    found = results.results(draft, clock.now() + timedelta(minutes=5))
    counts = found.funnel.treated
    assert (counts.members, counts.sent, counts.clicked, counts.opened, counts.ordered) == (len(treated), len(treated), 1, 1, 1)
    assert (found.whole.treated.buyers, found.whole.treated.spend.y, found.whole.holdout.buyers) == (1, 8850, 0)
    assert found.cost == 10 * len(treated)
    assert found.verdict == "too_few"


def test_the_same_through_the_fake_provider_until_the_window_closes(draft: Campaign, pool: Pool) -> None:
    touchpoints.save_policy(pool=pool, values=NO_HOURS, actor=None)
    now = clock.now()
    launching.launch(campaign=draft, actor=None, as_of=now)
    engine.tick(now)
    (step,) = step_ids(draft.runs.get())
    outbox.pump(step, seconds=30)
    engine.tick(now + timedelta(days=14))
    draft.refresh_from_db()
    found = results.results(draft, now + timedelta(days=15))
    assert (draft.status, found.is_over) == ("finished", True)
    assert found.funnel.treated.sent == found.funnel.treated.members
    engine.tick(now + timedelta(days=14, minutes=1))
    assert draft.runs.get().summary["sent"] == found.funnel.treated.sent
