"""Training: time is cut into windows of a horizon, the newest are held out, what was learnt before each is judged on it.

    … │ learn │ learn │ learn │ learn │ held out │ held out │ as of
                                      learnt ↑ is judged here

What scores members has then learnt from the newest windows too; it was not judged, the way of learning was.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from scrm.jobs.running import Stopped
from scrm.lib import clock, sql
from scrm.staff.models import User
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import frames, sharing
from segmentation.predicting.declaring import Ask, Fitted, Judgement, Model, NotEnoughData, Sample, checked, model

ROWS = 200_000  # at most, all windows together
SEED = 20_240_229
LOCK = 0x5ED1  # first half of the advisory lock; the second is the predictor
Report = Callable[[int, int], None]


@dataclass(frozen=True)
class Span:
    """From when to when a pool's purchases reach, and of how many members."""

    first: datetime
    last: datetime
    members: int


def span(pool_id: int, as_of: datetime) -> Span:
    """Raises NotEnoughData where nobody has bought anything. What lies after `as_of` is not looked at."""
    found = _reach(pool_id, as_of)
    if found is None:
        raise NotEnoughData("members", found=0, needed=1)
    return found


def newest(pool_id: int, as_of: datetime) -> datetime:
    """When a pool's newest purchase was made; `as_of` where there is none (any more)."""
    found = _reach(pool_id, as_of)
    return found.last if found else as_of


def _reach(pool_id: int, as_of: datetime) -> Span | None:
    return sharing.once("span", (pool_id, as_of), lambda: _span(pool_id, as_of))


def _span(pool_id: int, as_of: datetime) -> Span | None:
    found = sql.row("segmentation/predicting/measure_span", {"pool_id": pool_id, "as_of": as_of})
    return Span(found["first_at"], found["last_at"], found["members"]) if found and found["members"] else None


def asked(version: ModelVersion, cutoff: datetime) -> Ask:
    """With what a model is asked: by the settings of its version, whatever is wanted by now."""
    row = version.predictor
    return Ask(row.pool_id, row.pool.time_zone, cutoff, checked(row.key, version.settings), row.key, tuple(version.items))


def train(
    *,
    predictor: Predictor,
    as_of: datetime,
    seed: int = SEED,
    job_id: int | None = None,
    actor: User | None = None,
    report: Report = lambda done, total: None,
) -> ModelVersion:
    """A new version: ready, or saying what was missing. One that a crash left unfinished is taken up again."""
    with sql.alone(LOCK, predictor.pk):
        return _train(predictor, as_of, seed, job_id, actor, report)


def _train(
    predictor: Predictor, as_of: datetime, seed: int, job_id: int | None, actor: User | None, report: Report
) -> ModelVersion:
    started = time.perf_counter()
    version = _begin(predictor, as_of, seed, job_id, actor)
    try:
        with_all = _learn(predictor, version, report)
        for name, value in with_all.items():
            setattr(version, name, value)
        version.status = ModelVersion.Status.READY
    except NotEnoughData as lacking:
        version.status, version.error = ModelVersion.Status.LACKING, str(lacking)
        version.sizes = {"lacking": {"code": lacking.code, "found": lacking.found, "needed": lacking.needed}}
    except Stopped:  # asked to pause or cancel: nothing was learnt
        version.delete()
        raise
    except Exception as error:
        ModelVersion.objects.filter(pk=version.pk).update(
            status=ModelVersion.Status.FAILED, error=f"{type(error).__name__}: {error}"
        )
        raise
    version.ms = round((time.perf_counter() - started) * 1000)
    version.save()
    return version


@transaction.atomic
def _begin(predictor: Predictor, as_of: datetime, seed: int, job_id: int | None, actor: User | None) -> ModelVersion:
    Predictor.objects.select_for_update().get(pk=predictor.pk)
    ModelVersion.objects.filter(predictor=predictor, status=ModelVersion.Status.TRAINING).delete()
    settings = checked(predictor.key, predictor.settings).model_dump(mode="json")
    last = ModelVersion.objects.filter(predictor=predictor).order_by("-number").first()
    number = last.number + 1 if last else 1
    if last and last.status == ModelVersion.Status.LACKING and last.settings == settings:
        # What it lacked is said once, by the newest attempt, not by one a night.
        last.delete()
        number -= 1
    return ModelVersion.objects.create(
        predictor=predictor, number=number, as_of=as_of, seed=seed, job_id=job_id, actor=actor, settings=settings,
        started_at=clock.now(),
    )  # fmt: skip


def _learn(predictor: Predictor, version: ModelVersion, report: Report) -> dict[str, Any]:
    """Everything a ready version says."""
    declared, reach = model(predictor.key), span(predictor.pool_id, version.as_of)
    ask = asked(version, reach.last)
    plan = cut(declared, ask, reach)
    ask = replace(ask, items=tuple(declared.choose(replace(ask, cutoff=plan.held[-1]))))
    always, instants = declared.always(ask), declared.windows + len(plan.held)
    share = (ROWS / instants - len(always)) / max(1, reach.members)
    some = frames.some(predictor.pool_id, share, version.seed, always)
    steps = len(plan.cutoffs) + len(plan.held) + 2
    with declared.laid(ask) as laid, frames.copied(declared, some) as (scope, copies):
        ask = replace(ask, laid={**laid, **copies})
        found = _samples(declared, ask, plan, scope, lambda n: report(n, steps))
        judgement, before, fitted = _judge(declared, ask, plan, found, version.seed, lambda n: report(len(found) + n, steps))
        report(steps - 1, steps)
        # What needs no answers and was judged at the newest instant has learnt all there is.
        newest = declared.needs_no_answers and plan.held[0] == ask.cutoff
        final = fitted[0] if newest else _final(declared, ask, plan, found, scope, version.seed)
    return {
        "window": plan.dump(ask) | {"reach": [reach.first.isoformat(), reach.last.isoformat()]},
        "sizes": {
            "members": reach.members,
            "trained": sum(len(each) for each in before),
            "held_out": sum(len(found[cutoff]) for cutoff in plan.held),
            "base": judgement.base,
        },
        "metrics": [metric.dump() for metric in judgement.metrics],
        "beats": judgement.beats,
        "calibration": list(judgement.calibration),
        "importance": [{"feature": name, "value": value} for name, value in judgement.importance],
        "params": final.params,
        "artefact": final.artefact,
        "items": list(final.items),
    }


def _samples(declared: Model, ask: Ask, plan: "Plan", scope: Any, report: Callable[[int], None]) -> dict[datetime, Sample]:
    """Members at every instant of the plan."""
    found: dict[datetime, Sample] = {}
    for cutoff in plan.cutoffs:
        report(len(found))
        found[cutoff] = frames.sample(declared, ask, cutoff, scope)
    return found


@dataclass(frozen=True)
class Plan:
    """Which instants are held out, and those learnt from before each, newest last."""

    held: Sequence[datetime]
    before: Sequence[Sequence[datetime]]
    newest: datetime

    @property
    def cutoffs(self) -> list[datetime]:
        """All instants members are looked at, once each."""
        return sorted({*self.held, *(each for some in self.before for each in some)})

    def dump(self, ask: Ask) -> dict[str, Any]:
        return {
            "horizon_days": ask.settings.horizon_days,
            "held_out": [each.isoformat() for each in self.held],
            "cutoffs": [each.isoformat() for each in self.cutoffs if each not in self.held],
            "newest": self.newest.isoformat(),
        }


def cut(declared: Model, ask: Ask, reach: Span) -> Plan:
    """As many windows as there are purchases for; raises NotEnoughData when not even one can be held out."""
    step, newest = declared.horizon(ask.settings), reach.last
    if own := declared.plan(ask, newest):
        return Plan(*own, newest)
    earliest = reach.first + declared.lookback * step
    held: list[datetime] = []
    before: list[list[datetime]] = []
    for n in range(1, declared.holdouts + 1):
        at = newest - n * step
        earlier = [at - k * step for k in range(1, declared.windows + 1) if at - k * step >= earliest]
        if at >= earliest and len(earlier) >= (declared.windows / 2 if held else min(1, declared.windows)):
            held.append(at)
            before.append(earlier[::-1])
    if not held:
        needed = round((declared.lookback + 1 + min(1, declared.windows)) * ask.settings.horizon_days)
        raise NotEnoughData("days", found=(newest - reach.first) // timedelta(days=1), needed=needed)
    return Plan(held, before, newest)


def _judge(
    declared: Model, ask: Ask, plan: Plan, found: dict[datetime, Sample], seed: int, report: Callable[[int], None]
) -> tuple[Judgement, Sequence[Sample], Sequence[Fitted]]:
    """What was learnt before each held-out window is judged on it."""
    past = [[found[cutoff] for cutoff in some] for some in plan.before]
    fitted: list[Fitted] = []
    learnt = [declared.known(some, found[at]) for at, some in zip(plan.held, past, strict=True)]
    for at, some in zip(plan.held, learnt, strict=True):
        report(len(fitted))
        fitted.append(declared.learn(some, replace(ask, cutoff=at), seed))
    return declared.judge(fitted, past, [found[at] for at in plan.held], ask, seed), learnt[0], fitted


def _final(declared: Model, ask: Ask, plan: Plan, found: dict[datetime, Sample], scope: Any, seed: int) -> Fitted:
    """What scores members: learnt in the same way from the newest windows."""
    latest = [found[cutoff] for cutoff in plan.cutoffs][-declared.windows :]
    if declared.needs_no_answers:
        frame = frames.read(declared, ask, scope)
        latest = [Sample(ask.cutoff, frame, {"member_id": frame["member_id"]})]
    return declared.learn(latest, ask, seed)
