"""The sandbox: any connector, with the world taken away. Messages are recorded where a person can read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from scrm.lib import clock, sql
from touchpoints.connectors.base import (
    Accepted,
    Capabilities,
    Connector,
    Deadline,
    Found,
    Message,
    NotTried,
    Outcome,
    Problem,
    Receipt,
)


def record(connector_id: int, messages: Sequence[Message], at: datetime) -> None:
    """Keep messages once per key; a repeated key is only counted."""
    sql.execute(
        "touchpoints/record_messages",
        {
            "connector": connector_id,
            "keys": [message.key for message in messages],
            "hints": [hint(message.address) for message in messages],
            "subjects": [message.subject[:200] for message in messages],
            "bodies": [message.text for message in messages],
            "at": at,
        },
    )


def hint(address: str) -> str:
    """An address as it may be shown: a***@example.com."""
    name, at, domain = address.partition("@")
    return f"{name[:1]}***@{domain}"[:60] if at else address[:60]


def known(connector_id: int, keys: Sequence[str]) -> set[str]:
    """Which keys were recorded."""
    from touchpoints.models import Recorded

    return set(Recorded.objects.filter(connector_id=connector_id, key__in=list(keys)).values_list("key", flat=True))


class Sandbox:
    """Stands in for a connector and keeps its capabilities, so that everything before it is tried for real."""

    title, icon, settings = "", "", ()

    def __init__(self, inner: Connector) -> None:
        self.inner, self.connector_id = inner, inner.connector_id  # type: ignore[attr-defined]
        self.caps: Capabilities = inner.caps  # type: ignore[misc]

    @classmethod
    def problems(cls, config: dict[str, Any], secrets: dict[str, str]) -> list[Problem]:
        return []

    def check(self) -> str:
        return "sandbox"

    def validate(self, subject: str, body: str) -> list[Problem]:
        return self.inner.validate(subject, body)

    def send(self, messages: Sequence[Message], deadline: Deadline) -> list[Outcome]:
        """Record instead of sending."""
        if deadline.passed():
            return [NotTried() for _ in messages]
        record(self.connector_id, messages, clock.now())
        return [Accepted("sandbox") for _ in messages]

    def lookup(self, keys: Sequence[str], since: datetime) -> dict[str, Found]:
        kept = known(self.connector_id, keys)
        return {key: Found(key in kept) for key in keys}

    def poll(self, cursor: str) -> tuple[list[Receipt], str]:
        return [], cursor

    def close(self) -> None:
        self.inner.close()
