"""The catch-all inbox of this machine as a provider: what it stored was delivered, and it says so.

It is read, not trusted to call: its files are named by their arrival, so the last name seen is a cursor.
"""

import os
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings

from touchpoints.connectors.base import Receipt

AT_ONCE = 2000
HEAD = 8192
NAME = re.compile(r"\d{19}-[0-9a-f]{8}\.eml")
KEY = re.compile(rb"^X-Delivery-Key: (\S+)\r?$", re.MULTILINE)


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
