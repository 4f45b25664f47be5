"""The engine: runs whose time has come enter, members advance in waves, runs end.

A tick may be killed anywhere and doubled at will: every act is one transaction that locks its run,
and what it finds undone is done by the next tick.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from psycopg2 import sql as pg

from campaigns import journeys, results
from campaigns.assignment import as_copy
from campaigns.audience import freeze
from campaigns.models import Campaign, Run
from campaigns.sources import source_of
from members.versions import versions
from scrm.lib import sql
from scrm.lib.problems import Problem
from touchpoints import services as touchpoints
from touchpoints.models import Step
from touchpoints.planning import Candidates

log = logging.getLogger("campaigns")
Status, Phase = Campaign.Status, Run.Phase
# A run that could not start within this time after its slot is missed, not sent late.
GRACE = timedelta(hours=2)
# Members moved per transaction: what a crash undoes, and how soon the first message leaves.
WAVE = 20_000
COPY = pg.SQL("COPY campaigns_entering (member_id, arm, layer_id) FROM STDIN WITH (FORMAT binary)")
# How often the list's figures of a running campaign are computed anew.
STALE = timedelta(minutes=1)


def tick(as_of: datetime) -> dict[str, int]:
    """Everything that is due; counts of what was done."""
    done = {"entered": 0, "moved": 0, "ended": 0, "summed": 0}
    for number in _runs(Phase.WAITING, Status.SCHEDULED, slot__lte=as_of):
        done["entered"] += _safely(enter, number, as_of)
    for number in _runs(Phase.ADVANCING, Status.RUNNING):
        done["moved"] += _safely(advance, number, as_of)
        done["ended"] += _safely(end, number, as_of)
    done["summed"] = sum(_safely(summarise, number, as_of) for number in _unsummed(as_of))
    return done


def _runs(phase: str, status: str, **more: Any) -> list[int]:
    return list(Run.objects.filter(phase=phase, campaign__status=status, **more).order_by("slot").values_list("pk", flat=True))


def _safely(act: Any, number: int, as_of: datetime) -> int:
    """One run's trouble must not hold up the others; it is written on the run and tried again."""
    try:
        return int(act(number, as_of))
    except Exception as error:
        log.exception("run %s: %s failed", number, act.__name__)
        said = error.message if isinstance(error, Problem) else f"{type(error).__name__}: {error}"
        Run.objects.filter(pk=number).update(note=said[:200])
        return 0


def _locked(number: int, phase: str, status: str) -> Run | None:
    """The run, ours for this transaction, if it still is where we saw it; another worker's is left alone."""
    rows = Run.objects.select_for_update(skip_locked=True, of=("self",)).select_related(
        "campaign__pool", "campaign__segment", "version"
    )
    return rows.filter(pk=number, phase=phase, campaign__status=status).first()


@transaction.atomic
def enter(number: int, as_of: datetime) -> bool:
    """Freeze the audience: everybody gets an arm and a layer before anything looks at the member."""
    run = _locked(number, Phase.WAITING, Status.SCHEDULED)
    if run is None:
        return False
    if as_of - run.slot > GRACE:
        return _miss(run, as_of)
    campaign = run.campaign
    made = freeze(campaign, list(campaign.layers.all()), as_of).made
    sql.execute("campaigns/create_entering")
    sql.copy_in(COPY, as_copy(made))
    first = journeys.parse(run.version.graph).entry.next
    run.entered = sql.execute(
        "campaigns/insert_participants", {"run": run.pk, "pool": campaign.pool_id, "as_of": as_of, "node": first}
    )
    run.phase, run.entered_at, run.note = Phase.ADVANCING, as_of, ""
    run.save(update_fields=["entered", "phase", "entered_at", "note"])
    # A pause that came in between wins: the status is only moved on from where it was.
    Campaign.objects.filter(pk=campaign.pk, status=Status.SCHEDULED).update(status=Status.RUNNING)
    return True


def _miss(run: Run, as_of: datetime) -> bool:
    late = int((as_of - run.slot).total_seconds() // 60)
    run.phase, run.finished_at = Phase.MISSED, as_of
    run.note = (_("晚了 %(n)s 分钟才轮到，没有发送。") % {"n": late} + run.note)[:200]
    run.save(update_fields=["phase", "finished_at", "note"])
    Campaign.objects.filter(pk=run.campaign_id, status=Status.SCHEDULED).update(status=Status.MISSED)
    return False


def advance(number: int, as_of: datetime) -> int:
    """Waves through the graph until nobody is due; the number of members moved."""
    moved = 0
    graph = journeys.parse(Run.objects.select_related("version").get(pk=number).version.graph)
    for node in graph.path[1:-1]:
        while step := _wave(number, node, graph[node.next], as_of):
            moved += step
    return moved


@transaction.atomic
def _wave(number: int, node: Any, target: Any, as_of: datetime) -> int:
    """Move some of those due at one node, and do what the node does, together or not at all."""
    run = _locked(number, Phase.ADVANCING, Status.RUNNING)
    if run is None:
        return 0
    wave = {"run": run.pk, "node": node.id, "as_of": as_of, "limit": WAVE}
    wave["upto"] = sql.value("campaigns/bound_wave", wave)
    if wave["upto"] is None:
        return 0
    if node.kind == "send":
        candidates = Candidates(pg.SQL(sql.text("campaigns/select_candidates")), wave)
        touchpoints.plan_deliveries(step=step_of(run, node), candidates=candidates, as_of=as_of)
    days = target.days if target.kind == "wait" else None
    return sql.execute(
        "campaigns/advance_participants", {**wave, "next": target.id, "leaves": target.kind == "exit", "wait_days": days}
    )


def step_of(run: Run, node: journeys.Send) -> Step:
    """The step of a send node, opened by whoever comes first."""
    campaign, start = run.campaign, run.entered_at or run.slot
    if campaign.connector is None:
        raise ValueError(f"campaign {campaign.pk} has no connector")
    return touchpoints.open_step(
        pool=campaign.pool,
        source=source_of(run, node.id),
        connector=campaign.connector,
        due_at=start,
        closes_at=start + timedelta(hours=node.close_hours),
        variables={"campaign.name": campaign.name},
    )


@transaction.atomic
def end(number: int, as_of: datetime) -> bool:
    """Close a run in which nobody waits any more."""
    run = _locked(number, Phase.ADVANCING, Status.RUNNING)
    if run is None or run.participants.filter(due_at__isnull=False).exists():
        return False
    run.phase, run.finished_at = Phase.DONE, as_of
    run.save(update_fields=["phase", "finished_at"])
    if not run.campaign.runs.filter(phase__in=Run.OPEN).exists():
        Campaign.objects.filter(pk=run.campaign_id, status=Status.RUNNING).update(status=Status.FINISHED, finished_at=as_of)
    return True


def _unsummed(as_of: datetime) -> list[int]:
    """Runs whose figures for the list are out of date: a few per tick."""
    return [row["id"] for row in sql.rows("campaigns/find_stale_summaries", {"stale": as_of - STALE})]


def summarise(number: int, as_of: datetime) -> bool:
    """Keep the few figures the campaign list shows; the results page always computes anew."""
    run = Run.objects.select_related("campaign__pool").get(pk=number)
    found = results.results(run.campaign, as_of, run)
    treated, difference = found.funnel.treated, found.whole.difference
    summary = {
        "at": as_of.isoformat(), "orders": versions(run.campaign.pool_id)["orders"], "verdict": found.verdict,
        "treated": treated.members, "holdout": found.whole.holdout.members, "sent": treated.sent, "opened": treated.opened,
        "clicked": treated.clicked, "ordered": found.whole.treated.buyers, "redeemed": treated.redeemed,
        "rate": found.whole.treated.rate.value if found.whole.treated.members else None,
        "uplift": [difference.value, difference.low, difference.high] if difference.is_known else None,
        "extra_revenue": found.whole.extra_revenue.value if found.whole.extra_revenue.is_known else None,
    }  # fmt: skip
    return bool(Run.objects.filter(pk=number).update(summary=summary))
