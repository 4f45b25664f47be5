"""The catch-all inbox of this machine as a provider: what it stored was delivered, and it says so.

It is read, not trusted to call: its files are named by their arrival, so the last name seen is a cursor.
"""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings

from members import identities
from members.models import Pool
from scrm.inbox import KEEP, Message
from touchpoints import links
from touchpoints.connectors.base import Receipt
from touchpoints.models import Connector, Step

AT_ONCE = 2000
HEAD = 8192
NAME = re.compile(r"\d{19}-[0-9a-f]{8}\.eml")
KEY = re.compile(rb"^X-Delivery-Key: (\S+)\r?$", re.MULTILINE)
TEST_KEY = re.compile(r"test-(\d+)-\d+")
ADDRESS = re.compile(r"[^\s<>@,;:\"]+@[^\s<>@,;:\"]+")


def is_ours(config: dict[str, Any]) -> bool:
    """Whether a connector writes into the inbox that `make up` started."""
    return config.get("host") in ("127.0.0.1", "localhost") and int(config.get("port") or 0) == settings.INBOX_PORT


def stored(cursor: str) -> tuple[list[Receipt], str]:
    """Delivered-receipts of the messages stored after `cursor`, oldest first."""
    home = Path(settings.INBOX_DIR)
    if not home.exists():
        return [], cursor
    with os.scandir(home) as entries:
        names = sorted(entry.name for entry in entries if entry.name > cursor and NAME.fullmatch(entry.name))[:AT_ONCE]
    found = [receipt for name in names if (receipt := _receipt(home / name))]
    return found, names[-1] if names else cursor


def _receipt(path: Path) -> Receipt | None:
    try:
        with path.open("rb") as file:
            key = KEY.search(file.read(HEAD))
    except FileNotFoundError:  # pruned meanwhile
        return None
    if key is None:
        return None
    return Receipt(key[1].decode(errors="replace"), "delivered", datetime.fromtimestamp(int(path.name[:19]) / 1e9, UTC))


# -- Who may read what ---------------------------------------------------------------------------
def of_pool(pool: Pool) -> Callable[[str], bool]:
    """Chooses the messages a pool sent, by id; those that no pool sent are everybody's."""
    steps = set(Step.objects.filter(pool=pool).values_list("pk", flat=True))
    connectors = set(Connector.objects.filter(pool=pool).values_list("pk", flat=True))

    def sent(name: str) -> bool:
        key = _key(str(settings.INBOX_DIR), name)
        if test := TEST_KEY.fullmatch(key):
            return int(test[1]) in connectors
        found = links.delivery_of(key)
        return not key or (found is not None and found[1] in steps)

    return sent


@lru_cache(maxsize=KEEP)  # what was kept never changes
def _key(home: str, name: str) -> str:
    try:
        with (Path(home) / f"{name}.eml").open("rb") as file:
            found = KEY.search(file.read(HEAD))
    except FileNotFoundError:  # pruned meanwhile
        return ""
    return found[1].decode(errors="replace") if found else ""


def masked(message: Message) -> Message:
    """A message for somebody who may not see members' addresses."""
    headers = tuple((name, _hidden(value) if name.lower() in ("to", "x-rcpt-to") else value) for name, value in message.headers)
    return replace(message, to=_hidden(message.to), headers=headers)


def _hidden(text: str) -> str:
    return ADDRESS.sub(lambda found: identities.hint("email", found[0]), text)
