"""The metric catalogue: each figure's one name, definition and way of being computed.

Pages, charts, the API and downloads all take figures from here, so they are equal everywhere.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext_lazy as _

from insights import queries
from insights.period import Period
from scrm.lib.registry import Registry

Unit = Literal["members", "orders", "money", "ratio", "messages"]


@dataclass(frozen=True)
class Metric:
    """What a figure is called, what it means, and how it is computed for a period."""

    key: str
    label: Any
    definition: Any
    unit: Unit
    icon: str
    value: Callable[[Period], float | int | None]
    series: Callable[[Period], list[float]] | None = None
    behind: Callable[[Period], str] | None = None  # the member list's query for the members behind it
    is_good_down: bool = False


metrics: Registry[Metric] = Registry("metric")


def _declare(key: str, label: Any, definition: Any, unit: Unit, icon: str, value: Any, **more: Any) -> None:
    metrics.register(key)(Metric(key, label, definition, unit, icon, value, **more))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _days(column: str, rows: Callable[[Period], list[dict[str, Any]]]) -> Callable[[Period], list[float]]:
    return lambda period: [row[column] for row in rows(period)]


def _bought(least: int) -> Callable[[Period], str]:
    return lambda period: f"bought={least}~{period.first}~{period.last}"


_declare(
    "members",
    _("会员总数"),
    _("期末在池的人数：与品牌有过任何接触的人，含潜客；已被合并的不计。"),
    "members",
    "users",
    lambda period: queries.members(period)["total"],
    series=_days("total", queries.join_days),
    behind=lambda period: f"joined_max={period.last}",
)
_declare(
    "joined",
    _("新增会员"),
    _("加入时间在期内的人数。"),
    "members",
    "user-plus",
    lambda period: queries.members(period)["joined"],
    series=_days("joined", queries.join_days),
    behind=lambda period: f"joined_min={period.first}&joined_max={period.last}",
)
_declare(
    "gmv",
    _("成交额"),
    _("期内已支付订单的实付金额减退款；取消与全额退款的订单不计。"),
    "money",
    "currency-yuan",
    lambda period: queries.trade(period)["gmv"],
    series=_days("gmv", queries.trade_days),
    behind=_bought(1),
)
_declare(
    "orders",
    _("订单数"),
    _("期内下单且已支付的订单数。"),
    "orders",
    "shopping-bag",
    lambda period: queries.trade(period)["orders"],
    series=_days("orders", queries.trade_days),
    behind=_bought(1),
)
_declare(
    "buyers",
    _("购买会员"),
    _("期内至少有一笔已支付订单的会员数。"),
    "members",
    "user-dollar",
    lambda period: queries.trade(period)["buyers"],
    series=_days("buyers", queries.trade_days),
    behind=_bought(1),
)
_declare(
    "aov",
    _("客单价"),
    _("成交额 ÷ 订单数。"),
    "money",
    "receipt",
    lambda period: _ratio(queries.trade(period)["gmv"], queries.trade(period)["orders"]),
)
_declare(
    "repurchase_rate",
    _("复购率"),
    _("期内下单两次及以上的会员 ÷ 期内购买会员。"),
    "ratio",
    "repeat",
    lambda period: _ratio(queries.trade(period)["repeat_buyers"], queries.trade(period)["buyers"]),
    behind=_bought(2),
)
_declare(
    "sent",
    _("发送量"),
    _("期内交给渠道并被接受的消息数。"),
    "messages",
    "send",
    lambda period: queries.reach(period)["sent"],
)
_declare(
    "click_rate",
    _("点击率"),
    _("期内发送的消息中被点击的比例；邮件客户端的预取不计。"),
    "ratio",
    "click",
    lambda period: _ratio(queries.reach(period)["clicked"], queries.reach(period)["sent"]),
)
_declare(
    "opted_out",
    _("退订会员"),
    _("期内撤回授权的会员数。"),
    "members",
    "bell-off",
    lambda period: queries.reach(period)["opted_out"],
    is_good_down=True,
)


@dataclass(frozen=True)
class Reading:
    """A metric over a period, beside the same length of time before."""

    metric: Metric
    value: float | int | None
    before: float | int | None
    series: list[float]
    behind: str

    @property
    def change(self) -> float | None:
        """Relative change; for ratios the difference itself."""
        if self.value is None or self.before is None:
            return None
        if self.metric.unit == "ratio":
            return self.value - self.before
        return (self.value - self.before) / self.before if self.before else None


def read(key: str, period: Period) -> Reading:
    """One metric for a period; raises KeyError for an unknown one."""
    metric = metrics[key]
    return Reading(
        metric,
        metric.value(period),
        metric.value(period.before),
        metric.series(period) if metric.series else [],
        metric.behind(period) if metric.behind else "",
    )
