"""Consents: what holds now, and every grant and withdrawal there ever was."""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from members.models import Consent, ConsentEntry, Member
from members.versions import bump
from scrm.lib import sql
from scrm.staff.audit import audit
from scrm.staff.models import User


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
    told = {name: given[name] for name in ("carrier", "purpose", "granted", "source")}
    audit(actor=actor, action="consent.record", target=member, pool_id=member.pool_id, **told)
    return holds


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
