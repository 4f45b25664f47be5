"""Sensitive values at rest: AES-256-GCM with a key id, and a keyed hash to find them by."""

import base64
import hashlib
import hmac
import os
from dataclasses import dataclass
from functools import cache

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE = 12


@dataclass(frozen=True)
class KeyRing:
    """`FIELD_KEYS` is "id:base64,id:base64": the first encrypts, all decrypt."""

    keys: dict[str, bytes]
    current: str

    @classmethod
    def parse(cls, text: str) -> "KeyRing":
        pairs = [part.strip().split(":", 1) for part in text.split(",") if part.strip()]
        keys = {name: base64.urlsafe_b64decode(value) for name, value in pairs}
        return cls(keys, pairs[0][0])


@cache
def ring() -> KeyRing:
    return KeyRing.parse(settings.FIELD_KEYS)


@cache
def _index_key() -> bytes:
    # Look-up must survive rotation of the encrypting key, so it hangs on the oldest one.
    oldest = list(ring().keys.values())[-1]
    return hashlib.blake2b(oldest, digest_size=32, person=b"scrm-index").digest()


def encrypt(plain: str, context: str = "") -> bytes:
    """Key id, nonce and ciphertext; `context` binds the value to where it belongs."""
    keys = ring()
    nonce = os.urandom(NONCE)
    sealed = AESGCM(keys.keys[keys.current]).encrypt(nonce, plain.encode(), context.encode())
    return keys.current.encode() + b":" + nonce + sealed


def decrypt(sealed: bytes | memoryview, context: str = "") -> str:
    """The plain text; raises InvalidTag when it was tampered with or moved."""
    name, _, rest = bytes(sealed).partition(b":")
    return AESGCM(ring().keys[name.decode()]).decrypt(rest[:NONCE], rest[NONCE:], context.encode()).decode()


def fingerprint(value: str) -> bytes:
    """A 16-byte keyed hash: equal values meet, nothing can be read back."""
    return hmac.digest(_index_key(), value.encode(), "sha256")[:16]
