"""Sensitive values at rest: AES-256-GCM with a key id, and a keyed hash to find them by.

The two kinds of key live apart. Those that encrypt are changed by `manage.py rotate_keys`; the one that
hashes is what the registry of identities is keyed by, and stays (docs/privacy.md says how it would change).
"""

import base64
import hashlib
import hmac
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from scrm.lib import secrets

NONCE = 12
SIZE = 32


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

    def __str__(self) -> str:
        """As it is written down."""
        names = [self.current, *(name for name in self.keys if name != self.current)]
        return ",".join(f"{name}:{base64.urlsafe_b64encode(self.keys[name]).decode()}" for name in names)

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self.keys)}; current {self.current})"


class UnknownKey(KeyError):
    """A value is sealed with a key that is not in FIELD_KEYS any more."""


def ring() -> KeyRing:
    """The keys as they are now: a key file that was changed is read again, by every process, without a restart."""
    file = getattr(settings, "FIELD_KEY_FILE", None)
    if file is None:
        return _parsed(settings.FIELD_KEYS)
    return _read(Path(file), os.stat(file).st_mtime_ns)


@lru_cache(maxsize=4)
def _parsed(text: str) -> KeyRing:
    return KeyRing.parse(text)


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int) -> KeyRing:
    return KeyRing.parse(file.read_text())


@cache
def _index_key() -> bytes:
    """Look-up survives rotation of the encrypting keys: its key is its own, once they have been rotated."""
    # The file may have come into being after this process did.
    file = getattr(settings, "INDEX_KEY_FILE", None)
    if given := getattr(settings, "INDEX_KEY", "") or (secrets.read(Path(file)) if file else ""):
        return base64.urlsafe_b64decode(given)
    return derived_index_key(ring())


def derived_index_key(keys: KeyRing) -> bytes:
    """What the look-up key is as long as none was set: it hangs on the oldest encrypting key."""
    oldest = list(keys.keys.values())[-1]
    return hashlib.blake2b(oldest, digest_size=SIZE, person=b"scrm-index").digest()


def encrypt(plain: str, context: str = "") -> bytes:
    """Key id, nonce and ciphertext; `context` binds the value to where it belongs."""
    return sealer(context)(plain)


def sealer(context: str = "") -> Callable[[str], bytes]:
    """`encrypt` for many values of one kind: the keys are read once, so it is not to be kept for longer than a batch."""
    keys = ring()
    cipher, key_id, bound = AESGCM(keys.keys[keys.current]), keys.current.encode() + b":", context.encode()

    def seal(plain: str) -> bytes:
        nonce = os.urandom(NONCE)
        return key_id + nonce + cipher.encrypt(nonce, plain.encode(), bound)

    return seal


def decrypt(sealed: bytes | memoryview, context: str = "") -> str:
    """The plain text; raises InvalidTag when it was tampered with or moved, UnknownKey when its key was taken away."""
    name, _, rest = bytes(sealed).partition(b":")
    key = ring().keys.get(name.decode("ascii", "replace"))
    if key is None:
        raise UnknownKey(name.decode("ascii", "replace"))
    return AESGCM(key).decrypt(rest[:NONCE], rest[NONCE:], context.encode()).decode()


def reseal(sealed: bytes | memoryview, context: str = "") -> bytes:
    """The same value under the current key."""
    return encrypt(decrypt(sealed, context), context)


def fingerprint(value: str) -> bytes:
    """A 16-byte keyed hash: equal values meet, nothing can be read back."""
    return hmac.digest(_index_key(), value.encode(), "sha256")[:16]
