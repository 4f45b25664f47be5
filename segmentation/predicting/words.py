"""Figures of models for people: what they are called, how they are written, what was missing."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scrm.lib import formats
from segmentation.predicting.declaring import Unit, Words


@dataclass(frozen=True)
class Said:
    """A figure of the hold-out: its name, how it is written, and whether less is better."""

    title: Words
    unit: str = "number"  # share, number, own (the model's unit), times
    less: bool = False
    near: float | None = None  # the nearer the better
    note: Words = ""


METRICS: dict[str, Said] = {
    "auc": Said(
        gettext_lazy("区分能力 AUC"), note=gettext_lazy("随机抽一位发生的与一位未发生的会员，前者得分更高的概率；0.5 等于乱猜")
    ),
    "auc_buyers": Said(gettext_lazy("AUC（仅本期买过的会员）")),
    "brier": Said(gettext_lazy("Brier 误差"), less=True, note=gettext_lazy("预测概率与结果之差的平方的平均")),
    "ece": Said(gettext_lazy("校准误差 ECE"), "share", less=True, note=gettext_lazy("预测概率与实际比例平均差多少")),
    "lift10": Said(gettext_lazy("最高 10% 的提升"), "times", note=gettext_lazy("得分最高的十分之一里，发生的比例是全体的几倍")),
    "ari": Said(
        gettext_lazy("分群稳定性 ARI"),
        note=gettext_lazy("换一批抽样重新分群，同一位会员还分在一起的程度；1 为完全一致，0 等于乱分。区间是各次重抽的最低与最高"),
    ),
    "rank": Said(
        gettext_lazy("排序相关 ρ"), note=gettext_lazy("评分高的会员，下一周期的占比是否也高；1 为次序完全一致，0 等于乱猜")
    ),
    "halves": Said(
        gettext_lazy("两半一致性 ρ"),
        note=gettext_lazy("把同一会员的订单随机分成两半，两半的占比是否一致；区间包含 0 就只是偶然"),
    ),
    "halves_raw": Said(
        gettext_lazy("原始占比的一致性 ρ"), note=gettext_lazy("没有调整的优惠占比；它稳定主要因为会员总买同样的商品")
    ),
    "silhouette": Said(gettext_lazy("轮廓系数"), note=gettext_lazy("群内紧、群间远的程度，−1 到 1")),
    "rmse": Said(gettext_lazy("均方根误差"), "own", less=True),
    "mae": Said(gettext_lazy("平均绝对误差"), "own", less=True),
    "total": Said(gettext_lazy("预测总量 ÷ 实际总量"), "share", near=1.0, note=gettext_lazy("模型不含季节：旺季偏低，淡季偏高")),
    "capture20": Said(gettext_lazy("最高 20% 会员占实际总量"), "share"),
    "pinball25": Said(gettext_lazy("25% 日期的误差（天）"), less=True),
    "pinball50": Said(gettext_lazy("50% 日期的误差（天）"), less=True),
    "pinball75": Said(gettext_lazy("75% 日期的误差（天）"), less=True),
}


def said(key: str) -> Said:
    """What a figure is called; one nobody has named is called by its key."""
    return METRICS.get(key, Said(key))


def lacking(found: dict[str, Any] | None) -> str:
    """Why nothing could be learnt."""
    found = found or {}
    texts = {
        "members": _("可以学习的会员只有 %(found)s 位，至少要 %(needed)s 位"),
        "repeaters": _("买过两次以上的会员只有 %(found)s 位，至少要 %(needed)s 位"),
        "answers": _("较少的那种结果只出现过 %(found)s 次，至少要 %(needed)s 次"),
        "spenders": _("有消费金额的会员只有 %(found)s 位，至少要 %(needed)s 位"),
        "days": _("订单只跨 %(found)s 天，这个周期长度至少要 %(needed)s 天；可以缩短周期"),
        "categories": _("六个周期内买过的品类只有 %(found)s 个，至少要 %(needed)s 个；商品要先有品类"),
        "offers": _("能用来检验的发券只有 %(found)s 次，至少要 %(needed)s 次：每次至少 200 人收到、30 人核销，并且已满一个周期"),
        "seeds": _("种子分群里近期买过的会员只有 %(found)s 位，至少要 %(needed)s 位"),
        "others": _("种子分群以外近期买过的会员只有 %(found)s 位，至少要 %(needed)s 位"),
        "discounts": _("有优惠可比的会员只有 %(found)s 位，至少要 %(needed)s 位；商品行要带优惠金额"),
        "novelties": _("买过新品的会员只有 %(found)s 位，至少要 %(needed)s 位；新品是本池有订单一段时间之后才首次售出的商品"),
        "activities": _("在活动中下过单的会员只有 %(found)s 位，至少要 %(needed)s 位；可以放宽触达天数、优惠深度或互动类型"),
        "alike": _("互不相同的会员只有 %(found)s 种，至少要 %(needed)s 种才分得出群"),
        "same_day": _("所有购买都在最后一天，之后还没有观察"),
    }
    text = texts.get(found.get("code", ""), _("数据不足"))
    return text % {"found": formats.full(found.get("found", 0)), "needed": formats.full(found.get("needed", 0))}


def never() -> str:
    """Of a wait without end."""
    return _("十年内不会")


def written(value: Any, unit: str, own: Unit | str = "number") -> str:
    """A figure in its unit."""
    if value is None:
        return formats.NONE
    unit = str(own) if unit == "own" else unit
    if unit == "share":
        return formats.percent(value)
    if unit == "money":
        return formats.money(value)
    if unit == "days":
        return _("%(n)s 天") % {"n": formats.decimal(value, 1)}
    if unit == "times":
        return _("%(n)s 倍") % {"n": f"{value:,.2f}"}
    digits = 2 if unit == "count" else 3
    return f"{value:,.{digits if not value or abs(value) >= 0.5 * 10**-digits else digits + 2}f}"


@dataclass(frozen=True)
class Line:
    """One figure of the hold-out as the page shows it."""

    title: Words
    note: Words
    ours: str
    limits: str
    theirs: str
    change: str
    change_limits: str
    verdict: str  # better, same, worse; alone: there is nothing to compare with
    main: bool


def lines(metrics: list[dict[str, Any]], own: Unit | str) -> list[Line]:
    """The figures of a version, the deciding one first."""
    return [_line(each, own) for each in sorted(metrics, key=lambda each: not each["main"])]


def _line(each: dict[str, Any], own: Unit | str) -> Line:
    about = said(each["key"])
    show = lambda name: written(each.get(name), about.unit, own)  # noqa: E731
    span = lambda low, high: f"{show(low)} – {show(high)}" if each.get(low) is not None else ""  # noqa: E731
    change = each.get("change")
    sign = "+" if change is not None and change > 0 else ""
    return Line(
        about.title, about.note, show("value"), span("low", "high"), show("baseline"), sign + show("change"),
        span("change_low", "change_high"), verdict(each, about), each["main"],
    )  # fmt: skip


def verdict(each: dict[str, Any], about: Said) -> str:
    """Whether the change is more than chance; of a share of the whole, whether it is nearer to it."""
    if about.near is not None:
        if each.get("baseline") is None or each.get("value") is None:
            return "same"
        gap = abs(each["value"] - about.near) - abs(each["baseline"] - about.near)
        return "better" if gap < -0.005 else "worse" if gap > 0.005 else "same"
    if each.get("baseline") is None:
        return "alone"
    low, high = each.get("change_low"), each.get("change_high")
    if low is None or high is None:
        return "same"
    if about.less:
        low, high = -high, -low
    return "better" if low > 0 else "worse" if high < 0 else "same"
