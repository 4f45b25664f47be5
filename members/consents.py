"""Consents: what holds now, every grant and withdrawal there ever was, and the wording each answered to.

The ledger only grows. What holds is the latest word by the time it was given, whatever order reports arrive
in; of a grant and a withdrawal at the same instant the withdrawal holds.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from psycopg2 import sql as pg
from pyroaring import BitMap

from members.models import Consent, ConsentEntry, ConsentWording, Member, Pool
from members.versions import bump
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

STATES = ("granted", "withdrawn", "silent")


@transaction.atomic
def record(
    *,
    member: Member,
    carrier: str,
    purpose: str,
    granted: bool,
    at: datetime,
    source: str,
    actor: User | None,
    wording: str = "",
) -> bool:
    """Write a grant or withdrawal down; whether it is what holds now (a late report of an older one is not).

    The same report twice is one entry.
    """
    given = {
        "member_id": member.pk,
        "carrier": Consent.Carrier(carrier).value,
        "purpose": Consent.Purpose(purpose).value,
        "granted": granted,
        "at": at,
        "source": source,
        "wording": wording,
    }
    if not sql.execute("members/insert_consent_entry", given):
        return False
    holds = bool(sql.execute("members/upsert_consent", given))
    bump(member.pool_id, "consents")
    told = {name: given[name] for name in ("carrier", "purpose", "granted", "source", "wording")}
    audit(actor=actor, action="consent.record", target=member, pool_id=member.pool_id, **told)
    return holds


@dataclass(frozen=True)
class Recorded:
    """What many reports came to: new in the ledger, and what changed of what holds."""

    entries: int
    changed: int


@transaction.atomic
def record_many(
    *, pool_id: int, table: str, source: str, actor: User | None, as_of: datetime, about: str | None = None
) -> Recorded:
    """Grants and withdrawals of many members out of a table, in two statements.

    The table has member_id bigint, carrier text, purpose text, granted boolean, at timestamptz (null: as_of;
    later than as_of counts as as_of) and wording text (null: none). Repeats are harmless. Rows of members that
    are merged away, erased or of another pool are left out, as are carriers and purposes nobody knows. Call it
    inside the caller's transaction; `about` names what the audit line is about (an import).
    """
    given = {
        "pool_id": pool_id,
        "source": source[:60],
        "as_of": as_of,
        "carriers": list(Consent.Carrier.values),
        "purposes": list(Consent.Purpose.values),
    }
    slots = {"said": pg.Identifier(table)}
    entries = sql.execute("members/insert_consent_entries", given, **slots)
    changed = sql.execute("members/upsert_consents", given, **slots)
    if entries or changed:
        bump(pool_id, "consents")
        audit(
            actor=actor,
            action="consent.record_many",
            target=about,
            pool_id=pool_id,
            source=source,
            entries=entries,
            changed=changed,
        )
    return Recorded(entries, changed)


# -- One member ----------------------------------------------------------------------------------
@dataclass(frozen=True)
class Standing:
    """A carrier and purpose, and what a member said to it (None: nothing yet)."""

    carrier: str
    purpose: str
    carrier_label: str
    purpose_label: str
    consent: Consent | None


def standing(member: Member) -> list[Standing]:
    """Every carrier and purpose with what holds."""
    known = {(row.carrier, row.purpose): row for row in Consent.objects.filter(member=member)}
    return [
        Standing(carrier.value, purpose.value, str(carrier.label), str(purpose.label), known.get((carrier.value, purpose.value)))
        for carrier in Consent.Carrier
        for purpose in Consent.Purpose
    ]


def entries(member: Member) -> list[ConsentEntry]:
    """The ledger, newest first."""
    return list(ConsentEntry.objects.filter(member=member).order_by("-at")[:200])


# -- Wordings ------------------------------------------------------------------------------------
@transaction.atomic
def add_wording(
    *, pool: Pool, carrier: str, purpose: str, version: str, text: str, valid_from: datetime, actor: User | None
) -> ConsentWording:
    """One more version of what people agree to; a version is never changed. Problem when the name is taken."""
    version = " ".join(version.split())[:60]
    if not version or not text.strip():
        raise Problem("wording.empty", _("请填写版本和授权文本"), {"version": [_("请填写版本和授权文本")]})
    try:
        with transaction.atomic():
            made = ConsentWording.objects.create(
                pool=pool,
                carrier=Consent.Carrier(carrier).value,
                purpose=Consent.Purpose(purpose).value,
                version=version,
                text=text.strip(),
                valid_from=valid_from,
                actor=actor,
            )
    except IntegrityError:
        sentence = _("这个渠道和用途已有版本「%(version)s」；文本改动请用新的版本名") % {"version": version}
        raise Problem("wording.taken", sentence, {"version": [sentence]}) from None
    audit(actor=actor, action="wording.add", target=made, pool_id=pool.pk, carrier=carrier, purpose=purpose, version=version)
    return made


def wordings(pool: Pool) -> QuerySet[ConsentWording]:
    """Every wording of the pool, per carrier and purpose the latest first."""
    return ConsentWording.objects.filter(pool=pool).select_related("actor").order_by("carrier", "purpose", "-valid_from", "-pk")


def in_force(pool: Pool, as_of: datetime) -> dict[tuple[str, str], ConsentWording]:
    """The wording people answer to at an instant, by carrier and purpose."""
    found = wordings(pool).filter(valid_from__lte=as_of)
    return {(row.carrier, row.purpose): row for row in reversed(list(found))}


# -- The whole pool ------------------------------------------------------------------------------
@dataclass(frozen=True)
class Coverage:
    """How a pool's members answered for one carrier and purpose, and to which wordings."""

    carrier: str
    purpose: str
    carrier_label: str
    purpose_label: str
    granted: int
    withdrawn: int
    silent: int
    versions: list[tuple[str, int]]  # of the grants that hold; "" is none

    @property
    def total(self) -> int:
        return self.granted + self.withdrawn + self.silent

    @property
    def share(self) -> float:
        return self.granted / self.total if self.total else 0.0


def coverage(pool: Pool) -> list[Coverage]:
    """Every carrier and purpose, those nobody answered to as well."""
    rows = sql.rows("members/count_consents", {"pool_id": pool.pk})
    members = sql.value("members/count_live", {"pool_id": pool.pk}) or 0
    return [_covered(carrier, purpose, rows, members) for carrier in Consent.Carrier for purpose in Consent.Purpose]


def _covered(carrier: Any, purpose: Any, rows: list[dict[str, Any]], members: int) -> Coverage:
    mine = [row for row in rows if row["carrier"] == carrier.value and row["purpose"] == purpose.value]
    granted = sum(row["count"] for row in mine if row["granted"])
    withdrawn = sum(row["count"] for row in mine if not row["granted"])
    versions = sorted(((row["wording"], row["count"]) for row in mine if row["granted"]), key=lambda each: -each[1])
    return Coverage(
        carrier.value,
        purpose.value,
        str(carrier.label),
        str(purpose.label),
        granted,
        withdrawn,
        members - granted - withdrawn,
        versions,
    )


def changes(pool: Pool, as_of: datetime, days: int = 30) -> list[dict[str, Any]]:
    """Grants and withdrawals per day of the pool, days without any included."""
    given = {"pool_id": pool.pk, "zone": pool.time_zone, "as_of": as_of, "since": as_of - timedelta(days=days - 1)}
    return sql.rows("members/count_consent_days", given)


def who(pool: Pool, value: str) -> BitMap:
    """Members by what holds: "sms.marketing.granted", or "sms.marketing.granted.2026-11 v3" for one wording.

    Raises ValueError for anything else.
    """
    carrier, purpose, state, *wording = value.split(".", 3)
    if carrier not in Consent.Carrier.values or purpose not in Consent.Purpose.values or state not in STATES:
        raise ValueError(value)
    given = {
        "pool_id": pool.pk,
        "carrier": carrier,
        "purpose": purpose,
        "state": state,
        "wording": wording[0] if wording else None,
    }
    return BitMap(row["id"] for row in sql.rows("members/list_consent_members", given))


def describe(pool: Pool, value: str) -> str:
    """The same in words."""
    carrier, purpose, state, *wording = value.split(".", 3)
    told = {"granted": _("同意"), "withdrawn": _("已撤回"), "silent": _("未表态")}[state]
    parts: Iterable[Any] = [Consent.Carrier(carrier).label, Consent.Purpose(purpose).label, told, *wording]
    return " · ".join(str(part) for part in parts if part)
