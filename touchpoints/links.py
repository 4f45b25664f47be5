"""Addresses that lead back to one delivery: signed, so that nobody can count or unsubscribe for others."""

import base64
import binascii
import hashlib
import hmac
import struct
from functools import cache
from typing import NamedTuple

from django.conf import settings

OPEN, CLICK, LEAVE, CATCH = b"o", b"c", b"u", b"h"
MAC = 9
BODY = struct.Struct(">IIB")
URL_SAFE = bytes.maketrans(b"+/", b"-_")


class Ticket(NamedTuple):
    """What a token says: which delivery, and which link of its content."""

    member_id: int
    step_id: int
    link: int


@cache
def _keys() -> tuple[bytes, ...]:
    # Mails live longer than keys: tokens of earlier keys are still read.
    return tuple(
        hashlib.blake2b(str(secret).encode(), digest_size=32, person=b"scrm-links").digest()
        for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    )


@cache
def _base() -> str:
    return str(settings.BASE_URL)


def _mac(kind: bytes, body: bytes, key: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=MAC, key=key, person=kind).digest()


@cache
def _keyed(kind: bytes) -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=MAC, key=_keys()[0], person=kind)


def token(kind: bytes, member_id: int, step_id: int, index: int = 0) -> str:
    """24 characters that only we can make."""
    body = BODY.pack(member_id, step_id, index)
    mac = _keyed(kind).copy()
    mac.update(body)
    return binascii.b2a_base64(body + mac.digest(), newline=False).translate(URL_SAFE).decode("ascii")


def read(kind: bytes, text: str) -> Ticket | None:
    """What a token says, or None when it is not ours."""
    try:
        raw = base64.b64decode(text.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        return None
    body, mac = raw[: BODY.size], raw[BODY.size :]
    if len(raw) != BODY.size + MAC or not any(hmac.compare_digest(mac, _mac(kind, body, key)) for key in _keys()):
        return None
    return Ticket(*BODY.unpack(body))


def click(member_id: int, step_id: int, index: int) -> str:
    return f"{_base()}/t/c/{token(CLICK, member_id, step_id, index)}"


def pixel(member_id: int, step_id: int) -> str:
    return f"{_base()}/t/o/{token(OPEN, member_id, step_id)}.gif"


def unsubscribe(member_id: int, step_id: int) -> str:
    return f"{_base()}/t/u/{token(LEAVE, member_id, step_id)}"


def catcher(connector_id: int) -> str:
    """Where this installation receives its own demo webhooks of a connector."""
    return f"{settings.BASE_URL}/hooks/catch/{token(CATCH, 0, connector_id)}"


def key_of(member_id: int, step_id: int) -> str:
    """The name of a delivery towards providers; the same each time it is tried."""
    return f"d{step_id}-{member_id}"


def delivery_of(key: str) -> tuple[int, int] | None:
    """(member, step) of a key, or None when it is none of ours."""
    step, dash, member = key.removeprefix("d").partition("-")
    if not key.startswith("d") or not dash or not (step.isdecimal() and member.isdecimal() and key.isascii()):
        return None
    found = int(member), int(step)
    return found if found[0] < 2**32 and found[1] < 2**63 else None


def hook(connector_id: int) -> str:
    """Where a provider reports receipts of a connector."""
    return f"{_base()}/hooks/{connector_id}"
