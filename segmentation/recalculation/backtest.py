"""What the stages are worth: those of an earlier day, computed from facts up to that day, against who then ordered no more.

The day lies one horizon back, so that everybody's horizon has passed. Parameters and edges are measured on that day too: of
what happened later only the outcome is looked at, and refunds. An order that is refunded in full by now counts as none, also
on days before its refund: whoever bought nothing else is no buyer of that day. A stage is of use when the observed rate rises
from stage to stage.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from django.db import transaction
from psycopg2 import sql as pg

from members.models import Pool
from scrm.lib import sql
from segmentation.models import RecalculationRun
from segmentation.recalculation import chances, services, settings, stages, steps
from segmentation.recalculation.edges import Edges, params

STAGES = (1, 2, 3, 4)
ENOUGH = 100  # buyers known on that day; fewer say nothing
Z = 1.959964


def keep(run: RecalculationRun) -> dict[str, Any]:
    """Judge the stages of a full run, and keep the findings with it."""
    choices = settings.Choices.model_validate(run.settings)
    run.backtest = backtest(pool=run.pool, choices=choices, found=Edges.load(run.edges), as_of=run.as_of)
    run.save(update_fields=["backtest"])
    return run.backtest


@transaction.atomic
def backtest(*, pool: Pool, choices: settings.Choices, found: Edges, as_of: datetime) -> dict[str, Any]:
    """Stages on the day one horizon before `as_of`, and per stage how many ordered no more up to `as_of`."""
    horizon = _horizon(choices, found, pool, as_of)
    cutoff = as_of - timedelta(days=horizon)
    chain = steps.Chain(pool.pk, cutoff, services.live(pool.pk), steps.TEMPORARY)
    steps.facts(chain, services.window(choices.rfm.window_days, cutoff))
    then = steps.measure(_of_stages_only(choices, horizon), chain)
    known = {"cutoff": cutoff.isoformat(), "until": as_of.isoformat(), "horizon": horizon, "basis": then.stage_basis}
    if then.buyers < ENOUGH:
        chain.drop()
        return {**known, "buyers": then.buyers, "stages": []}
    stages.lay(chain, then)
    chain.keep("later", "gather_later", {"as_of": cutoff, "until": as_of})
    rows = sql.rows("segmentation/count_backtest", params(then, cutoff), scope=chain.scope, **_relations(chain))
    chain.drop()
    return {**known, "buyers": then.buyers, **judged(rows)}


def _relations(chain: steps.Chain) -> dict[str, pg.Composable]:
    return {name: chain.tables[name] for name in ("facts", "paces", "ages", "later")}


def _horizon(choices: settings.Choices, found: Edges, pool: Pool, as_of: datetime) -> int:
    """The model's, or the one asked for; else the one that the pool's rhythm suggests."""
    if found.chance:
        return int(found.chance["horizon"])
    return choices.lifecycle.horizon_days or chances.horizon_of(stages.histories(steps.known(pool.pk), as_of).median_gap or 45)


def _of_stages_only(choices: settings.Choices, horizon: int) -> settings.Choices:
    lead = choices.lifecycle.lead.model_copy(update={"split": False})
    return choices.model_copy(update={"lifecycle": choices.lifecycle.model_copy(update={"horizon_days": horizon, "lead": lead})})


def judged(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Rates with their intervals, whether they rise, and how well stages rank against fixed days."""
    found = [_rate(stage, [row for row in rows if row["stage"] == stage]) for stage in STAGES]
    rates = [each["rate"] for each in found if each["members"]]
    return {
        "stages": found,
        "rises": len(rates) > 1 and all(low < high for low, high in pairwise(rates)),
        "auc": area(rows, "stage"),
        "fixed_auc": area(rows, "fixed"),
    }


def _rate(stage: int, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    members, away = sum(row["members"] for row in rows), sum(row["stayed_away"] for row in rows)
    low, high = wilson(away, members)
    return {
        "stage": stage,
        "members": members,
        "stayed_away": away,
        "rate": away / members if members else None,
        "low": low,
        "high": high,
    }


def wilson(hits: int, n: int) -> tuple[float | None, float | None]:
    """The 95 % interval of a share; also right near 0 and 1, and for small n."""
    if not n:
        return None, None
    share, weight = hits / n, Z * Z / n
    centre = (share + weight / 2) / (1 + weight)
    half = Z * math.sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def area(rows: Sequence[Mapping[str, Any]], by: str) -> float | None:
    """How often a buyer who stayed away stood at a later stage than one who came back; equal stages count half."""
    away, back = dict.fromkeys(STAGES, 0), dict.fromkeys(STAGES, 0)
    for row in rows:
        away[row[by]] += row["stayed_away"]
        back[row[by]] += row["members"] - row["stayed_away"]
    pairs = sum(away.values()) * sum(back.values())
    before = [sum(back[earlier] for earlier in STAGES if earlier < stage) for stage in STAGES]
    won = sum(away[stage] * (lower + back[stage] / 2) for stage, lower in zip(STAGES, before, strict=True))
    return won / pairs if pairs else None
