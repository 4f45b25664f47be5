"""The members behind a figure: filters that the member list takes from here."""

from datetime import date

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pyroaring import BitMap

from insights.period import Period
from members import filters
from members.models import Pool, StateChange
from members.models.state import RfmGroup, Stage
from scrm.lib import sql
from segmentation import bitmaps


def _ids(name: str, params: dict[str, object]) -> BitMap:
    (found,) = bitmaps.fetch(sql.text(f"insights/{name}"), params)
    return found


def _month_after(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, 1)


# -- bought=2~2026-10-01~2026-10-31: at least two paid orders in those days -----------------------


def _bought(value: str) -> tuple[int, date, date]:
    least, first, last = value.split("~")
    return int(least), date.fromisoformat(first), date.fromisoformat(last)


def buyers(pool: Pool, value: str) -> BitMap:
    least, first, last = _bought(value)
    return _ids("list_buyers", {**Period(pool, first, last).params, "least": least})


def say_buyers(pool: Pool, value: str) -> str:
    least, first, last = _bought(value)
    return _("%(first)s 至 %(last)s 下单 ≥ %(n)s 次") % {"first": first, "last": last, "n": least}


# -- moved=1~2~4~2026-10-01~2026-10-31: stage 2 at the start, stage 4 at the end; "-" is none -----


def _moved(value: str) -> tuple[StateChange.Kind, int | None, int | None, date, date]:
    kind, start, end, first, last = value.split("~")
    code = [None if text == "-" else int(text) for text in (start, end)]
    return StateChange.Kind(int(kind)), code[0], code[1], date.fromisoformat(first), date.fromisoformat(last)


def movers(pool: Pool, value: str) -> BitMap:
    kind, start, end, first, last = _moved(value)
    return _ids("list_movers", {**Period(pool, first, last).params, "kind": int(kind), "from_code": start, "to_code": end})


def say_movers(pool: Pool, value: str) -> str:
    kind, start, end, first, last = _moved(value)
    names = Stage if kind == StateChange.Kind.STAGE else RfmGroup
    labels = [_("无") if code is None else str(names(code).label) for code in (start, end)]
    return _("%(first)s 至 %(last)s 由 %(start)s 到 %(end)s") % {
        "first": first,
        "last": last,
        "start": labels[0],
        "end": labels[1],
    }


# -- cohort=2026-03~2: first bought in March 2026, bought in the second month after ---------------


def _cohort(value: str) -> tuple[date, int]:
    month, later = value.split("~")
    return date.fromisoformat(f"{month}-01"), int(later)


def cohort(pool: Pool, value: str) -> BitMap:
    first, later = _cohort(value)
    of = {"cohort": Period(pool, first, first).since, "cohort_end": Period(pool, _month_after(first, 1), first).since}
    on = _month_after(first, later)
    bought = {"month": Period(pool, on, on).since, "month_end": Period(pool, _month_after(on, 1), on).since}
    return _ids("list_cohort_members", {"pool_id": pool.pk, **of, **bought})


def say_cohort(pool: Pool, value: str) -> str:
    first, later = _cohort(value)
    return _("%(month)s 首购、第 %(n)s 个月又购买") % {"month": f"{first:%Y-%m}", "n": later}


# -- rf=5~4: recency score 5, frequency score 4 ----------------------------------------------------


def scored(pool: Pool, value: str) -> BitMap:
    r, f = map(int, value.split("~"))
    return _ids("list_scored", {"pool_id": pool.pk, "r": r, "f": f})


def say_scored(pool: Pool, value: str) -> str:
    r, f = value.split("~")
    return f"R{r} · F{f}"


filters.register("rf", gettext_lazy("RFM 网格"), ids=scored, describe=say_scored)
filters.register("bought", gettext_lazy("期内购买"), ids=buyers, describe=say_buyers)
filters.register("moved", gettext_lazy("状态迁移"), ids=movers, describe=say_movers)
filters.register("cohort", gettext_lazy("首购同期群"), ids=cohort, describe=say_cohort)
