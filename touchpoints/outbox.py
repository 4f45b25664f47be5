"""The outbox: claim, intend, send, record. The deliveries table is the queue; a Celery message is only a hint.

What keeps a message from going out twice, whatever dies or freezes and whenever:
* a claim is a lease with a token, taken with SKIP LOCKED, judged by the database's clock;
* the intent to send is committed *before* the provider is called, in micro-batches;
* the clock of the deadline starts *before* the intent is issued and is looked at before every single
  call, so a worker that was frozen past its lease sends nothing when it wakes up;
* an intent without an answer becomes unknown, never planned: only look-up or the provider's own key
  may follow (resolving.py).
"""

import logging
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from members.touching import SENT, touch_if_read
from members.versions import bump
from scrm.lib import crypto, sql
from touchpoints import breaker, links, policy
from touchpoints.connectors import base
from touchpoints.connectors.base import Accepted, Deadline, Message, Outcome
from touchpoints.connectors.registry import opened
from touchpoints.fields import Row
from touchpoints.library import compiled
from touchpoints.models import Content, Delivery, Step
from touchpoints.rendering import Compiled

log = logging.getLogger("touchpoints")
S = Delivery.Status
CHUNK = 500
ATTEMPTS = 6
FIRST_WAIT, LONGEST_WAIT = timedelta(seconds=30), timedelta(hours=1)


@dataclass(frozen=True)
class Pace:
    """Times that keep each other in check: budget + one provider call must end well inside the lease."""

    lease: timedelta = timedelta(seconds=60)
    budget: float = 15.0
    grace: timedelta = timedelta(seconds=5)


PACE = Pace()


@dataclass
class Pumped:
    """What one shift did."""

    accepted: int = 0
    failed: int = 0
    retried: int = 0
    unknown: int = 0
    suppressed: int = 0
    stopped: str = ""  # why it ended: done, paused, quiet, breaker, rate, closed, time

    @property
    def handled(self) -> int:
        return self.accepted + self.failed + self.retried + self.unknown + self.suppressed


def pump(step_id: int, *, as_of: datetime | None = None, seconds: float = 20.0, pace: Pace = PACE, chunk: int = CHUNK) -> Pumped:
    """Send what is due of one step, for at most `seconds`. Any number may run at once, anywhere.

    `as_of` stands for the database's clock in questions of schedule (never of leases).
    """
    step = Step.objects.select_related("connector", "pool").get(pk=step_id)
    shift = _Shift(step, pace, chunk, as_of)
    try:
        shift.work(Deadline(seconds))
    finally:
        shift.line.close()
    if shift.done.handled:
        bump(step.pool_id, "deliveries")
    return shift.done


@dataclass
class _Shift:
    """One pump at work on one step."""

    step: Step
    pace: Pace
    chunk: int
    as_of: datetime | None
    done: Pumped = field(default_factory=Pumped)
    contents: dict[int, Compiled] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.connector = self.step.connector
        self.line = opened(self.connector)
        self.caps = self.line.caps
        self.rules = policy.of(self.step.pool)
        self.straight = self.caps.batch >= self.chunk
        self.shared = {"zone": self.step.pool.zone, "pool_name": self.step.pool.name, "variables": self.step.variables}

    # -- The loop --------------------------------------------------------------------------------
    def work(self, end: Deadline) -> None:
        self._roll()
        while not end.passed():
            self.done.stopped = self._hindrance()
            if self.done.stopped or not self._chunk(end):
                return
        self.done.stopped = "time"

    def now(self) -> datetime:
        if self.as_of is not None:
            return self.as_of
        ((moment,),) = sql.fetch("SELECT clock_timestamp()")
        return moment  # type: ignore[no-any-return]

    def _hindrance(self) -> str:
        """Why nothing may leave right now; empty when it may."""
        step = Step.objects.select_related("connector").get(pk=self.step.pk)
        now = self.moment = self.now()
        if step.is_paused or step.is_cancelled or not step.connector.is_active:
            return "paused"
        if breaker.is_open(step.connector):
            return "breaker"
        if step.closes_at and now >= step.closes_at:
            sql.execute("touchpoints/cancel_planned", {"step": step.pk, "reason": "closed"})
            return "closed"
        slot = self.rules.next_slot(now, step.pool.zone, step.purpose)
        if slot > now:
            sql.execute("touchpoints/delay_deliveries", {"step": step.pk, "slot": slot})
            return "quiet"
        return ""

    def _roll(self) -> None:
        """Messages kept past their day compete for today's cap."""
        now, zone = self.now(), self.step.pool.zone
        if self.step.purpose != "marketing" or policy.day_of(self.step.due_at, zone) >= policy.day_of(now, zone):
            return
        with transaction.atomic():
            sql.fetch("SELECT pg_advisory_xact_lock(hashtextextended('touchpoints.plan', %(p)s))", {"p": self.step.pool_id})
            caps = {"cap_day": self.rules.cap_day, "cap_week": self.rules.cap_week}
            sql.execute("touchpoints/roll_days", {"step": self.step.pk, "now": now, "today": policy.day_of(now, zone), **caps})

    def _chunk(self, end: Deadline) -> bool:
        """Claim and send one chunk; whether there may be more to do."""
        token = str(uuid.uuid4())
        allowed = breaker.permits(self.connector, self.chunk)
        if not allowed:
            self.done.stopped = "rate"
            return False
        deadline = Deadline(self.pace.budget)  # before the claim, which may already be the intent
        rows = self._claim(token, allowed)
        if not rows:
            self.done.stopped = "done"
            return False
        rows = self._withhold(token, rows)
        messages = self._messages(token, rows)
        attempts = {row["member_id"]: row["attempt"] + (not self.straight) for row in rows}
        for batch in _batches(list(messages), self.caps.batch):
            if not self.straight:
                if end.passed():
                    self._release(token, batch)
                    continue
                deadline = Deadline(self.pace.budget)  # before the intent is issued, or a freeze restarts it
                batch = self._intend(token, batch)
            if batch and not self._send(token, [messages[member] for member in batch], batch, attempts, deadline):
                self._release(token, list(messages))
                return False
        return True

    # -- Statements ------------------------------------------------------------------------------
    def _params(self, token: str) -> dict[str, Any]:
        return {
            "step": self.step.pk,
            "pool": self.step.pool_id,
            "token": token,
            "lease": self.pace.lease,
            "now": self.moment,
            "address": self.caps.address,
            "carrier": self.connector.carrier,
            "purpose": self.step.purpose,
        }

    def _claim(self, token: str, n: int) -> list[dict[str, Any]]:
        window = self.caps.idempotency or timedelta(0)
        params = self._params(token) | {"straight": self.straight, "n": n, "window": window}
        return sql.rows("touchpoints/claim_deliveries", params)

    def _withhold(self, token: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        refused = [row for row in rows if row["refusal"]]
        if not refused:
            return rows
        given = {"members": [row["member_id"] for row in refused], "reasons": [row["refusal"] for row in refused]}
        self.done.suppressed += sql.execute("touchpoints/withhold_deliveries", {"step": self.step.pk, "token": token, **given})
        return [row for row in rows if not row["refusal"]]

    def _intend(self, token: str, batch: list[int]) -> list[int]:
        turned = sql.rows("touchpoints/intend_deliveries", self._params(token) | {"members": batch})
        self.done.suppressed += sum(row["status"] == S.SUPPRESSED for row in turned)
        sending = {row["member_id"] for row in turned if row["status"] == S.SENDING}
        return [member for member in batch if member in sending]

    def _release(self, token: str, members: list[int]) -> None:
        sql.execute("touchpoints/release_deliveries", {"step": self.step.pk, "token": token, "members": members})

    # -- Writing the messages --------------------------------------------------------------------
    def _messages(self, token: str, rows: list[dict[str, Any]]) -> dict[int, Message]:
        """Rendered messages by member; one that cannot be written is kept back and holds up nobody."""
        messages, broken = {}, []
        for row in self._filled(rows):
            try:
                messages[row["member_id"]] = self._message(row)
            except Exception:
                log.exception("delivery %s cannot be written", links.key_of(row["member_id"], row["step_id"]))
                broken.append({**row, "refusal": "unreadable"})
        self._withhold(token, broken)
        return messages

    def _filled(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Rows with what upper apps know about their members."""
        loaders = {each.key: each for row in rows for each in self._content(row).loaders()} if rows else {}
        for key, each in loaders.items():
            assert each.load is not None
            known = each.load(self.step.pool_id, [row["member_id"] for row in rows])
            for row in rows:
                row[key] = known.get(row["member_id"], "")
        return rows

    def _content(self, row: Row) -> Compiled:
        found = self.contents.get(row["content_id"])
        if found is None:
            content = Content.objects.select_related("pool").get(pk=row["content_id"])
            found = self.contents[row["content_id"]] = compiled(content, purpose=self.step.purpose)
        return found

    def _message(self, row: dict[str, Any]) -> Message:
        ready = self._content(row)
        row |= self.shared
        row["now"] = self.moment
        ready.prepare(row)
        member, sealed = row["member_id"], row["sealed"]
        return Message(
            links.key_of(row["sent_as"], row["step_id"]),
            (crypto.decrypt(sealed, self.caps.address) if sealed is not None else row["address"]) or "",
            ready.subject.render(row),
            ready.text.render(row),
            ready.html.render(row) if self.caps.html else "",
            row.get("leave") or "",
            row["attempt"] + (not self.straight),
            {} if self.caps.html else {"member": {"id": member, "name": row["name"]}, "link": row.get("link:0", "")},
        )

    # -- Sending and recording -------------------------------------------------------------------
    def _send(
        self, token: str, messages: Sequence[Message], members: Sequence[int], attempts: dict[int, int], deadline: Deadline
    ) -> bool:
        """Call the provider and write down what it said; whether to go on with this connector."""
        try:
            outcomes = self.line.send(messages, deadline)
        except base.SendError as error:
            outcomes = [error] * len(messages)
        except Exception as error:  # a connector's own mistake must not look like "not sent"
            outcomes = [base.Unknown(f"{type(error).__name__}: {error}")] * len(messages)
        groups: dict[tuple[Any, ...], list[int]] = defaultdict(list)
        for member, outcome in zip(members, outcomes, strict=True):
            groups[self._verdict(outcome, attempts[member])].append(member)
            if isinstance(outcome, base.BadRecipient) and outcome.block:
                breaker.block(self.step, self.connector.carrier, member, outcome.detail, self.moment)
        for verdict, group in groups.items():
            self._record(token, verdict, group)
        return breaker.learn(self.connector, outcomes)

    def _verdict(self, outcome: Outcome, attempt: int) -> tuple[int, str, str, str, timedelta, int]:
        """(status, reason, detail, ref, wait, whether the attempt was not used)."""
        none = timedelta(0)
        if isinstance(outcome, Accepted):
            return S.ACCEPTED, "", "", outcome.ref, none, 0
        if isinstance(outcome, base.Unknown):
            return S.UNKNOWN, "no_answer", outcome.detail, "", none, 0
        if isinstance(outcome, base.BadRecipient | base.BadContent):
            return S.FAILED, outcome.code, outcome.detail, "", none, 0
        if isinstance(outcome, base.Retryable) and not isinstance(outcome, base.Down | base.Throttled):
            if attempt >= ATTEMPTS:
                return S.FAILED, "retries", outcome.detail, "", none, 0
            return S.PLANNED, "", outcome.detail, "", outcome.after if outcome.after is not None else backoff(attempt), 0
        # The connector's trouble, not this message's: the breaker decides when to try again.
        return S.PLANNED, "", outcome.detail, "", outcome.after or none, 1

    def _record(self, token: str, verdict: tuple[int, str, str, str, timedelta, int], members: list[int]) -> None:
        status, reason, detail, ref, wait, unused = verdict
        given = {"status": status, "reason": reason, "detail": detail[:200], "ref": ref[:80], "unused": unused}
        params = self._params(token) | given | {"members": members, "next_at": self.moment + wait}
        with transaction.atomic():
            written = {row["member_id"] for row in sql.rows("touchpoints/record_outcomes", params)}
            if status == S.ACCEPTED:
                touch_if_read(self.step.pool_id, written, SENT)
        name = {S.ACCEPTED: "accepted", S.FAILED: "failed", S.UNKNOWN: "unknown"}.get(S(status), "retried")
        setattr(self.done, name, getattr(self.done, name) + len(written))


def backoff(attempt: int) -> timedelta:
    """30 s, 1 min, 2 min … up to an hour, each half as much more or less."""
    wait = min(FIRST_WAIT * 2 ** (attempt - 1), LONGEST_WAIT)
    return wait * random.uniform(0.5, 1.5)  # noqa: S311  (spreads load, keeps no secret)


def _batches(members: list[int], size: int) -> Iterator[list[int]]:
    for start in range(0, len(members), size):
        yield members[start : start + size]
