"""Finding a member by whatever is at hand: a name, an identity, the end of a phone number, a number."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Q, QuerySet, TextField

from members import identities
from members.models import Identity, Member, Pool
from members.sets import ids_of

TAIL = 4  # digits of a phone that are kept in the clear
TAIL_LIMIT = 2000  # phones that end alike; at ten million members four digits mean a thousand
LENGTH = 120


class Grams(Func):
    """The one- and two-character pieces of a text, as the index keeps them."""

    function = "name_grams"
    output_field = ArrayField(TextField())


def pieces(text: str) -> list[str]:
    """The pieces a text has in the index, the longest there are: they are rarer."""
    text = text.lower()
    return sorted({text[i : i + 2] for i in range(len(text) - 1)}) or [text]


def where(pool: Pool, text: str) -> Q | None:
    """The condition for a search text; None when it says nothing."""
    text = " ".join(text.split())[:LENGTH].replace("\x00", "")
    if not text:
        return None
    found = Q(grams__contains=pieces(text), name__icontains=text)
    ids = _by_identity(pool, text)
    if not text.isdecimal():
        # Alternatives only where there are any: an OR makes PostgreSQL work the pieces out again for each row.
        return found | Q(id__any_of=ids) if ids else found
    numbers = {*ids, int(text)} if len(text) <= 10 else set(ids)
    if len(text) < TAIL:
        return found | Q(id__any_of=sorted(numbers))
    # Names of digits are rare and many numbers are looked for: who is called so is looked up first.
    return Q(id__any_of=sorted(numbers | set(ids_of(searchable(Member.objects.filter(pool=pool)).filter(found)))))


def _by_identity(pool: Pool, text: str) -> list[int]:
    """Members found by an identity as a whole, or by the last digits of a phone: four or more."""
    exact = Q(pk__in=[])
    for kind, value_hash in identities.guesses(text):
        exact |= Q(kind=kind, value_hash=value_hash)
    found = list(Identity.objects.filter(exact, pool=pool).values_list("member_id", flat=True))
    if text.isdecimal() and TAIL <= len(text) <= 11:
        found += _by_tail(pool, text)
    return sorted(set(found))


def _by_tail(pool: Pool, text: str) -> list[int]:
    """More digits than are kept in the clear: those that end alike are unsealed and compared, a hundred of a million."""
    alike = Identity.objects.filter(pool=pool, tail=text[-TAIL:])
    if len(text) == TAIL:
        return list(alike.values_list("member_id", flat=True)[:TAIL_LIMIT])
    return [row.member_id for row in alike[:TAIL_LIMIT] if identities.plain(row).endswith(text)]


def searchable(members: QuerySet[Member]) -> QuerySet[Member]:
    """Members with the expression that the name index answers."""
    return members.alias(grams=Grams(F("name")))
