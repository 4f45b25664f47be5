"""Identities: how a value is written, found and shown. One normal form for import, API and search."""

import re
import unicodedata
from dataclasses import dataclass

from members.models import Identity
from scrm.lib import crypto

Kind = Identity.Kind
_PHONE = re.compile(r"^(?:\+|00)?86(1\d{10})$")
_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")


@dataclass(frozen=True)
class Written:
    """The columns of an Identity that follow from its kind and value."""

    kind: str
    value_hash: bytes
    value: str
    sealed: bytes | None
    hint: str
    tail: str


def normalise(kind: str, value: str) -> str:
    """The one way a value is written: full-width folded, spaces gone, +86 dropped, e-mail in lower case."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    if kind == Kind.PHONE:
        digits = re.sub(r"[\s\-().]", "", text)
        return ((found := _PHONE.match(digits)) and found[1]) or digits
    return text.lower() if kind == Kind.EMAIL else text


def problem(kind: str, value: str) -> str:
    """A code saying why a normalised value cannot be an identity of this kind; empty when it can."""
    if not value:
        return "empty"
    if kind == Kind.PHONE and not re.fullmatch(r"\+?\d{5,15}", value):
        return "bad_phone"
    if kind == Kind.EMAIL and not _EMAIL.match(value):
        return "bad_email"
    return "too_long" if len(value) > 120 else ""


def fingerprint(kind: str, value: str) -> bytes:
    """What a normalised value is found by."""
    return crypto.fingerprint(f"{kind}:{value}")


def hint(kind: str, value: str) -> str:
    """What may be shown to everybody."""
    if kind == Kind.PHONE:
        return f"{value[:3]}****{value[-4:]}" if len(value) >= 8 else "*" * len(value)
    if kind == Kind.EMAIL:
        name, _, domain = value.partition("@")
        return f"{name[:1]}***@{domain}"[:40]
    return value[:40] if len(value) < 9 else f"{value[:4]}****{value[-4:]}"


def written(kind: str, value: str) -> Written:
    """All columns of a normalised value; what is sensitive is sealed and not kept in the clear."""
    secret = kind in Identity.SENSITIVE
    return Written(
        kind=kind,
        value_hash=fingerprint(kind, value),
        value="" if secret else value,
        sealed=crypto.encrypt(value, kind) if secret else None,
        hint=hint(kind, value),
        tail=value[-4:] if kind == Kind.PHONE else "",
    )


def plain(identity: Identity) -> str:
    """The value itself; whoever shows it has asked for `members.reveal` and left an audit line."""
    return crypto.decrypt(identity.sealed, identity.kind) if identity.sealed else identity.value


def guesses(text: str) -> list[tuple[str, bytes]]:
    """Every (kind, fingerprint) a search text may be meant as."""
    found = [(kind, normalise(kind, text)) for kind in Kind.values]
    return [(kind, fingerprint(kind, value)) for kind, value in found if value and not problem(kind, value)]
