"""Finding a member by whatever is at hand: a name, an identity, the end of a phone number, a number."""

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, Q, QuerySet, TextField

from members import identities
from members.models import Identity, Member, Pool

TAIL_LIMIT = 2000  # members whose phone ends alike; at ten million members four digits mean a thousand


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
    text = " ".join(text.split())[:120]
    if not text:
        return None
    found = Q(grams__contains=pieces(text), name__icontains=text)
    # Alternatives only where there are any: an OR makes PostgreSQL work the pieces out again for each row.
    if ids := _by_identity(pool, text):
        found |= Q(id__any_of=ids)
    return found | Q(id=int(text)) if text.isdecimal() and len(text) <= 10 else found


def _by_identity(pool: Pool, text: str) -> list[int]:
    """Members found by an identity exactly, or by the last four digits of a phone."""
    exact = Q()
    for kind, value_hash in identities.guesses(text):
        exact |= Q(kind=kind, value_hash=value_hash)
    found = list(Identity.objects.filter(exact, pool=pool).values_list("member_id", flat=True))
    if text.isdecimal() and len(text) == 4:
        found += Identity.objects.filter(pool=pool, tail=text).values_list("member_id", flat=True)[:TAIL_LIMIT]
    return sorted(set(found))


def searchable(members: QuerySet[Member]) -> QuerySet[Member]:
    """Members with the expression that the name index answers."""
    return members.alias(grams=Grams(F("name")))
