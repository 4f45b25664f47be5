"""The field on which the outbox is shot at: members, a mail server with a memory, workers to kill."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
from aiosmtpd.controller import Controller

from members.models import Consent, Identity, Member, Pool
from scrm.lib import crypto, sql
from tests.children import environment
from tests.fixtures import AS_OF
from touchpoints import services
from touchpoints.models import Connector, Content, Step

ROOT = Path(__file__).resolve().parents[2]
PACE = (2.0, 0.6, 0.2)  # lease, budget, grace: short, so that a test does not wait


class Postman:
    """A mail server that remembers every message it took, and misbehaves when told."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.calls = 0
        self.delay = 0.0
        self.mute: set[str] = set()  # takes the message and never answers
        self.refuse: dict[str, str] = {}

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.calls += 1
        if address in self.refuse:
            return self.refuse[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        import asyncio

        (address,) = envelope.rcpt_tos
        self.taken[address] += 1
        await asyncio.sleep(5 if address in self.mute else self.delay)
        return "250 taken"


@pytest.fixture
def postman() -> Iterator[Postman]:
    keeper = Postman()
    controller = Controller(keeper, hostname="127.0.0.1", port=free_port())
    controller.start()
    keeper.port = controller.port  # type: ignore[attr-defined]
    yield keeper
    controller.stop()


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mail(pool: Pool) -> Callable[..., Connector]:
    def connect(port: int, **config: Any) -> Connector:
        given = {"host": "127.0.0.1", "port": port, "security": "none", "from_email": "shop@example.com", "timeout": 1, **config}
        return services.save_connector(pool=pool, key="email_smtp", name="mail", config=given)

    return connect


@pytest.fixture
def fake(pool: Pool) -> Connector:
    return services.save_connector(
        pool=pool, key="fake", name="fake", config={"mode": "record", "delivered": 0, "read": 0, "clicked": 0}
    )


@pytest.fixture
def planned(pool: Pool, as_of: datetime) -> Callable[..., Step]:
    """A step with `n` members who may be written to, m1@example.com …"""

    def plan(connector: Connector, n: int) -> Step:
        ids = sql.next_ids("members_member_id_seq", n)
        names = {number: f"m{index + 1}@example.com" for index, number in enumerate(ids)}
        Member.objects.bulk_create(
            Member(id=number, pool=pool, name=names[number][:4], joined_at=as_of, updated_at=as_of) for number in ids
        )
        Identity.objects.bulk_create(
            Identity(
                pool=pool, kind="email", value_hash=crypto.fingerprint(f"email:{name}"), member_id=number,
                sealed=crypto.encrypt(name, "email"), seen_at=as_of,
            )
            for number, name in names.items()
        )  # fmt: skip
        Consent.objects.bulk_create(
            Consent(member_id=number, carrier=connector.carrier, purpose="marketing", granted=True, at=as_of, source="t")
            for number in ids
        )
        content = Content.objects.create(pool=pool, carrier="email", name="c", subject="Hi {{member.name}}", body="Hello")
        step = services.open_step(pool=pool, source="fire", connector=connector, due_at=as_of)
        services.plan_deliveries(step=step, candidates=services.Candidates.of(ids, content.pk), as_of=as_of)
        return step

    return plan


class Nursery:
    """Starts worker processes and shoots at them."""

    def __init__(self) -> None:
        self.environment = {**environment(), "LOG_LEVEL": "ERROR"}
        self.program = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("nursery.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=self.environment, cwd=ROOT,
        )  # fmt: skip
        assert self._line() == "ready"
        self.pids: list[int] = []

    def _line(self) -> str:
        assert self.program.stdout
        return self.program.stdout.readline().strip()

    def start(self, step: Step, **order: Any) -> int:
        given = {"step": step.pk, "pace": PACE, "as_of": AS_OF.isoformat(), **order}
        assert self.program.stdin
        self.program.stdin.write(json.dumps(given) + "\n")
        self.program.stdin.flush()
        pid = int(self._line())
        self.pids.append(pid)
        return pid

    def is_alive(self, pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False

    def wait(self, pid: int, seconds: float = 300) -> None:
        until(lambda: not self.is_alive(pid), seconds)

    def wait_frozen(self, pid: int) -> None:
        until(lambda: psutil.Process(pid).status() == psutil.STATUS_STOPPED, 20)

    def signal(self, pid: int, number: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, number)

    def kill_all(self) -> None:
        for pid in self.pids:
            self.signal(pid, signal.SIGKILL)
        self.pids.clear()


@pytest.fixture(scope="session")
def program(django_db_setup: None) -> Iterator[Nursery]:
    workers = Nursery()
    yield workers
    workers.program.kill()
    workers.program.wait()


@pytest.fixture
def nursery(transactional_db: None, program: Nursery) -> Iterator[Nursery]:
    yield program
    program.kill_all()


def until(true: Callable[[], bool], seconds: float = 300) -> None:
    """Wait for something, but not forever."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
