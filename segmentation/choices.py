"""What a pool offers to choose from: its tags, cities, categories, campaigns … and their names."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils.translation import get_language

from members.models import Channel, Community, Member, Pool, Product, Store, Tag
from members.team.queries import colleagues
from scrm.lib import sql
from segmentation import own
from segmentation.models import Segment
from segmentation.rules import facts_own, facts_standings, facts_state, happenings
from segmentation.rules.catalog import Choice
from segmentation.standings import rules as standings
from touchpoints.models import Connector, Content, Step

Option = tuple[str | int, str]
LIMIT = 60
STATIC: dict[str, tuple[Choice, ...]] = {"stages": facts_state.STAGES, "rfm_groups": facts_state.RFM_GROUPS}
Lists = Callable[[Pool, str, tuple[Any, ...], int], list[Option]]  # what is searched for, what it is of, how many
Named = Callable[[Pool, Iterable[Any], str], dict[Any, str]]
# An upper app names the senders of messages: source ("campaign:42") -> what people call it.
SenderNames = Callable[[Pool, Iterable[str]], dict[str, str]]
_senders: list[SenderNames] = []


def register_senders(names: SenderNames) -> SenderNames:
    """Declare how sources of messages are called."""
    if names not in _senders:
        _senders.append(names)
    return names


def offer(source: str, lists: Lists, names: Named) -> None:
    """Declare choices of an upper app: how they are listed, and what they are called."""
    LISTS[source], NAMES[source] = lists, names


def options(pool: Pool, source: str, q: str = "", of: tuple[Any, ...] = (), limit: int = LIMIT) -> list[Option]:
    """The first choices of a source that contain `q`."""
    if source in STATIC:
        return [(choice.value, choice.label.said(_language())) for choice in STATIC[source]]
    if source.startswith(facts_standings.SOURCE):
        return [*standings.options(pool, source, q.strip(), _language())]
    if source.startswith(facts_own.SOURCE):
        return [*own.options(pool, source.removeprefix(facts_own.SOURCE), q.strip(), limit, _language())]
    return LISTS[source](pool, q.strip(), of, limit)


def name_of(pool: Pool, language: str, source: str, value: Any) -> str:
    """What people call a choice; one that is gone is shown by its number."""
    for choice in STATIC.get(source, ()):
        if choice.value == value:
            return choice.label.said(language)
    if source.startswith(facts_standings.SOURCE):
        return standings.choice_name(pool, source, value, language)
    if source.startswith(facts_own.SOURCE):
        return own.choice_names(pool, source.removeprefix(facts_own.SOURCE), [value], language)[value]
    return str(NAMES[source](pool, [value], language).get(value, f"#{value}")) if source in NAMES else str(value)


def names_of(pool: Pool, source: str, values: Iterable[Any]) -> dict[Any, str]:
    """What people call some choices of a source, itself where it has no name of its own."""
    wanted = list(values)
    return {value: value for value in wanted} | (NAMES[source](pool, wanted, _language()) if source in NAMES else {})


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


def _stores(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    """Stores by the code orders name, told by their names."""
    named = _store_names_of(pool)
    meant = [code for code, name in named.items() if q and q.lower() in name.lower()]
    codes = dict.fromkeys([*meant, *(str(code) for code, _label in _column("list_stores", pool, q, of, limit))])
    offered: list[Option] = [(code, f"{named[code]} · {code}" if code in named else code) for code in codes]
    return offered[:limit]


def _communities(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Community.objects.filter(pool=pool, dissolved_at=None, name__icontains=q).order_by("name")
    return [(pk, name) for pk, name in found.values_list("pk", "name")[:limit]]


def _products(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Product.objects.filter(pool=pool).filter(Q(name__icontains=q) | Q(sku__istartswith=q)).order_by("name", "sku")[:limit]
    return [(product.pk, f"{product} · {product.sku}") for product in found]


def _members(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Member.objects.filter(pool=pool, merged_into=None)
    found = found.filter(Q(pk=int(q)) if q.isdecimal() and len(q) < 11 else Q(name__icontains=q)) if q else found
    return [(member.pk, f"{member} · {member.pk}") for member in found.order_by("pk")[:limit]]


def _senders_of(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = [row["value"] for row in sql.rows("segmentation/list_message_sources", {"pool": pool.pk})]
    named = _sender_names(pool, found, _language())
    return [(value, label) for value, label in named.items() if q.lower() in label.lower()][:limit]


def _happenings(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    """The pool's events, and what else a sequence can be made of."""
    special: list[Option] = [(choice.value, choice.label.said(_language())) for choice in happenings.CHOICES]
    return [
        *((value, label) for value, label in special if q.lower() in label.lower()),
        *_column("list_event_kinds", pool, q, of, limit),
    ]


def _contents(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    found = Content.objects.filter(pool=pool, name__icontains=q).order_by("-pk")
    return [(pk, f"{name} · #{pk}") for pk, name in found.values_list("pk", "name")[:limit]]


def _connectors(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    return [(row.pk, row.name) for row in Connector.objects.filter(pool=pool, name__icontains=q).order_by("name")[:limit]]


def _steps(pool: Pool, q: str, of: tuple[Any, ...], limit: int) -> list[Option]:
    """Steps of messages, newest first: by what their sender is called, and what they are."""
    found = Step.objects.filter(pool=pool).order_by("-pk").values_list("source", flat=True)[: 5 * limit]
    named = _step_names(pool, found, _language())
    return [(source, label) for source, label in named.items() if q.lower() in label.lower()][:limit]


COLUMNS = (
    "cities",
    "provinces",
    "categories",
    "subcategories",
    "brands",
    "event_kinds",
    "attributes",
    "attribute_values",
    "event_properties",
    "message_reasons",
)
LISTS: dict[str, Lists] = {
    **{source: partial(_column, f"list_{source}") for source in COLUMNS},
    "tags": _tags,
    "segments": _segments,
    "channels": _channels,
    "staff": _staff,
    "stores": _stores,
    "home_stores": _home_stores,
    "communities": _communities,
    "products": _products,
    "members": _members,
    "message_sources": _senders_of,
    "message_steps": _steps,
    "contents": _contents,
    "connectors": _connectors,
    "happenings": _happenings,
}


# -- Names ---------------------------------------------------------------------------------------
def _rows(found: QuerySet[Any], values: Iterable[Any]) -> dict[Any, str]:
    return {row.pk: str(row) for row in found.filter(pk__in=list(values))}


def _channel_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    zh = language.startswith("zh")
    return {row.pk: row.name if zh else row.name_en for row in Channel.objects.filter(pk__in=list(values))}


def _store_names_of(pool: Pool) -> dict[str, str]:
    """Code → name, of those that are called otherwise than their code."""
    return dict(Store.objects.filter(pool=pool).exclude(Q(name="") | Q(name=F("code"))).values_list("code", "name"))


def _store_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    named = _store_names_of(pool)
    return {value: named.get(value, str(value)) for value in values}


def _staff_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    return {each.pk: str(each) for each in colleagues(pool, values)}


def _sender_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    found: dict[Any, str] = {value: str(value) for value in values}
    for names in _senders:
        found |= names(pool, list(found))
    return found


def _step_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    """A step is called after its sender; the rest of its source tells it from the others."""
    sources = [str(value) for value in values]
    senders = _sender_names(pool, {sender_of(source) for source in sources}, language)
    return {source: f"{senders[sender_of(source)]}{_rest(source)}" for source in sources}


def sender_of(source: str) -> str:
    """ "campaign:42" of "campaign:42:run:7:send"."""
    return ":".join(source.split(":")[:2])


def _rest(source: str) -> str:
    parts = source.split(":")[2:]
    return f" · {' '.join(parts)}" if parts else ""


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
    "coupon_redeem": ("核销优惠券", "coupon redemption"),
}


def _event_names(pool: Pool, values: Iterable[Any], language: str) -> dict[Any, str]:
    nth = 0 if language.startswith("zh") else 1
    return {value: EVENT_NAMES[value][nth] if value in EVENT_NAMES else str(value) for value in values}


def _happening(value: Any, language: str) -> str:
    special = happenings.SPECIAL.get(value)
    return special[0].said(language) if special else EVENT_NAMES.get(value, (str(value),) * 2)[not language.startswith("zh")]


NAMES: dict[str, Named] = {
    "tags": lambda pool, values, language: _rows(Tag.objects.filter(pool=pool), values),
    "segments": lambda pool, values, language: _rows(Segment.objects.filter(pool=pool), values),
    "products": lambda pool, values, language: _rows(Product.objects.filter(pool=pool), values),
    "members": lambda pool, values, language: _rows(Member.objects.filter(pool=pool), values),
    "channels": _channel_names,
    "staff": _staff_names,
    "stores": _store_names,
    "home_stores": lambda pool, values, language: _rows(Store.objects.filter(pool=pool), values),
    "communities": lambda pool, values, language: _rows(Community.objects.filter(pool=pool), values),
    "message_sources": _sender_names,
    "message_steps": _step_names,
    "contents": lambda pool, values, language: _rows(Content.objects.filter(pool=pool), values),
    "connectors": lambda pool, values, language: _rows(Connector.objects.filter(pool=pool), values),
    "event_kinds": _event_names,
    "happenings": lambda pool, values, language: {value: _happening(value, language) for value in values},
    facts_own.NAMES: own.names,
    facts_standings.NAMES: standings.names,
}
