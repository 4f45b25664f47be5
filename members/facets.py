"""What the member list can be narrowed by: each facet reads its values from the address."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Model, Q
from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from members.models import Channel, Member, MemberTag, Pool, Tag
from members.models.state import RfmGroup, Stage
from scrm.lib import sql

NONE = "none"
Option = tuple[Any, Any]  # value, label
Chip = tuple[str, str, str]  # key, value, label


@dataclass(frozen=True)
class Choice:
    """Some values of a list; several mean any of them."""

    key: str
    label: Any
    options: Callable[[Pool], Sequence[Option]]
    where: Callable[[list[str]], Q]
    sift: bool = False

    def read(self, params: QueryDict, pool: Pool) -> tuple[Q | None, list[Chip]]:
        """The condition and the chips of what is chosen; values that do not exist are left out."""
        if not params.getlist(self.key):
            return None, []
        known = {str(value): str(label) for value, label in self.options(pool)}
        chosen = [value for value in dict.fromkeys(params.getlist(self.key)) if value in known]
        # Nothing that exists was chosen: nobody, not everybody.
        return (self.where(chosen) if chosen else Q(pk__in=[])), [(self.key, value, known[value]) for value in chosen]


@dataclass(frozen=True)
class Range:
    """From … to, either end open."""

    key: str
    label: Any
    unit: str  # number, money, day
    where: Callable[[Any, Any, Pool], Q]

    @property
    def ends(self) -> tuple[str, str]:
        return f"{self.key}_min", f"{self.key}_max"

    def read(self, params: QueryDict, pool: Pool) -> tuple[Q | None, list[Chip]]:
        """The condition and a chip per end; what cannot be read as a number or a day is left out."""
        low, high = (self._value(params.get(end, "")) for end in self.ends)
        if low is None and high is None:
            return None, []
        signs = zip(self.ends, ("≥", "≤"), (low, high), strict=True)
        chips = [
            (end, params.get(end, ""), f"{self.label} {sign} {self._shown(value)}")
            for end, sign, value in signs
            if value is not None
        ]
        return self.where(low, high, pool), chips

    def _value(self, text: str) -> Any:
        try:
            if self.unit == "day":
                return date.fromisoformat(text)
            return round(float(text) * 100) if self.unit == "money" else int(text)
        except (ValueError, OverflowError):
            return None

    def _shown(self, value: Any) -> str:
        return f"¥{value / 100:,.0f}" if self.unit == "money" else str(value)


Facet = Choice | Range


def _numbers(values: Iterable[str]) -> list[int]:
    return [int(value) for value in values if value != NONE]


def _stage(values: list[str]) -> Q:
    found = Q(state__stage__in=_numbers(values))
    # Somebody without a state was not computed yet and has bought nothing that is known.
    return found | Q(state=None) if str(Stage.LEAD.value) in values else found


def _rfm(values: list[str]) -> Q:
    found = Q(state__rfm_group__in=_numbers(values))
    return found | Q(state__rfm_group=None) if NONE in values else found


def _tags(values: list[str]) -> Q:
    return Q(id__in=MemberTag.objects.filter(tag_id__in=_numbers(values)).values("member_id"))


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


def _of(model: type[Model]) -> Callable[[Pool], Sequence[Option]]:
    return lambda _pool: [(row.pk, str(row)) for row in model._default_manager.all()]


def tag_options(pool: Pool) -> Sequence[Option]:
    """Tags of the pool by group: "价值 · 高客单"."""
    return [
        (tag.pk, f"{tag.group.name} · {tag.name}")
        for tag in Tag.objects.filter(pool=pool).select_related("group").order_by("group__name", "name")
    ]


def places(pool: Pool) -> list[tuple[str, str]]:
    """Provinces with their cities, as they occur."""
    return [(row["province"], row["city"]) for row in sql.rows("members/list_places", {"pool_id": pool.pk})]


def _provinces(pool: Pool) -> Sequence[Option]:
    return [(name, name) for name in dict.fromkeys(province for province, _city in places(pool))]


def _cities(pool: Pool) -> Sequence[Option]:
    return [(name, name) for name in dict.fromkeys(city for _province, city in places(pool) if city)]


FACETS: tuple[Facet, ...] = (
    Choice("stage", _("生命周期"), lambda _pool: Stage.choices, _stage),
    Choice("rfm", _("RFM 分组"), lambda _pool: [*RfmGroup.choices, (NONE, _("未分组"))], _rfm),
    Choice("tag", _("标签"), tag_options, _tags, sift=True),
    Choice("channel", _("来源渠道"), _of(Channel), lambda values: Q(channel__in=_numbers(values)), sift=True),
    Choice("status", _("身份"), lambda _pool: Member.Status.choices, lambda values: Q(status__in=_numbers(values))),
    Choice("province", _("省份"), _provinces, lambda values: Q(province__in=values), sift=True),
    Choice("city", _("城市"), _cities, lambda values: Q(city__in=values), sift=True),
    Range("orders", _("订单数"), "number", _count("state__order_count")),
    Range("amount", _("累计消费"), "money", _count("state__amount_total")),
    Range("joined", _("加入时间"), "day", _days("joined_at")),
    Range("last", _("最近下单"), "day", _days("state__last_order_at")),
)
