"""Static lists: whoever is named by member id, phone, e-mail or another identity, one per line."""

import re
from dataclasses import dataclass

from pyroaring import BitMap

from members.identities import guesses
from members.models import Identity, Member, Pool

LIMIT = 1_000_000
SHOWN = 20
CHUNK = 5_000


@dataclass(frozen=True)
class Named:
    """Who was found, and the first of what was not."""

    ids: BitMap
    unknown: list[str]


def words(text: str) -> list[str]:
    """The entries of a pasted or uploaded list, each once; only a line's first cell counts."""
    cells = (re.split(r"[,;\t，；]", line, maxsplit=1)[0].strip().strip("\"'\ufeff") for line in text.splitlines())
    return list(dict.fromkeys(cell for cell in cells if cell))[:LIMIT]


def resolve(pool: Pool, text: str) -> Named:
    """Live members of the pool by what names them."""
    entries, ids, unknown = words(text), BitMap(), list[str]()
    for start in range(0, len(entries), CHUNK):
        found = _chunk(pool, entries[start : start + CHUNK])
        ids |= BitMap(found.values())
        unknown += [entry for entry in entries[start : start + CHUNK] if entry not in found]
    return Named(ids, unknown[:SHOWN])


def _chunk(pool: Pool, entries: list[str]) -> dict[str, int]:
    """Entry → member: identities first, for a phone may look like an id."""
    meant = {mark: entry for entry in reversed(entries) for mark in guesses(entry)}
    known = Identity.objects.filter(pool=pool, value_hash__in=[mark for _, mark in meant], member__merged_into=None)
    found = {
        meant[kind, bytes(mark)]: number
        for kind, mark, number in known.values_list("kind", "value_hash", "member_id")
        if (kind, bytes(mark)) in meant
    }
    numbers = {int(entry): entry for entry in entries if entry not in found and entry.isdecimal() and len(entry) <= 10}
    live = Member.objects.filter(pool=pool, pk__in=numbers, merged_into=None).values_list("pk", flat=True)
    return found | {numbers[pk]: pk for pk in live}
