"""A catch-all mail server for trying campaigns: takes every message, delivers none, keeps them readable.

`python -m scrm.inbox` serves; `messages()` and `message()` read what it kept: one .eml file each,
written beside its place and renamed, so a reader never sees half of one.
"""

import asyncio
import email
import email.policy
import heapq
import os
import re
import secrets
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

KEEP = 50_000  # newest messages; a demo that runs for months must not fill the disk
_PRUNE_EVERY = 1000
_LARGEST = 30 * 1024**2
_ID = re.compile(r"\d{19}-[0-9a-f]{8}")


@dataclass(frozen=True)
class Message:
    """One kept e-mail, decoded."""

    id: str
    received_at: datetime
    sender: str
    to: str
    subject: str
    date: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]
    size: int


Wanted = Callable[[str], bool]  # by a message's id


# -- Reading -------------------------------------------------------------------------------------


def messages(
    limit: int = 50,
    *,
    before: str = "",
    to: str = "",
    home: Path | None = None,
    wanted: Wanted | None = None,
    seen: Callable[[Message], Message] = lambda kept: kept,
) -> list[Message]:
    """The newest messages, older than the id `before`, to an address containing `to`.

    `wanted` chooses by id before anything is decoded; `seen` makes of a message what its reader may see,
    and only that is searched.
    """
    home = home or _home()
    found: list[Message] = []
    for name in _newest(home, before, None if to or wanted else limit):
        if wanted and not wanted(name):
            continue
        kept = message(name, home=home)
        kept = kept and seen(kept)
        if kept and to.lower() in kept.to.lower():
            found.append(kept)
            if len(found) == limit:
                break
    return found


def message(name: str, *, home: Path | None = None) -> Message | None:
    """One message by its id."""
    if not _ID.fullmatch(name):
        return None
    try:
        raw = ((home or _home()) / f"{name}.eml").read_bytes()
    except FileNotFoundError:
        return None
    return _decoded(name, raw)


def count(*, home: Path | None = None, wanted: Wanted | None = None) -> int:
    """How many messages are kept."""
    return sum(1 for name in _names(home or _home()) if not wanted or wanted(name))


def clear(*, home: Path | None = None) -> int:
    """Forget every message; how many there were."""
    home = home or _home()
    names = list(_names(home))
    for name in names:
        (home / f"{name}.eml").unlink(missing_ok=True)
    return len(names)


def _home() -> Path:
    from django.conf import settings

    return Path(settings.INBOX_DIR)


def _names(home: Path) -> Iterator[str]:
    if not home.exists():
        return
    with os.scandir(home) as entries:
        for entry in entries:
            name, _, kind = entry.name.partition(".")
            if kind == "eml" and _ID.fullmatch(name):
                yield name


def _newest(home: Path, before: str, limit: int | None) -> list[str]:
    names = (name for name in _names(home) if not before or name < before)
    return heapq.nlargest(limit, names) if limit else sorted(names, reverse=True)


def _decoded(name: str, raw: bytes) -> Message:
    parsed = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    headers = tuple((key, _text(value)) for key, value in parsed.items())
    first = {key.lower(): value for key, value in reversed(headers)}
    return Message(
        id=name,
        received_at=datetime.fromtimestamp(int(name[:19]) / 1e9, UTC),
        sender=first.get("from", ""),
        to=first.get("x-rcpt-to") or first.get("to", ""),
        subject=first.get("subject", ""),
        date=first.get("date", ""),
        text=_body(parsed, "plain"),
        html=_body(parsed, "html"),
        headers=headers,
        size=len(raw),
    )


def _text(value: object) -> str:
    # Undecodable bytes arrive as lone surrogates, which no page can print.
    return str(value).encode("utf-8", "replace").decode().replace("\r\n", "\n")


def _body(parsed: EmailMessage, kind: str) -> str:
    part = parsed.get_body((kind,))
    if part is None:
        return ""
    try:
        return _text(part.get_content())
    except (LookupError, ValueError):  # a charset nobody knows
        payload = part.get_payload(decode=True)
        return payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""


# -- Serving -------------------------------------------------------------------------------------


class Keeper:
    """The handler of the mail server: writes each message to its own file."""

    def __init__(self, home: Path) -> None:
        self.home, self.received = home, 0
        (home / "draft").mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the message, then say so: what was answered with 250 is on disk."""
        name = f"{time.time_ns():019d}-{secrets.token_hex(4)}"
        envelope_lines = f"Return-Path: <{envelope.mail_from or ''}>\r\nX-Rcpt-To: {', '.join(envelope.rcpt_tos)}\r\n"
        draft = self.home / "draft" / name
        content = envelope.content or b""
        draft.write_bytes(envelope_lines.encode() + (content if isinstance(content, bytes) else content.encode()))
        draft.rename(self.home / f"{name}.eml")
        self.received += 1
        if self.received % _PRUNE_EVERY == 0:
            self.prune()
        return f"250 kept as {name}"

    def prune(self, keep: int = KEEP) -> None:
        """Forget the oldest messages beyond `keep`."""
        for name in sorted(_names(self.home), reverse=True)[keep:]:
            (self.home / f"{name}.eml").unlink(missing_ok=True)


async def serve(home: Path, host: str, port: int, stop: asyncio.Event, ready: Callable[[int], None] = lambda port: None) -> None:
    """Take mail until `stop` is set; `ready` is told the port."""
    keeper = Keeper(home)

    def session() -> Any:
        return SMTP(keeper, data_size_limit=_LARGEST, enable_SMTPUTF8=True, ident="catch-all", loop=asyncio.get_running_loop())

    server = await asyncio.get_running_loop().create_server(session, host, port)
    async with server:
        ready(server.sockets[0].getsockname()[1])
        await stop.wait()


async def _main() -> None:
    from django.conf import settings

    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host = os.environ.get("INBOX_BIND", "127.0.0.1")
    sys.stdout.write(f"Taking mail on {host}:{settings.INBOX_PORT} into {settings.INBOX_DIR}\n")
    await serve(Path(settings.INBOX_DIR), host, settings.INBOX_PORT, stop)


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "scrm.settings")
    asyncio.run(_main())
