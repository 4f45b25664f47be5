"""What a pool offers to choose from: its tags, cities, categories, campaigns … and their names."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import get_language

from members.models import Channel, Community, Member, Pool, Product, Store, Tag
from members.team.queries import colleagues
from scrm.lib import sql
from segmentation import own
from segmentation.models import Segment
from segmentation.rules import facts_member, facts_own
from segmentation.rules.catalog import Choice

Option = tuple[str | int, str]
LIMIT = 60
STATIC: dict[str, tuple[Choice, ...]] = {"stages": facts_member.STAGES, "rfm_groups": facts_member.RFM_GROUPS}
# An upper app names the senders of messages: source ("campaign:42") -> what people call it.
SenderNames = Callable[[Pool, Iterable[str]], dict[str, str]]
_senders: list[SenderNames] = []


def register_senders(names: SenderNames) -> SenderNames:
    """Declare how sources of messages are called."""
    if names not in _senders:
        _senders.append(names)
    return names


def options(pool: Pool, source: str, q: str = "", of: tuple[Any, ...] = (), limit: int = LIMIT) -> list[Option]:
    """The first choices of a source that contain `q`."""
    if source in STATIC:
        return [(choice.value, choice.label.said(_language())) for choice in STATIC[source]]
    if source.startswith(facts_own.SOURCE):
        return [*own.options(pool, source.removeprefix(facts_own.SOURCE), q.strip(), limit, _language())]
    return LISTS[source](pool, q.strip(), of, limit)


def name_of(pool: Pool, language: str, source: str, value: Any) -> str:
    """What people call a choice; one that is gone is shown by its number."""
    for choice in STATIC.get(source, ()):
        if choice.value == value:
            return choice.label.said(language)
    if source.startswith(facts_own.SOURCE):
        return own.choice_names(pool, source.removeprefix(facts_own.SOURCE), [value], language)[value]
    return str(NAMES[source](pool, [value], language).get(value, f"#{value}")) if source in NAMES else str(value)


def namer(pool: Pool, language: str | None = None) -> Callable[[str, Any], str]:
    """`names` for `explain`: each name is looked up once."""
    known: dict[tuple[str, Any], str] = {}
    said = language or _language()

    def names(source: str, value: Any) -> str:
        if (source, value) not in known:
            known[source, value] = name_of(pool, said, source, value)
        return known[source, value]

    return names


def _language() -> str:
    return get_language() or "zh-hans"


# -- Lists ---------------------------------------------------------------------------------------
def _column(name: str, pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    params = {"pool": pool.pk, "q": q, "limit": limit, "key": of[0] if of else ""}
    return [(row["value"], row["value"]) for row in sql.rows(f"segmentation/{name}", params)]


def _tags(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Tag.objects.filter(pool=pool).filter(Q(name__icontains=q) | Q(group__name__icontains=q))
    return [
        (tag.pk, f"{tag.group.name} · {tag.name}")
        for tag in found.select_related("group").order_by("group__name", "name")[:limit]
    ]


def _segments(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Segment.objects.filter(pool=pool, is_archived=False, name__icontains=q).order_by("name")
    return [(pk, name) for pk, name in found.values_list("pk", "name")[:limit]]


def _channels(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found: list[Option] = [(channel.pk, str(channel)) for channel in Channel.objects.all() if q.lower() in str(channel).lower()]
    return found[:limit]


def _staff(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    """Everybody who may look after members, also those who left or have no login."""
    offered: list[Option] = [(each.pk, str(each)) for each in colleagues(pool) if q.lower() in str(each).lower()]
    return offered[:limit]


def _home_stores(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    known = Store.objects.filter(pool=pool, is_registered=True).order_by("name")
    found = known.filter(Q(name__icontains=q) | Q(code__icontains=q))
    return [(pk, name) for pk, name in found.values_list("pk", "name")[:limit]]


def _communities(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Community.objects.filter(pool=pool, dissolved_at=None, name__icontains=q).order_by("name")
    return [(pk, name) for pk, name in found.values_list("pk", "name")[:limit]]


def _products(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Product.objects.filter(pool=pool).filter(Q(name__icontains=q) | Q(sku__istartswith=q)).order_by("name", "sku")[:limit]
    return [(product.pk, f"{product} · {product.sku}") for product in found]


def _members(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Member.objects.filter(pool=pool, merged_into=None)
    found = found.filter(Q(pk=int(q)) if q.isdigit() and len(q) < 11 else Q(name__icontains=q)) if q else found
    return [(member.pk, f"{member} · {member.pk}") for member in found.order_by("pk")[:limit]]


def _senders_of(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = [row["value"] for row in sql.rows("segmentation/list_message_sources", {"pool": pool.pk})]
    named = _sender_names(pool, found, _language())
    return [(value, label) for value, label in named.items() if q.lower() in label.lower()][:limit]


COLUMNS = (
    "cities",
    "provinces",
    "categories",
    "subcategories",
    "brands",
    "stores",
    "event_kinds",
    "attributes",
    "attribute_values",
)
LISTS: dict[str, Callable[[Pool, str, tuple[Any, ...], int], list[Option]]] = {
    **{source: partial(_column, f"list_{source}") for source in COLUMNS},
    "tags": _tags,
    "segments": _segments,
    "channels": _channels,
    "staff": _staff,
    "home_stores": _home_stores,
    "communities": _communities,
    "products": _products,
    "members": _members,
    "message_sources": _senders_of,
}


# -- Names ---------------------------------------------------------------------------------------
def _rows(found: QuerySet[Any], values: Iterable[Any]) -> dict[Any, str]:
    return {row.pk: str(row) for row in found.filter(pk__in=list(values))}


def _channel_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    zh = language.startswith("zh")
    return {row.pk: row.name if zh else row.name_en for row in Channel.objects.filter(pk__in=list(values))}


def _staff_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    return {each.pk: str(each) for each in colleagues(pool, values)}


def _sender_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    found: dict[Any, str] = {value: str(value) for value in values}
    for names in _senders:
        found |= names(pool, list(found))
    return found


# What the business calls them; the events of the tracking script and of the demo.
EVENT_NAMES = {
    "view": ("浏览", "view"),
    "search": ("搜索", "search"),
    "click": ("点击", "click"),
    "add_to_cart": ("加购", "add to cart"),
    "favourite": ("收藏", "favourite"),
    "share": ("分享", "share"),
    "sign_in": ("签到", "sign-in"),
    "message_open": ("打开消息", "message open"),
}


def _event_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    nth = 0 if language.startswith("zh") else 1
    return {value: EVENT_NAMES[value][nth] if value in EVENT_NAMES else str(value) for value in values}


NAMES: dict[str, Callable[[Pool, Iterable[Any], str], dict[Any, str]]] = {
    "tags": lambda pool, values, language: _rows(Tag.objects.filter(pool=pool), values),
    "segments": lambda pool, values, language: _rows(Segment.objects.filter(pool=pool), values),
    "products": lambda pool, values, language: _rows(Product.objects.filter(pool=pool), values),
    "members": lambda pool, values, language: _rows(Member.objects.filter(pool=pool), values),
    "channels": _channel_names,
    "staff": _staff_names,
    "home_stores": lambda pool, values, language: _rows(Store.objects.filter(pool=pool), values),
    "communities": lambda pool, values, language: _rows(Community.objects.filter(pool=pool), values),
    "message_sources": _sender_names,
    "event_kinds": _event_names,
    facts_own.NAMES: own.names,
}
