"""Who is meant by a hand-over: picked ids or a query string of the member list, of one owner or of anybody."""

from collections.abc import Sequence
from typing import Any

from django.http import QueryDict
from pyroaring import BitMap

from members.listing import ask
from members.models import Handover, Member, Pool
from members.ownership.codes import problem
from members.ownership.splitting import Receiver, split
from members.sets import Packed, ids_of, unpacked
from members.team import queries as team


def chosen(pool: Pool, params: dict[str, Any], from_user: int | None = None) -> BitMap:
    """Ids or everybody a query string asks for; with `from_user` only that person's members."""
    live = Member.objects.filter(pool=pool, merged_into=None)
    mine = ids_of(live.filter(owner_id=from_user)) if from_user else None
    if params.get("ids") is not None:
        picked = ids_of(live.filter(id__any_of=BitMap(params["ids"])))
    elif mine is not None and not params.get("query"):
        return mine
    else:
        picked = _asked(pool, str(params.get("query", "")))
    return picked if mine is None else picked & mine


def _asked(pool: Pool, query: str) -> BitMap:
    """A filter that is wrong narrows to nobody; here it is refused, so that nobody is forgotten by a slip."""
    asked = ask(QueryDict(query), pool)
    if wrong := getattr(asked, "wrong", ()):
        raise problem("bad_filter", "query", why="; ".join(sentence for _key, sentence in wrong))
    return asked.ids()


def shares(pool: Pool, ids: BitMap, targets: Sequence[int | None], how: str) -> list[tuple[int | None, BitMap]]:
    """Who is to get whom."""
    found = receivers(pool, targets)
    homes = _homes(pool, ids, found) if how == Handover.Split.STORE else {}
    return [(each.user_id, part) for each, part in zip(found, split(ids, found, how, homes), strict=True)]


def receivers(pool: Pool, targets: Sequence[int | None]) -> list[Receiver]:
    """The targets in their order, with their stores and the room they have left."""
    known = {row.pk: row for row in team.colleagues(pool, [each for each in targets if each])}
    busy = team.owned(pool, list(known))

    def receiver(user_id: int | None) -> Receiver:
        row = known.get(user_id) if user_id else None
        if row is None:
            return Receiver(user_id)
        return Receiver(row.pk, row.store_id, None if row.capacity is None else row.capacity - busy.get(row.pk, 0))

    return [receiver(each) for each in targets]


def _homes(pool: Pool, ids: BitMap, found: Sequence[Receiver]) -> dict[int, BitMap]:
    stores = {each.store_id for each in found if each.store_id}
    living = Member.objects.filter(pool=pool, store_id__in=stores, id__any_of=ids).order_by()
    return {store: unpacked(packed) for store, packed in living.values_list("store_id").annotate(packed=Packed("id"))}
