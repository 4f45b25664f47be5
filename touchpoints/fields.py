"""The whitelist of what a message may say about its reader.

Upper apps add their own with `register("points.balance", label=…, sample="1280", load=function)`;
the function is asked once per chunk of members.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from scrm.lib import formats
from scrm.lib.registry import Registry

Row = Mapping[str, Any]
Load = Callable[[int, Sequence[int]], dict[int, str]]


@dataclass(frozen=True)
class Field:
    """One thing a placeholder may name."""

    key: str
    label: str | Promise
    sample: str
    read: Callable[[Row], str]
    load: Load | None = None
    is_link: bool = False


FIELDS: Registry[Field] = Registry("placeholder")


def _add(key: str, label: str | Promise, sample: str, read: Callable[[Row], str], *, is_link: bool = False) -> None:
    FIELDS.register(key)(Field(key, label, sample, read, is_link=is_link))


def register(key: str, *, label: str | Promise, sample: str, load: Load) -> None:
    """Add a field of an upper app: `load(pool_id, member_ids)` gives the texts it knows."""
    FIELDS.register(key)(Field(key, label, sample, lambda row: row.get(key) or "", load=load))


def _text(column: str) -> Callable[[Row], str]:
    return lambda row: row[column] or ""


def _money(column: str) -> Callable[[Row], str]:
    def read(row: Row) -> str:
        value = row[column]
        return "" if value is None else f"{value // 100:,}.{value % 100:02d}"

    return read


def _day(column: str) -> Callable[[Row], str]:
    def read(row: Row) -> str:
        moment: datetime | None = row[column]
        return "" if moment is None else f"{moment.astimezone(row['zone']):%Y-%m-%d}"

    return read


def _days_since(column: str) -> Callable[[Row], str]:
    def read(row: Row) -> str:
        moment: datetime | None = row[column]
        return "" if moment is None else str(max((row["now"] - moment).days, 0))

    return read


def _count(column: str) -> Callable[[Row], str]:
    return lambda row: "" if row[column] is None else str(row[column])


def _shared(key: str) -> Callable[[Row], str]:
    return lambda row: row["variables"].get(key) or ""


_add("member.name", _("会员姓名"), "王小明", _text("name"))
_add("member.city", _("会员城市"), "上海", _text("city"))
_add("member.province", _("会员省份"), "上海", _text("province"))
_add("member.id", _("会员编号"), "10086", _count("member_id"))
_add("order.count", _("累计订单数"), "6", _count("order_count"))
_add("order.total", formats.with_sign(_("累计消费（%(sign)s）")), "1,280.00", _money("amount_total"))
_add("order.last_date", _("最近下单日期"), "2026-10-18", _day("last_order_at"))
_add("order.last_days", _("距最近下单天数"), "34", _days_since("last_order_at"))
_add("order.first_date", _("首次下单日期"), "2025-03-02", _day("first_order_at"))
_add("pool.name", _("会员池名称"), "演示会员池", lambda row: row["pool_name"])
_add("campaign.name", _("活动名称"), "老客回归", _shared("campaign.name"))
_add("coupon.code", _("优惠券码"), "BACK20", _shared("coupon.code"))
# Links are made by the renderer: they carry the delivery's token.
_add("campaign.link", _("活动链接"), "https://example.com/", lambda row: "", is_link=True)
_add("unsubscribe.link", _("退订链接"), "https://example.com/", lambda row: "", is_link=True)
