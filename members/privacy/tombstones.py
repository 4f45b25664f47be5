"""Identities of erased people: an old file does not bring them back, a person may."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from members import identities
from members.models import Identity, Pool, Tombstone
from scrm.lib import sql
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User

CODE = "erased_person"  # of an import's refused row


def stands(pool_id: int, kind: str, value_hash: bytes) -> bool:
    """Whether an identity belonged to somebody who was erased and is not to come back by itself."""
    return Tombstone.objects.filter(pool_id=pool_id, kind=kind, value_hash=value_hash).exists()


def among(pool_id: int, marks: list[tuple[str, bytes]]) -> set[tuple[str, bytes]]:
    """Those of many (kind, keyed hash) that must not come back: one look-up by key."""
    found = Tombstone.objects.filter(pool_id=pool_id, value_hash__in=[mark for _kind, mark in marks])
    known = {(kind, bytes(mark)) for kind, mark in found.values_list("kind", "value_hash")}
    return known & {(kind, bytes(mark)) for kind, mark in marks}


def refuse(kind: str) -> Problem:
    """What a person at a form is told."""
    label = str(Identity.Kind(kind).label)
    sentence = _("这个%(kind)s属于一位已被抹除的人；如本人重新加入，请先在「隐私与安全 → 抹除记录」解除阻止") % {"kind": label}
    return Problem("identity.erased", sentence, {kind: [sentence]})


def lines(pool_id: int, stage: str, hashes: dict[str, str]) -> list[int]:
    """Lines of a staging table that carry an erased person's identity; `hashes` is kind → column of keyed hashes."""
    if not hashes or not Tombstone.objects.filter(pool_id=pool_id).exists():
        return []
    tests = [
        pg.SQL("(t.kind = {} AND t.value_hash = s.{})").format(pg.Literal(kind), pg.Identifier(column))
        for kind, column in hashes.items()
    ]
    given = {"pool_id": pool_id}
    slots = {"stage": pg.Identifier(stage), "tests": pg.SQL(" OR ").join(tests)}
    return [row["line"] for row in sql.rows("members/privacy/list_erased_lines", given, **slots)]


@transaction.atomic
def lift(*, pool: Pool, kind: str, value: str, actor: User | Any, as_of: datetime) -> bool:
    """Let an identity come back, because its person did; whether it was blocked."""
    if kind not in Identity.Kind.values:
        raise Problem("identity.unknown_kind", _("不认识的身份类型：%(kind)s") % {"kind": kind})
    mark = identities.fingerprint(kind, identities.normalise(kind, value))
    gone, _each = Tombstone.objects.filter(pool=pool, kind=kind, value_hash=mark).delete()
    if gone:
        audit(actor=actor, action="tombstone.lift", pool_id=pool.pk, kind=kind)
    return bool(gone)
