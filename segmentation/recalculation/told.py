"""Edges in words, for pages and the API."""

from typing import Any

from django.utils.translation import gettext as _

from members.models.state import Stage
from scrm.lib import formats
from segmentation.recalculation.chances import Chance
from segmentation.recalculation.edges import DAY, Edges

EXAMPLES = (1, 2, 3, 5, 10)  # orders


def score_rows(edges: Any) -> list[tuple[int, str, str, str]]:
    """For each score from 5 down to 1: what R, F and M it takes."""
    rows = []
    for score in range(5, 1, -1):
        i = score - 2
        rows.append((score, _within(edges.r[i]), _orders(edges.f[i] + 1), _money(edges.m[i] + 1)))
    return [*rows, (1, _("更早"), _("更少"), _("更少"))]


def split_row(edges: Any) -> tuple[str, str, str]:
    """What counts as high, for the eight groups."""
    return _within(edges.r_split), _orders(edges.f_split + 1), _money(edges.m_split + 1)


def _within(seconds: int) -> str:
    if seconds < 2 * DAY:
        return _("%(n)s 小时内") % {"n": formats.decimal(seconds / 3600, 1)}
    return _("%(n)s 天内") % {"n": formats.decimal(seconds / DAY, 1)}


def _orders(count: int) -> str:
    return _("≥ %(n)s 单") % {"n": formats.full(count)}


def _money(minor: int) -> str:
    return f"≥ {formats.money(minor)}"


# -- Stages --------------------------------------------------------------------------------------


def stage_rows(edges: Edges) -> list[tuple[int, str, str]]:
    """For each stage after the first order: days since the last one, or the chance of not ordering."""
    if edges.chance:
        return _chance_rows(Chance.load(edges.chance))
    return [(code, label, span) for (code, label), span in zip(_stages(), _spans(edges.stage_days), strict=True)]


def _stages() -> list[tuple[int, str]]:
    return [(stage.value, str(stage.label)) for stage in Stage if stage != Stage.LEAD]


def _spans(days: list[int]) -> list[str]:
    first, second, third = days
    spans = [_("%(a)s–%(b)s 天") % {"a": a, "b": b} for a, b in ((0, first), (first, second), (second, third))]
    return [*spans, _("%(n)s 天及以上") % {"n": third}]


def _chance_rows(chance: Chance) -> list[tuple[int, str, str]]:
    ends = [formats.percent(edge, 1) for edge in chance.edges]
    first, second, third = ends
    spans = [_("低于 %(b)s") % {"b": first}, f"{first}–{second}", f"{second}–{third}", _("%(a)s 及以上") % {"a": third}]
    return [(code, label, span) for (code, label), span in zip(_stages(), spans, strict=True)]


def examples(edges: Edges) -> list[tuple[str, list[str]]]:
    """By the model: after how many days without an order a member of a usual history turns silent, sleeping, lost."""
    if not edges.chance:
        return []
    chance = Chance.load(edges.chance)
    orders = [n - 1 for n in EXAMPLES]
    ages = chance.ages(orders, [round(chance.gap * x) for x in orders])
    return [
        (_history(x + 1, round(chance.gap * x)), [_after(hours) for hours in row])
        for x, row in zip(orders, ages.tolist(), strict=True)
    ]


def _history(orders: int, days: int) -> str:
    if orders == 1:
        return _("买过 1 次")
    return _("%(days)s 天内买过 %(n)s 次") % {"n": orders, "days": formats.full(days)}


def _after(hours: int) -> str:
    if hours >= 20 * 365 * 24:
        return _("20 年以上")
    if hours == 0:
        return _("即刻")
    return _("%(n)s 天") % {"n": formats.full(hours / 24, 0)}


def category_rows(edges: Edges) -> list[tuple[str, list[str]]]:
    """By category: the days at which its members turn silent, sleeping, lost."""
    return [(name, [_("%(n)s 天") % {"n": n} for n in days]) for name, days in edges.categories.items()]


def basis(edges: Edges, quantiles: list[float]) -> str:
    """Why the stages are cut where they are."""
    if edges.stage_basis == "fixed":
        return _("按设定的固定天数划分。")
    if edges.stage_basis == "few":
        return _("复购会员只有 %(n)s 人，不足以看出购买节奏，暂按固定天数划分。") % {"n": formats.full(edges.repeat_buyers)}
    if edges.chance:
        return _chance_basis(Chance.load(edges.chance))
    said = _rhythm(edges, quantiles)
    if edges.stage_basis == "category":
        said = (
            _("%(n)s 个品类按各自的复购节奏划分，会员取其消费最多的品类；其余品类按全池节奏：") % {"n": len(edges.categories)}
            + said
        )
    return said


def _chance_basis(chance: Chance) -> str:
    model = _(
        "按「今后 %(h)s 天内不再下单的可能」划分，由 %(n)s 名有订单的会员的购买历史算出（复购 %(m)s 人，间隔中位数 %(gap)s 天）。"
    ) % {
        "h": chance.horizon,
        "n": formats.full(chance.buyers),
        "m": formats.full(chance.repeat_buyers),
        "gap": formats.decimal(chance.gap, 1),
    }
    shares = [formats.percent(share, 0) for share in chance.shares]
    return model + _("分界取测定当日的 %(a)s、%(b)s、%(c)s 分位。") % dict(zip("abc", shares, strict=True))


def _rhythm(edges: Edges, quantiles: list[float]) -> str:
    shares = [formats.percent(q, 0) for q in quantiles]
    return _("%(n)s 名复购会员中，%(a)s 的平均购买间隔不超过 %(x)s 天，%(b)s 不超过 %(y)s 天，%(c)s 不超过 %(z)s 天。") % {
        "n": formats.full(edges.repeat_buyers), "a": shares[0], "b": shares[1], "c": shares[2],
        "x": edges.stage_days[0], "y": edges.stage_days[1], "z": edges.stage_days[2],
    }  # fmt: skip


def words(found: Edges, quantiles: list[float]) -> dict[str, object]:
    """All of it."""
    return {
        "scores": score_rows(found),
        "split": split_row(found),
        "stages": stage_rows(found),
        "by_chance": bool(found.chance),
        "examples": examples(found),
        "categories": category_rows(found),
        "basis": basis(found, quantiles),
    }
