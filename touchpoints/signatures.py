"""Standard Webhooks: `v1,base64(HMAC-SHA256(secret, "id.timestamp.body"))`."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime

PREFIX = "whsec_"
WINDOW = 300  # seconds a signature stays good


def new_secret() -> str:
    """A secret as the standard writes it."""
    return PREFIX + base64.b64encode(secrets.token_bytes(24)).decode()


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True) if secret.startswith(PREFIX) else secret.encode()
    except ValueError:
        return secret.encode()


def sign(secret: str, identity: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`."""
    signed = f"{identity}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(_key(secret), signed, hashlib.sha256)).decode()


def headers(secret: str, identity: str, body: bytes, now: datetime) -> dict[str, str]:
    """The three headers of a signed request."""
    timestamp = int(now.timestamp())
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, identity, timestamp, body),
    }


def is_genuine(secret: str, given: Mapping[str, str], body: bytes, now: datetime) -> bool:
    """Whether a request was signed with our secret within the last five minutes."""
    identity, stamp = given.get("webhook-id", ""), given.get("webhook-timestamp", "")
    if not secret or not identity or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        return False
    if abs(int(stamp) - now.timestamp()) > WINDOW:
        return False
    expected = sign(secret, identity, int(stamp), body).encode()
    # Several signatures may be given while a secret is being changed.
    return any(hmac.compare_digest(expected, each.encode()) for each in given.get("webhook-signature", "").split())
