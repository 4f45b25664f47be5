"""What came of a run: counts by SQL, comparison of the arms by statistics.py, and how far to trust it."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from campaigns import statistics as s
from campaigns.assignment import HOLDOUT, TREATED
from campaigns.models import Campaign, Layer, Participant, Run
from campaigns.sources import step_ids
from scrm.lib import sql

COUNTS = (
    "members",
    "sent",
    "delivered",
    "opened",
    "clicked",
    "ordered",
    "failed",
    "suppressed",
    "unknown",
    "waiting",
    "redeemed",
)


@dataclass(frozen=True)
class Counts:
    """One arm of one layer (or of all) on its way through the funnel."""

    members: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    ordered: int = 0
    failed: int = 0
    suppressed: int = 0
    unknown: int = 0
    waiting: int = 0
    redeemed: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in COUNTS})

    def share(self, name: str, of: str = "members") -> float | None:
        whole = getattr(self, of)
        return getattr(self, name) / whole if whole else None


@dataclass(frozen=True)
class Funnel:
    """Counts by (arm, layer id)."""

    cells: dict[tuple[int, int | None], Counts]

    def of(self, arm: int, layer: int | None = None, *, every_layer: bool = True) -> Counts:
        """One arm, of every layer or of one."""
        chosen = (counts for (side, part), counts in self.cells.items() if side == arm and (every_layer or part == layer))
        return sum(chosen, Counts())

    @property
    def treated(self) -> Counts:
        return self.of(TREATED)

    @property
    def holdout(self) -> Counts:
        return self.of(HOLDOUT)


@dataclass(frozen=True)
class Arm:
    """What one arm did in the goal window."""

    buyers: int
    orders: int
    spend: s.Moments

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(self.buyers + other.buyers, self.orders + other.orders, self.spend + other.spend)

    @property
    def members(self) -> int:
        return self.spend.n

    @property
    def rate(self) -> s.Estimate:
        return s.wilson(self.buyers, self.members)

    @property
    def per_member(self) -> float | None:
        return self.spend.mean_y if self.members else None


NOBODY = Arm(0, 0, s.Moments(0))


@dataclass(frozen=True)
class Comparison:
    """Treated against holdout, by intention to treat: whoever was assigned counts, sent or not."""

    treated: Arm
    holdout: Arm
    layer: Layer | None = None

    @property
    def is_possible(self) -> bool:
        return self.treated.members > 0 and self.holdout.members > 0

    @property
    def difference(self) -> s.Estimate:
        return s.newcombe(self.treated.buyers, self.treated.members, self.holdout.buyers, self.holdout.members)

    @property
    def lift(self) -> s.Estimate:
        return s.relative_lift(self.treated.buyers, self.treated.members, self.holdout.buyers, self.holdout.members)

    @property
    def revenue(self) -> s.Estimate:
        """Extra net revenue per member (minor units), adjusted by what each spent before."""
        return s.cuped(self.treated.spend, self.holdout.spend)

    @property
    def revenue_raw(self) -> s.Estimate:
        return s.welch(self.treated.spend, self.holdout.spend)

    @property
    def variance_kept(self) -> float:
        return s.variance_kept(self.treated.spend, self.holdout.spend)

    @property
    def extra_buyers(self) -> s.Estimate:
        return self.difference.times(self.treated.members)

    @property
    def extra_revenue(self) -> s.Estimate:
        return self.revenue.times(self.treated.members)

    @property
    def enough(self) -> bool:
        return s.enough(self.treated.buyers, self.holdout.buyers)


@dataclass(frozen=True)
class Results:
    """Everything the results page, the API and the list say of one run."""

    campaign: Campaign
    run: Run | None
    as_of: datetime
    funnel: Funnel
    whole: Comparison
    by_layer: tuple[Comparison, ...] = ()
    layers: dict[int, Layer] = field(default_factory=dict)

    @property
    def has_control(self) -> bool:
        return self.whole.holdout.members > 0

    @property
    def ends_at(self) -> datetime | None:
        if self.run is None or self.run.entered_at is None:
            return None
        return self.run.entered_at + timedelta(days=self.campaign.goal_days)

    @property
    def is_over(self) -> bool:
        return self.ends_at is not None and self.as_of >= self.ends_at

    @property
    def both(self) -> Counts:
        """People of both arms, merged since: contacted and paid for, but compared with nobody."""
        return self.funnel.of(Participant.Arm.BOTH)

    @property
    def cost(self) -> int:
        return self.campaign.unit_cost * (self.funnel.treated.sent + self.both.sent)

    @property
    def roi(self) -> s.Estimate | None:
        """(extra revenue − cost) / cost."""
        if not self.cost or not self.whole.revenue.is_known:
            return None
        extra = self.whole.extra_revenue.times(1 / self.cost)
        return s.Estimate(extra.value - 1, extra.low - 1, extra.high - 1)

    @property
    def mismatch(self) -> float:
        """p-value of the arms' sizes against the planned holdout."""
        return s.srm(self.whole.treated.members, self.whole.holdout.members, self.campaign.holdout_percent / 100)

    @property
    def is_mismatched(self) -> bool:
        return self.has_control and self.mismatch < s.SRM_ALARM

    @property
    def verdict(self) -> str:
        """One word for how to read it: empty, no_control, mismatch, too_few, early, none, better, worse."""
        if not self.whole.treated.members:
            return "empty"
        if not self.has_control:
            return "no_control"
        if self.is_mismatched:
            return "mismatch"
        if not self.whole.enough:
            return "too_few"
        if not self.is_over:
            return "early"
        if not self.whole.difference.excludes_zero:
            return "none"
        return "better" if self.whole.difference.value > 0 else "worse"


def funnel_of(run: Run, as_of: datetime) -> Funnel:
    """The funnel of a run by arm and layer."""
    found = sql.rows("campaigns/count_funnel", {**_params(run, as_of), "steps": step_ids(run)})
    return Funnel({(row["arm"], row["layer_id"]): Counts(**{name: row[name] for name in COUNTS}) for row in found})


def _params(run: Run, as_of: datetime) -> dict[str, Any]:
    return {"run": run.pk, "pool": run.campaign.pool_id, "days": run.campaign.goal_days, "as_of": as_of}


def _arm(row: dict[str, Any]) -> Arm:
    return Arm(row["buyers"], int(row["orders"]), s.Moments(row["members"], row["y"], row["yy"], row["x"], row["xx"], row["xy"]))


def measure(run: Run, as_of: datetime) -> dict[tuple[int, int | None], Arm]:
    """What each arm of each layer did in its window, up to `as_of`."""
    return {(row["arm"], row["layer_id"]): _arm(row) for row in sql.rows("campaigns/measure_goal", _params(run, as_of))}


def _compare(arms: dict[tuple[int, int | None], Arm], layer: Layer | None = None) -> Comparison:
    def total(arm: int) -> Arm:
        return sum((found for (side, part), found in arms.items() if side == arm and (layer is None or part == layer.pk)), NOBODY)

    return Comparison(total(TREATED), total(HOLDOUT), layer)


def latest_run(campaign: Campaign) -> Run | None:
    """The run whose results a campaign shows: the newest that anybody entered, else the newest."""
    runs = campaign.runs.select_related("campaign").order_by("-entered", "-slot")
    return runs.first()


def results(campaign: Campaign, as_of: datetime, run: Run | None = None) -> Results:
    """All figures of a campaign's run."""
    run = run or latest_run(campaign)
    if run is None:
        return Results(campaign, None, as_of, Funnel({}), Comparison(NOBODY, NOBODY))
    run.campaign = campaign
    arms, layers = measure(run, as_of), {layer.pk: layer for layer in campaign.layers.all()}
    by_layer = tuple(_compare(arms, layer) for layer in layers.values()) if len(layers) > 1 else ()
    return Results(campaign, run, as_of, funnel_of(run, as_of), _compare(arms), by_layer, layers)


def conversions_by_day(run: Run, as_of: datetime) -> dict[int, list[int]]:
    """Cumulative buyers at the end of each day of the window, per arm; days to come are left out."""
    days = run.campaign.goal_days
    if run.entered_at is not None:
        days = min(days, max(1, -(-int((as_of - run.entered_at).total_seconds()) // 86400)))
    found = {
        (row["arm"], row["day"]): row["buyers"] for row in sql.rows("campaigns/count_conversions_by_day", _params(run, as_of))
    }
    curves: dict[int, list[int]] = {}
    for arm in (TREATED, HOLDOUT):
        total, curve = 0, []
        for day in range(1, days + 1):
            total += found.get((arm, day), 0)
            curve.append(total)
        curves[arm] = curve
    return curves


def _plain(estimate: s.Estimate | None) -> dict[str, float] | None:
    if estimate is None or not estimate.is_known:
        return None
    return {"value": estimate.value, "low": estimate.low, "high": estimate.high}


def _arm_json(arm: Arm) -> dict[str, Any]:
    return {
        "members": arm.members, "buyers": arm.buyers, "orders": arm.orders, "conversion": _plain(arm.rate),
        "revenue": round(arm.spend.y), "revenue_per_member": arm.per_member,
    }  # fmt: skip


def _comparison_json(found: Comparison) -> dict[str, Any]:
    return {
        "layer": found.layer.pk if found.layer else None,
        "treated": _arm_json(found.treated),
        "holdout": _arm_json(found.holdout),
        "difference": _plain(found.difference),
        "relative_lift": _plain(found.lift),
        "revenue_per_member": _plain(found.revenue),
        "revenue_per_member_unadjusted": _plain(found.revenue_raw),
        "extra_buyers": _plain(found.extra_buyers),
        "extra_revenue": _plain(found.extra_revenue),
        "enough": found.enough,
    }


def as_json(found: Results) -> dict[str, Any]:
    """The results as the API gives them; amounts in minor units."""
    cells = [
        {"arm": arm, "layer": layer, **{name: getattr(counts, name) for name in COUNTS}}
        for (arm, layer), counts in sorted(found.funnel.cells.items(), key=lambda cell: (cell[0][0], cell[0][1] or 0))
    ]
    return {
        "campaign": found.campaign.pk,
        "run": found.run.pk if found.run else None,
        "as_of": found.as_of.isoformat(),
        "window_days": found.campaign.goal_days,
        "window_over": found.is_over,
        "verdict": found.verdict,
        "sample_ratio_p": found.mismatch if found.has_control else None,
        "funnel": cells,
        "comparison": _comparison_json(found.whole),
        "by_layer": [_comparison_json(each) for each in found.by_layer],
        "cost": found.cost,
        "roi": _plain(found.roi),
    }
