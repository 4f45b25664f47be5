"""Identities: what kinds there are, how a value is written, found and shown. One normal form for import, API and search."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from members.models import Identity
from scrm.lib import crypto

Kind = Identity.Kind
MERGE, ASK, ATTACH = "merge", "ask", "attach"

# -- Kinds -----------------------------------------------------------------------------------------
Step = tuple[str, str]  # pattern, replacement: written so that Python's re and Arrow's RE2 read them alike
_UNSEEN = "\u00ad\u200b\u200c\u200e\u200f\u202a-\u202e\u2060\ufeff"
_EVERY: tuple[Step, ...] = ((f"[{_UNSEEN}]", ""), (r'^="(.*)"$', r"\1"), (r"^[ \t']+|[ \t]+$", ""))
_JOINERS: tuple[Step, ...] = (("\u200d", ""),)  # outside nicks, where they make one emoji of several
_STYLES: tuple[Step, ...] = (("[\ufe0e\ufe0f]", ""),)  # ❤ with and without the mark for colour
_SPACES: tuple[Step, ...] = ((r"[ \t\r\n]", ""),)
_PHONE: tuple[Step, ...] = (
    (r"^(1\d{10})\.0$", r"\1"),  # a number column of a data frame
    (r"[ \t\r\n\-().]", ""),
    (r"^(?:\+|00)?86(1\d{10})$", r"\1"),
)
# Mailboxes of these hosts are one whatever stands behind the plus sign.
_PLUS: tuple[Step, ...] = (
    (r"(?i)^([^+@]+)\+[^@]*@(gmail\.com|googlemail\.com|outlook\.com|hotmail\.com|live\.com|icloud\.com|proton\.me)$", r"\1@\2"),
)
_NOTHING = r"0+|-+|null|none|n/?a|nan|nil|undefined|unknown|test|xxx+|无|没有|未知|匿名|匿名用户|测试"
_SAME_DIGIT = "|".join(f"{digit}{{5,}}" for digit in range(10))


@dataclass(frozen=True)
class KindRules:
    """What one kind of identity proves, and how it is written.

    `joins`: "merge" – two members it leads to are one; "ask" – a person decides; "attach" – it never joins anybody.
    `limit`: with more than so many different values of one other kind, it is shared (0: never counted).
    `scope`: what a value belongs to when it is not unique by itself (written `value@scope`).
    """

    kind: str
    number: int  # in tables that keep many; never reused
    rank: int  # 1 is trusted most
    joins: str = MERGE
    limit: int = 0
    scope: str = ""
    fold: str = ""  # lower, upper
    steps: tuple[Step, ...] = _JOINERS
    hollow: str = _NOTHING  # values that stand for "none", whole and in any case

    @property
    def label(self) -> Any:
        return Kind(self.kind).label

    @property
    def sensitive(self) -> bool:
        return self.kind in Identity.SENSITIVE

    @property
    def strong(self) -> bool:
        return self.kind in Identity.STRONG


KINDS: dict[str, KindRules] = {
    each.kind: each
    for each in (
        KindRules(Kind.UNIONID, 1, 1),
        KindRules(Kind.EXTERNAL, 2, 2),
        KindRules(Kind.OPENID, 3, 3, scope="app"),
        KindRules(Kind.CARD, 4, 4, scope="issuer", fold="upper", steps=_JOINERS + _SPACES),
        KindRules(Kind.TMALL, 5, 5, fold="lower", steps=_STYLES),
        KindRules(Kind.JD, 6, 6, fold="lower", steps=_STYLES),
        KindRules(Kind.MEITUAN, 7, 7),
        KindRules(Kind.ELEME, 8, 8),
        KindRules(Kind.DOUYIN, 9, 9),
        KindRules(Kind.ALLIANCE, 10, 10),
        KindRules(
            Kind.PHONE,
            11,
            11,
            limit=5,
            steps=_JOINERS + _PHONE,
            hollow=rf"{_NOTHING}|{_SAME_DIGIT}|0?123456789\d*|9876543210?\d?|13800138000|13812345678",
        ),
        KindRules(
            Kind.EMAIL,
            12,
            12,
            limit=5,
            fold="lower",
            steps=_JOINERS + _PLUS,
            hollow=rf"{_NOTHING}|(?:no[-_.]?reply|donotreply|test|none|null|unknown|nobody|anonymous|no-?mail)@.*",
        ),
        KindRules(Kind.DEVICE, 13, 20, ATTACH, limit=5, hollow=rf"{_NOTHING}|[0:\-]+|9774d56d682e549c|02:00:00:00:00:00"),
        KindRules(Kind.VISITOR, 14, 21, ATTACH, limit=5),
    )
}
NUMBERS = {each.number: each.kind for each in KINDS.values()}


@dataclass(frozen=True)
class Written:
    """The columns of an Identity that follow from its kind and value."""

    kind: str
    value_hash: bytes
    value: str
    sealed: bytes | None
    hint: str
    tail: str


# -- Writing ---------------------------------------------------------------------------------------
def steps(kind: str) -> tuple[Step, ...]:
    """How a value of a kind is brought to its one form, after NFKC and trimming and before folding its case."""
    return _EVERY + KINDS[kind].steps


@cache
def _compiled(kind: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.ASCII), text) for pattern, text in steps(kind))


def normalise(kind: str, value: str) -> str:
    """The one way a value is written: full-width folded, what cannot be seen gone, +86 dropped, case folded."""
    text = unicodedata.normalize("NFKC", str(value)).strip()
    for pattern, replacement in _compiled(kind):
        text = pattern.sub(replacement, text)
    fold = KINDS[kind].fold
    return (text.lower() if fold == "lower" else text.upper() if fold == "upper" else text).strip()


def scoped(kind: str, value: str, scope: str) -> str:
    """A value with what it belongs to, unless it says so itself: `oABC@wx12`."""
    return f"{value}@{scope}" if scope and KINDS[kind].scope and value and "@" not in value else value


def hollow(kind: str, words: Iterable[str] = ()) -> str:
    """A pattern of normalised values that name nobody: placeholders, and the pool's own words before an @."""
    own = "".join(f"|{re.escape(word.lower())}@.*" for word in words) if kind == Kind.EMAIL else ""
    return f"(?i)^(?:{KINDS[kind].hollow}{own})$"


_EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[^@\s.]+$")


def problem(kind: str, value: str) -> str:
    """A code saying why a normalised value cannot be an identity of this kind; empty when it can."""
    if not value:
        return "empty"
    if re.search(hollow(kind), value):
        return "placeholder"
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
    if kind in Identity.SENSITIVE:
        return f"{value[:1]}***{value[-1:] if len(value) > 2 else ''}"
    return value[:40] if len(value) < 9 else f"{value[:4]}****{value[-4:]}"


def tail(kind: str, value: str) -> str:
    """What staff may search a telephone by."""
    return value[-4:] if kind == Kind.PHONE else ""


def written(kind: str, value: str) -> Written:
    """All columns of a normalised value; what is sensitive is sealed and not kept in the clear."""
    secret = kind in Identity.SENSITIVE
    return Written(
        kind=kind,
        value_hash=fingerprint(kind, value),
        value="" if secret else value,
        sealed=crypto.encrypt(value, kind) if secret else None,
        hint=hint(kind, value),
        tail=tail(kind, value),
    )


def plain(identity: Identity) -> str:
    """The value itself; whoever shows it has asked for `members.reveal` and left an audit line."""
    return crypto.decrypt(identity.sealed, identity.kind) if identity.sealed else identity.value


def guesses(text: str) -> list[tuple[str, bytes]]:
    """Every (kind, fingerprint) a search text may be meant as."""
    found = [(kind, normalise(kind, text)) for kind in Kind.values]
    return [(kind, fingerprint(kind, value)) for kind, value in found if value and not problem(kind, value)]
