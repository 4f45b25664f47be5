"""What comes back: receipts of providers, opened mails, followed links, people who leave.

A receipt is kept as it came, once, and moves its delivery only forward.
"""

import hashlib
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from members import consents
from members.models import Consent, Member, Pool
from members.touching import DELIVERED, SENT, touch, touch_if_read
from members.versions import bump
from scrm.lib import clock, formats, sql
from touchpoints import breaker, links, signatures
from touchpoints.connectors.base import Receipt
from touchpoints.connectors.registry import unseal
from touchpoints.models import Call, Connector, Step

KINDS = ("delivered", "read", "clicked", "failed", "bounced", "complained", "unsubscribed")
MOST = 1000  # receipts in one request


@transaction.atomic
def record(found: Iterable[Receipt], *, connector: Connector | None = None, as_of: datetime | None = None) -> int:
    """Keep and apply receipts; how many were new. A connector reports on its own deliveries only.

    `as_of`: when they came in; what a clock that runs fast dates later happened then.
    """
    rows = [(receipt, ids) for receipt in found if receipt.kind in KINDS and (ids := links.delivery_of(receipt.key))]
    if not rows:
        return 0
    fresh = sql.rows(
        "touchpoints/apply_receipts",
        {
            "connector": connector.pk if connector else None,
            "digests": [_digest(receipt, connector) for receipt, _ids in rows],
            "members": [member for _receipt, (member, _step) in rows],
            "steps": [step for _receipt, (_member, step) in rows],
            "kinds": [receipt.kind for receipt, _ids in rows],
            "ats": [min(receipt.at, as_of or receipt.at) for receipt, _ids in rows],
            "details": [receipt.detail for receipt, _ids in rows],
        },
    )
    _consequences(fresh)
    return len(fresh)


def _digest(receipt: Receipt, connector: Connector | None) -> bytes:
    # What readers' devices report counts once per delivery and link; providers' receipts once per instant.
    when = receipt.at.isoformat() if connector else receipt.detail
    who = connector.pk if connector else 0
    return hashlib.sha256(f"{who}|{receipt.key}|{receipt.kind}|{when}".encode()).digest()


def _consequences(fresh: list[dict[str, Any]]) -> None:
    for row in fresh:
        if row["kind"] in ("bounced", "complained", "unsubscribed"):
            step = Step.objects.select_related("connector", "pool").get(pk=row["step_id"])
            if row["kind"] == "bounced":
                breaker.block(step, step.connector.carrier, row["member_id"], row["detail"] or "", row["at"])
            else:
                withdraw(step=step, member_id=row["member_id"], at=row["at"], source=f"{row['kind']}:{step.source}")
    for pool_id in {row["pool_id"] for row in fresh if row["pool_id"]}:
        bump(pool_id, "deliveries")
        told = [row for row in fresh if row["pool_id"] == pool_id]
        touch(pool_id, {row["member_id"] for row in told if row["kind"] in ("read", "clicked")})
        touch_if_read(pool_id, {row["member_id"] for row in told if row["kind"] == "delivered"}, SENT, DELIVERED)


def withdraw(*, step: Step, member_id: int, at: datetime, source: str) -> bool:
    """A member takes back the consent to marketing through this step's carrier; whether that is what holds now."""
    return consents.record(
        member=Member.objects.get(pk=member_id),
        carrier=step.connector.carrier,
        purpose=Consent.Purpose.MARKETING,
        granted=False,
        at=at,
        source=source[:60],
        actor=None,
    )


# -- Readers' devices ----------------------------------------------------------------------------
def opened(ticket: links.Ticket, at: datetime) -> None:
    """A mail was shown (its pixel was fetched)."""
    record([Receipt(links.key_of(ticket.member_id, ticket.step_id), "read", at)])


def clicked(ticket: links.Ticket, at: datetime) -> None:
    """A link was followed."""
    record([Receipt(links.key_of(ticket.member_id, ticket.step_id), "clicked", at, str(ticket.link))])


def unsubscribed(ticket: links.Ticket, at: datetime) -> None:
    """A reader wants no more of it."""
    record([Receipt(links.key_of(ticket.member_id, ticket.step_id), "unsubscribed", at)])


# -- Requests from outside -----------------------------------------------------------------------
def take_call(*, connector: Connector, kind: str, headers: dict[str, str], body: bytes, at: datetime) -> Call | None:
    """Keep a request raw, once; None when the signature does not fit and nothing was kept."""
    genuine = signatures.is_genuine(unseal(connector).get("secret", ""), headers, body, at)
    if kind == Call.Kind.RECEIPTS and not genuine:
        return None
    identity = headers.get("webhook-id", "") if genuine else ""
    digest = hashlib.sha256(f"{kind}|{identity}|".encode() + (b"" if identity else body)).digest()
    kept = {name: value for name, value in headers.items() if name.startswith(("webhook-", "content-", "user-agent"))}
    text = body.decode("utf-8", "replace").replace("\x00", "")
    call, _is_new = Call.objects.get_or_create(
        connector=connector,
        digest=digest,
        defaults={
            "kind": kind,
            "headers": kept,
            "body": text,
            "is_genuine": genuine,
            "received_at": at,
            "handled_at": at if kind == Call.Kind.CAUGHT else None,
        },
    )
    return call


def handle_calls(limit: int = 200) -> int:
    """Read the receipts in requests that were only stored so far; how many requests."""
    calls = list(Call.objects.filter(handled_at=None).select_related("connector").order_by("pk")[:limit])
    for call in calls:
        try:
            record(read_body(call.body), connector=call.connector, as_of=call.received_at)
            problem = ""
        except ValueError as error:
            problem = str(error)[:200]
        Call.objects.filter(pk=call.pk).update(handled_at=clock.now(), problem=problem)
    return len(calls)


def read_body(body: str) -> list[Receipt]:
    """`{"receipts": [{"key", "kind", "at", "detail"}]}`; raises ValueError that says what is wrong."""
    try:
        data = json.loads(body)
    except ValueError:
        raise ValueError(_("不是有效的 JSON")) from None
    rows = data.get("receipts") if isinstance(data, dict) else None
    if not isinstance(rows, list) or len(rows) > MOST:
        raise ValueError(_("须有 receipts 列表，最多 %(n)s 条") % {"n": MOST})
    return [_receipt(row, n) for n, row in enumerate(rows)]


def _receipt(row: Any, n: int) -> Receipt:
    wanted = isinstance(row, dict) and isinstance(row.get("key"), str) and row.get("kind") in KINDS
    try:
        at = datetime.fromisoformat(row["at"]) if wanted else None
    except (KeyError, TypeError, ValueError):
        at = None
    if at is None or at.tzinfo is None:
        raise ValueError(
            _("第 %(n)s 条回执须有 key、kind（%(kinds)s）和带时区的 at") % {"n": n + 1, "kinds": formats.listed(KINDS)}
        )
    return Receipt(row["key"], row["kind"], at, str(row.get("detail") or "")[:200])


def may_catch(connector: Connector) -> bool:
    """Whether this connector's pool may catch its own webhooks: demo pools and sandboxes only."""
    return connector.is_sandbox or Pool.objects.filter(pk=connector.pool_id, is_demo=True).exists()
