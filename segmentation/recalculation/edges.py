"""Edges between classes: constants, taken from a distribution or from what the pool chose."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Self

from segmentation.recalculation import chances
from segmentation.recalculation.settings import Choices, LifecycleSettings, RfmSettings

DAY = 86_400


@dataclass(frozen=True)
class Edges:
    """A value is in the higher class when it is strictly above the edge; ages: strictly below."""

    window_days: int
    r: list[int]  # ages in seconds, falling: younger than the first scores 2, than the last 5
    f: list[int]  # orders in the window: more than the first scores 2, than the last 5
    m: list[int]  # minor units, likewise
    r_split: int  # younger is high
    f_split: int  # more is high
    m_split: int
    stage_days: list[int]  # silent, sleeping, lost; for whom no pace of their own is known
    stage_basis: str  # "model", "pool", "category", "fixed", or "few": too few repeat buyers, so the fixed days
    buyers: int
    repeat_buyers: int
    chance: dict[str, Any] | None = None  # of mode "model": `chances.Chance`
    categories: dict[str, list[int]] = field(default_factory=dict)  # of mode "category": days per category
    lead: dict[str, Any] | None = None  # `LeadSettings`; None: leads are not told apart

    @classmethod
    def load(cls, data: dict[str, Any]) -> Self:
        return cls(**data)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def ages(self) -> list[timedelta]:
        """Every age at which the recency of a member changes by itself; stages have a day of their own."""
        return [timedelta(seconds=n) for n in [*self.r, self.r_split]]


def edges(choices: Choices, found: dict[str, Any], as_of: datetime, more: dict[str, Any] | None = None) -> Edges:
    """Edges for these choices, what `measure_thresholds` found at that instant, and what the mode of stages measured."""
    days, basis = stage_days(choices.lifecycle, found)
    more = more or {}
    if choices.lifecycle.mode == "model" and basis == "pool":
        days, basis = (days, "model") if more.get("chance") else (choices.lifecycle.days, "few")
    lead = choices.lifecycle.lead
    return Edges(
        **rfm_edges(choices.rfm, found, as_of),
        window_days=choices.rfm.window_days,
        stage_days=days,
        stage_basis=basis,
        buyers=found["buyers"],
        repeat_buyers=found["repeat_buyers"],
        chance=more.get("chance") if basis == "model" else None,
        categories=more.get("categories", {}) if basis == "category" else {},
        lead=lead.model_dump() if lead.split else None,
    )


def rfm_edges(rfm: RfmSettings, found: dict[str, Any], as_of: datetime) -> dict[str, Any]:
    """Score edges and the split between high and low."""
    scores = _chosen(rfm) if rfm.mode == "threshold" or not found["buyers"] else _quintiles(found, as_of)
    if rfm.mode == "mean" and found["buyers"]:
        split = (int(as_of.timestamp()) - found["mean_last_order_at"], found["mean_window_count"], found["mean_window_amount"])
    else:
        split = (scores["r"][rfm.high_from - 2], scores["f"][rfm.high_from - 2], scores["m"][rfm.high_from - 2])
    return {**scores, "r_split": split[0], "f_split": split[1], "m_split": split[2]}


def _chosen(rfm: RfmSettings) -> dict[str, list[int]]:
    # "at least n" is "more than n - 1"
    return {"r": [n * DAY for n in rfm.r_days], "f": [n - 1 for n in rfm.f_orders], "m": [n - 1 for n in rfm.m_amount]}


def _quintiles(found: dict[str, Any], as_of: datetime) -> dict[str, list[int]]:
    ages = [math.floor((as_of - instant).total_seconds()) for instant in found["last_order_at"]]
    return {"r": ages, "f": list(found["window_count"]), "m": list(found["window_amount"])}


def stage_days(lifecycle: LifecycleSettings, found: dict[str, Any]) -> tuple[list[int], str]:
    """Days at which stages begin for everybody, and what they rest on."""
    if lifecycle.mode == "fixed":
        return lifecycle.days, "fixed"
    if found["repeat_buyers"] < chances.ENOUGH_REPEAT_BUYERS:
        return lifecycle.days, "few"
    return whole_days(found["interval_seconds"]), "category" if lifecycle.mode == "category" else "pool"


def whole_days(seconds: Sequence[float]) -> list[int]:
    """Whole days, strictly rising, so that edges hardly move from one night to the next."""
    days: list[int] = []
    for each in seconds:
        days.append(max(math.ceil(each / DAY), days[-1] + 1 if days else 1))
    return days


def params(found: Edges, as_of: datetime) -> dict[str, Any]:
    """The constants of the SQL files."""
    window, after = timedelta(days=found.window_days), [timedelta(days=n) for n in found.stage_days]
    values: dict[str, Any] = {"as_of": as_of, "window": window, "window_from": as_of - window}
    for i in range(4):
        values |= {f"r{i + 1}": as_of - timedelta(seconds=found.r[i]), f"f{i + 1}": found.f[i], f"m{i + 1}": found.m[i]}
    values |= {"r_split": as_of - timedelta(seconds=found.r_split), "f_split": found.f_split, "m_split": found.m_split}
    for name, delay in zip(("silent", "sleeping", "lost"), after, strict=True):
        values[f"{name}_after"] = delay
    return values


def crossings(found: Edges, since: datetime, as_of: datetime) -> dict[str, list[datetime]]:
    """Between which last orders a member crossed an edge of age since the last run."""
    ages = sorted(set(found.ages))
    return {"crossed_after": [since - age for age in ages], "crossed_until": [as_of - age for age in ages]}
