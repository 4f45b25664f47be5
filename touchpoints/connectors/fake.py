"""A provider that is not there: records, answers, fails and reports as it is told. For demo, tests, benchmarks."""

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext_lazy as _

from scrm.lib import clock
from touchpoints.connectors import sandbox
from touchpoints.connectors.base import (
    Accepted,
    BadRecipient,
    Capabilities,
    Deadline,
    Down,
    Found,
    Message,
    NotTried,
    Outcome,
    Plain,
    Problem,
    Receipt,
    Retryable,
    Setting,
    Unknown,
)

MODES = (("record", _("记录")), ("null", _("丢弃（压测）")), ("down", _("模拟服务中断")))
TAKEN = Accepted()
POLL = 500


def chance(key: str, what: str) -> float:
    """The same number between 0 and 100 for the same message and question."""
    return int.from_bytes(hashlib.blake2b(f"{what}:{key}".encode(), digest_size=4).digest()) / 2**32 * 100


class Fake(Plain):
    """Failures and receipts are drawn from a hash of the message's key: the same run fails the same way."""

    title = _("模拟通道")
    icon = "test-pipe"
    caps = Capabilities(
        carrier="email",
        address="email",
        batch=500,
        html=True,
        subject=True,
        lookup=True,
        idempotency=timedelta(days=1),
        receipts=frozenset({"poll"}),
    )
    settings = (
        Setting("mode", _("方式"), "choice", choices=MODES, default="record"),
        Setting("bad_recipient", _("无效地址（%）"), "number", default=0, required=False),
        Setting("retry", _("首次失败后重试（%）"), "number", default=0, required=False),
        Setting("unknown", _("已收下但没有回答（%）"), "number", default=0, required=False),
        Setting("delivered", _("送达（%）"), "number", default=100, required=False),
        Setting("read", _("打开（%）"), "number", default=30, required=False),
        Setting("clicked", _("点击（%）"), "number", default=5, required=False),
    )

    @classmethod
    def problems(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[Problem]:
        found = super().problems(config, secrets)
        for each in cls.settings:
            if each.kind == "number" and not 0 <= float(config.get(each.key) or 0) <= 100:
                found.append(Problem(each.key, str(_("须在 0 到 100 之间"))))
        return found

    def check(self) -> str:
        if self.config.get("mode") == "down":
            raise Down(str(_("模拟的服务中断")))
        return "fake"

    def send(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """The whole batch in one call."""
        if deadline.passed():
            return [NotTried()] * len(messages)
        mode = self.config.get("mode")
        if mode == "null":
            return [TAKEN] * len(messages)
        if mode == "down":
            return [Down(str(_("模拟的服务中断"))), *(NotTried() for _each in messages[1:])]
        outcomes = [self._outcome(message) for message in messages]
        kept = [message for message, outcome in zip(messages, outcomes, strict=True) if isinstance(outcome, Accepted | Unknown)]
        if kept:
            sandbox.record(self.connector_id, kept, clock.now())
        return outcomes

    def _outcome(self, message: Message) -> Outcome:
        if chance(message.key, "bad_recipient") < self._percent("bad_recipient"):
            return BadRecipient("550 5.1.1 no such user", block=True)
        if message.attempt == 1 and chance(message.key, "retry") < self._percent("retry"):
            return Retryable("451 try again", after=timedelta(seconds=1))
        if message.attempt == 1 and chance(message.key, "unknown") < self._percent("unknown"):
            return Unknown(str(_("已收下但没有回答")))
        return TAKEN

    def _percent(self, key: str) -> float:
        return float(self.config.get(key) or 0)

    def lookup(self, keys: Sequence[str], since: datetime) -> dict[str, Found]:
        """The records are complete, so absence means that it never arrived."""
        kept = sandbox.known(self.connector_id, keys)
        return {key: Found(key in kept) for key in keys}

    def poll(self, cursor: str) -> tuple[list[Receipt], str]:
        """Receipts of the messages recorded since the last time."""
        from touchpoints.models import Recorded

        rows = list(Recorded.objects.filter(connector_id=self.connector_id, pk__gt=int(cursor or 0)).order_by("pk")[:POLL])
        found = [receipt for row in rows for receipt in self._receipts(row.key, row.at)]
        return found, str(rows[-1].pk) if rows else cursor

    def _receipts(self, key: str, at: datetime) -> list[Receipt]:
        fate = chance(key, "fate")
        stages = (("delivered", 2), ("read", 60), ("clicked", 90))
        return [Receipt(key, kind, at + timedelta(seconds=after)) for kind, after in stages if fate < self._percent(kind)]
