"""The facets every pool has; others are offered by their own rooms (members/filters.py)."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, F, Func, IntegerField, Model, OuterRef, Q, QuerySet
from django.db.models.lookups import In
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from members.filters import NONE, Choice, Facet, Option, Range, offered
from members.models import Channel, Consent, Identity, Member, MemberTag, Pool, Tag
from members.models.state import RfmGroup, Stage
from scrm.lib import clock, sql
from scrm.staff.models import User

__all__ = ["FACETS", "QUICK", "facets", "panel", "places", "tag_options"]


def _numbers(values: Iterable[str]) -> list[int]:
    return [int(value) for value in values if value != NONE]


def _stage(values: list[str]) -> Q:
    found = Q(state__stage__in=_numbers(values))
    # Somebody without a state was not computed yet and has bought nothing that is known.
    return found | Q(state=None) if str(Stage.LEAD.value) in values else found


def _rfm(values: list[str]) -> Q:
    found = Q(state__rfm_group__in=_numbers(values))
    return found | Q(state__rfm_group=None) if NONE in values else found


def _has(rows: QuerySet[Any]) -> Q:
    return Q(id__in=rows.values("member_id"))


def _has_not(rows: QuerySet[Any]) -> Q:
    """An anti join: NOT IN would be worked out row by row once the set is larger than memory."""
    return Q(~Exists(rows.filter(member_id=OuterRef("pk"))))


def _tagged(values: list[str]) -> QuerySet[MemberTag]:
    return MemberTag.objects.filter(tag_id__in=_numbers(values))


def _tags_all(values: list[str]) -> Q:
    found = Q()
    for value in values:
        found &= _has(_tagged([value]))
    return found


def _identity(values: list[str]) -> QuerySet[Identity]:
    return Identity.objects.filter(kind__in=values)


def _consent(values: list[str]) -> Q:
    """`sms` has agreed, `sms-no` has refused or withdrawn; for marketing."""
    found = Q()
    for value in values:
        carrier, _dash, refused = value.partition("-")
        found |= _has(Consent.objects.filter(carrier=carrier, purpose=Consent.Purpose.MARKETING, granted=not refused))
    return found


def _owner(values: list[str]) -> Q:
    found = Q(owner__in=_numbers(values)) if _numbers(values) else Q(pk__in=[])
    return found | Q(owner=None) if NONE in values else found


def _between(field: str, low: Any, high: Any) -> Q:
    found = Q()
    if low is not None:
        found &= Q(**{f"{field}__gte": low})
    if high is not None:
        found &= Q(**{f"{field}__lte": high})
    return found


def _count(field: str) -> Callable[[Any, Any, Pool], Q]:
    def where(low: Any, high: Any, _pool: Pool) -> Q:
        found = _between(field, low, high)
        return found | Q(state=None) if (low or 0) <= 0 and (high is None or high >= 0) else found

    return where


def _days(field: str) -> Callable[[Any, Any, Pool], Q]:
    """Whole days of the pool's time zone."""

    def where(low: date | None, high: date | None, pool: Pool) -> Q:
        found = Q()
        if low:
            found &= Q(**{f"{field}__gte": datetime.combine(low, time(), pool.zone)})
        if high and high < date.max:
            found &= Q(**{f"{field}__lt": datetime.combine(high + timedelta(days=1), time(), pool.zone)})
        return found

    return where


def _today(pool: Pool) -> date:
    """An address is read at the edge, and so is the clock: ages and birthdays are those of today."""
    return clock.now().astimezone(pool.zone).date()


def years_before(day: date, years: int) -> date:
    """The same day some years ago; of a leap day the first of March."""
    if years >= day.year:
        return date.min
    try:
        return day.replace(year=day.year - years)
    except ValueError:
        return date(day.year - years, 3, 1)


def _age(low: int | None, high: int | None, pool: Pool) -> Q:
    today, found = _today(pool), Q(birthday__isnull=False)
    if low is not None:
        found &= Q(birthday__lte=years_before(today, max(low, 0)))
    if high is not None:
        found &= Q(birthday__gt=years_before(today, max(high, -1) + 1))
    return found


class MonthDay(Func):
    """229 for the 29th of February: what comes round each year."""

    template = "month_day(%(expressions)s)"
    output_field = IntegerField()


BIRTHDAYS: tuple[Option, ...] = (("today", _("今天")), ("week", _("7 天内")), ("month", _("30 天内")))


def _birthday_options(_pool: Pool) -> list[Option]:
    return [*BIRTHDAYS, *((f"m{month}", _t("%(month)s 月") % {"month": month}) for month in range(1, 13))]


def _birthday(values: list[str], pool: Pool) -> Q:
    today, days = _today(pool), set[int]()
    for value in values:
        if value.startswith("m") and value[1:].isdecimal():
            days |= {int(value[1:]) * 100 + day for day in range(1, 32)}
        else:
            ahead = {"today": 1, "week": 7, "month": 30}[value]
            days |= {each.month * 100 + each.day for each in (today + timedelta(days=n) for n in range(ahead))}
    return Q(In(MonthDay(F("birthday")), sorted(days)))


def _of(model: type[Model]) -> Callable[[Pool], Sequence[Option]]:
    return lambda _pool: [(row.pk, str(row)) for row in model._default_manager.all()]


def tag_options(pool: Pool, *, by_hand: bool = False) -> Sequence[Option]:
    """Tags of the pool by group: "价值 · 高客单"; `by_hand` only those that people give."""
    found = Tag.objects.filter(pool=pool).select_related("group").order_by("group__place", "group__name", "place", "name")
    return [(tag.pk, f"{tag.group.name} · {tag.name}") for tag in found if not (by_hand and tag.is_kept)]


def owner_options(pool: Pool) -> Sequence[Option]:
    """Nobody, and everybody who may enter the pool or serves in it."""
    people = User.objects.filter(Q(accesses__pool=pool) | Q(staff_profiles__pool=pool)).distinct().order_by("pk")
    return [(NONE, _("无专属导购")), *((user.pk, str(user)) for user in people)]


def places(pool: Pool) -> list[tuple[str, str]]:
    """Provinces with their cities, as they occur."""
    return [(row["province"], row["city"]) for row in sql.rows("members/list_places", {"pool_id": pool.pk})]


def _provinces(pool: Pool) -> Sequence[Option]:
    return [(name, name) for name in dict.fromkeys(province for province, _city in places(pool))]


def _cities(pool: Pool) -> Sequence[Option]:
    return [(name, name) for name in dict.fromkeys(city for _province, city in places(pool) if city)]


def _consents(_pool: Pool) -> list[Option]:
    found: list[Option] = []
    for carrier, label in Consent.Carrier.choices:
        found.append((carrier, _t("%(carrier)s：已同意") % {"carrier": label}))
        found.append((f"{carrier}-no", _t("%(carrier)s：已拒绝或撤回") % {"carrier": label}))
    return found


FACETS: tuple[Facet, ...] = (
    Choice(
        "status",
        _("身份"),
        lambda _pool: Member.Status.choices,
        lambda values: Q(status__in=_numbers(values)),
        group="person",
    ),
    Choice(
        "gender",
        _("性别"),
        lambda _pool: Member.Gender.choices,
        lambda values: Q(gender__in=_numbers(values)),
        group="person",
    ),
    Range("age", _("年龄"), "whole", _age, group="person", suffix=_(" 岁")),
    Choice("birthday", _("生日"), _birthday_options, group="person", said=_("生日：%(option)s"), of_pool=_birthday),
    Choice("province", _("省份"), _provinces, lambda values: Q(province__in=values), sift=True, group="person"),
    Choice("city", _("城市"), _cities, lambda values: Q(city__in=values), sift=True, group="person"),
    Choice("tag", _("带任一标签"), tag_options, lambda values: _has(_tagged(values)), sift=True, group="tags"),
    Choice("tag_all", _("带全部标签"), tag_options, _tags_all, sift=True, group="tags", said=_("必带：%(option)s")),
    Choice(
        "tag_not",
        _("不带标签"),
        tag_options,
        lambda values: _has_not(_tagged(values)),
        sift=True,
        group="tags",
        said=_("不带：%(option)s"),
    ),
    Choice("stage", _("生命周期"), lambda _pool: Stage.choices, _stage, group="state"),
    Choice("rfm", _("RFM 分组"), lambda _pool: [*RfmGroup.choices, (NONE, _("未分组"))], _rfm, group="state"),
    Range("orders", _("订单数"), "whole", _count("state__order_count"), group="state"),
    Range("amount", _("累计消费"), "money", _count("state__amount_total"), group="state"),
    Range("last", _("最近下单"), "day", _days("state__last_order_at"), group="state"),
    Choice("consent", _("营销授权"), _consents, _consent, group="reach"),
    Choice(
        "identity",
        _("有身份标识"),
        lambda _pool: Identity.Kind.choices,
        lambda values: _has(_identity(values)),
        group="reach",
        said=_("有：%(option)s"),
    ),
    Choice(
        "identity_not",
        _("无身份标识"),
        lambda _pool: Identity.Kind.choices,
        lambda values: _has_not(_identity(values)),
        group="reach",
        said=_("无：%(option)s"),
    ),
    Choice("owner", _("专属导购"), owner_options, _owner, sift=True, group="people"),
    Choice("channel", _("来源渠道"), _of(Channel), lambda values: Q(channel__in=_numbers(values)), sift=True, group="source"),
    Range("joined", _("加入时间"), "day", _days("joined_at"), group="source"),
)
QUICK = ("stage", "rfm", "tag", "channel")  # always at hand above the list
OWN = frozenset(key for facet in FACETS for key in facet.keys)
# What an address of the list may hold beside its conditions.
PLAIN = frozenset({"q", "sort", "after", "before", "limit", "view", "columns", "dense"})


def facets(pool: Pool, keys: Iterable[str] | None = None) -> list[Facet]:
    """All facets of a pool; with `keys` only those that read one of them, and nobody is asked in vain."""
    if keys is None:
        return [*FACETS, *offered(pool)]
    wanted = set(keys) - PLAIN
    return [facet for facet in (facets(pool) if wanted - OWN else FACETS) if wanted & set(facet.keys)]


def panel(pool: Pool) -> list[Facet]:
    """What stands in the filter panel."""
    return [facet for facet in facets(pool) if facet.control]
