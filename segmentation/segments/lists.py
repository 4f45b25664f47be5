"""Static lists: whoever is named by member id, phone, e-mail or another identity, one per line."""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _
from pyroaring import BitMap

from members.identities import guesses
from members.models import Identity, Member, Pool
from scrm.lib.problems import Problem

LIMIT = 1_000_000
SHOWN = 20
CHUNK = 5_000


@dataclass(frozen=True)
class Named:
    """Who was found, the first of what names nobody, and how many those are."""

    ids: BitMap
    unknown: list[str]
    missing: int


def words(text: str) -> list[str]:
    """The entries of a pasted or uploaded list, each once; only a line's first cell counts.

    Problem "list_too_long" above a million: what is beyond is not left out in silence.
    """
    cells = (re.split(r"[,;\t，；]", line, maxsplit=1)[0].strip().strip("\"'\ufeff") for line in text.splitlines())
    found = list(dict.fromkeys(cell for cell in cells if cell))
    if len(found) > LIMIT:
        said = _("名单有 %(n)s 行，一次最多 %(most)s 行：请分几次加入") % {"n": len(found), "most": LIMIT}
        raise Problem("list_too_long", said, {"members": [said]})
    return found


def resolve(pool: Pool, text: str) -> Named:
    """Live members of the pool by what names them. Problem "list_too_long"."""
    entries, ids, unknown = words(text), BitMap(), list[str]()
    for start in range(0, len(entries), CHUNK):
        found = _chunk(pool, entries[start : start + CHUNK])
        ids |= BitMap(found.values())
        unknown += [entry for entry in entries[start : start + CHUNK] if entry not in found]
    return Named(ids, unknown[:SHOWN], len(unknown))


def _chunk(pool: Pool, entries: list[str]) -> dict[str, int]:
    """Entry → member: identities first, for a phone may look like an id."""
    meant: dict[tuple[str, bytes], list[str]] = {}
    for entry in entries:
        for mark in guesses(entry):
            meant.setdefault(mark, []).append(entry)
    known = Identity.objects.filter(pool=pool, value_hash__in=[mark for _kind, mark in meant], member__merged_into=None)
    found = {
        entry: number
        for kind, mark, number in known.values_list("kind", "value_hash", "member_id")
        for entry in meant.get((kind, bytes(mark)), ())
    }
    numbers: dict[int, list[str]] = {}
    for entry in entries:
        if entry not in found and entry.isdecimal() and len(entry) <= 10:
            numbers.setdefault(int(entry), []).append(entry)
    live = Member.objects.filter(pool=pool, pk__in=numbers, merged_into=None).values_list("pk", flat=True)
    return found | {entry: pk for pk in live for entry in numbers[pk]}
