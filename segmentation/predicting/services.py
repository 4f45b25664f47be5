"""What people and nights do with models: on and off, settings, training, scoring, and the tag a model keeps."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict
from pyroaring import BitMap

from members import usage
from members.models import MemberPrediction, Pool, Tag, TagGroup
from members.sets import Packed, unpacked
from members.tagging.services import set_source
from scrm.jobs import services as jobs
from scrm.jobs.models import JobRun
from scrm.jobs.running import Stopped
from scrm.lib.problems import Problem
from scrm.staff.audit import audit
from scrm.staff.models import User
from segmentation import tagging
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import scoring, sharing, training
from segmentation.predicting.declaring import checked, is_known, model

log = logging.getLogger("scrm.predicting")
JOB = "segmentation.predict"
USED = "model"  # of members.usage
# From which on a version is trained anew at night: a week less half a day, as it was made after the beat that asked for it.
AGE = timedelta(days=6, hours=12)
KEPT = 50  # versions a model keeps besides those in use
Report = Callable[[str, int, int], None]


class Threshold(BaseModel):
    """Who is tagged: by percentile (1 … 100) or by the value itself, in the model's unit."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    by: str
    op: str
    value: float


# -- Settings ----------------------------------------------------------------------------------------
@transaction.atomic
def predictor_of(*, pool: Pool, key: str) -> Predictor:
    """The pool's row of a declared model, made when it is first asked for."""
    if not is_known(key) or not model(key).exists(pool.pk, key):
        raise Problem("models.unknown", _("没有这个模型"), {"key": [key]})
    defaults = {"settings": checked(key, {}).model_dump(mode="json")}
    return Predictor.objects.get_or_create(pool=pool, key=key, defaults=defaults)[0]


@transaction.atomic
def switch(*, predictor: Predictor, on: bool, actor: User | None) -> JobRun | None:
    """On: scored every night, trained anew every week; one without a version is trained now. Off: its scores go.

    Raises `usage.InUse` for one that rules ask for: without its scores they would select nobody.
    """
    predictor = _locked(predictor)
    if predictor.is_on == on:
        return None
    if not on:
        usage.refuse(USED, predictor.pool_id, predictor.pk, str(model(predictor.key).title))
    predictor.is_on, predictor.actor = on, actor
    if not on:
        scoring.forget(predictor)
        predictor.version, predictor.scored_as_of, predictor.scored, predictor.spread = None, None, 0, []
    predictor.save()
    audit(actor=actor, action="predictor.switch", target=predictor, pool_id=predictor.pool_id, key=predictor.key, on=on)
    return ask(predictor=predictor, train=latest(predictor) is None, actor=actor) if on else None


@transaction.atomic
def configure(*, predictor: Predictor, settings: dict[str, Any], actor: User | None) -> Predictor:
    """Keep settings; they hold from the next training on, until then the scores are by the old ones."""
    predictor = _locked(predictor)
    before, after = predictor.settings, checked(predictor.key, settings).model_dump(mode="json")
    predictor.settings, predictor.actor = after, actor
    predictor.save(update_fields=["settings", "actor", "updated_at"])
    audit(actor=actor, action="predictor.save", target=predictor, pool_id=predictor.pool_id, before=before, after=after)
    return predictor


def ask(*, predictor: Predictor, train: bool, actor: User | None) -> JobRun:
    """Have a worker train (and score), or only score; asking twice is asking once."""
    params = {"predictor": predictor.pk, "train": train}
    key = f"predict:{predictor.pk}:{'train' if train else 'score'}"
    job = jobs.enqueue(kind=JOB, pool_id=predictor.pool_id, params=params, actor=actor, key=key)
    Predictor.objects.filter(pk=predictor.pk).update(job_id=job.pk)
    return job


def latest(predictor: Predictor) -> ModelVersion | None:
    """The newest version that can be asked; its `predictor` is the one given."""
    return predictor.versions.filter(status=ModelVersion.Status.READY).order_by("-number").first()


def _locked(predictor: Predictor) -> Predictor:
    return Predictor.objects.select_for_update(of=("self",)).select_related("pool").get(pk=predictor.pk)


# -- Nights ------------------------------------------------------------------------------------------
def due(pool: Pool, as_of: datetime) -> list[tuple[Predictor, bool]]:
    """Models of a pool that are on, and whether each is to be trained anew."""
    found = [each for each in Predictor.objects.filter(pool=pool, is_on=True).order_by("pk") if is_known(each.key)]
    return [(each, is_stale(each, as_of)) for each in found]


def is_stale(predictor: Predictor, as_of: datetime) -> bool:
    """Whether a training is due: never, too long ago (one that lacked data was one, too), or other settings or columns since."""
    version = latest(predictor)
    if version is None or model(predictor.key).outdated(scoring.fitted(version)):
        return True
    done = (ModelVersion.Status.READY, ModelVersion.Status.LACKING)
    tried = predictor.versions.filter(status__in=done).defer("artefact").latest("number")
    return tried.as_of <= as_of - AGE or tried.settings != predictor.settings


def ask_night(*, pool: Pool, as_of: datetime, train: bool = False) -> list[JobRun]:
    """Jobs for the models of a pool that are on; those that read the same are one job. `train`: all of them anew."""
    alike: dict[tuple[str, int], list[tuple[Predictor, bool]]] = {}
    for predictor, stale in due(pool, as_of):
        reads = model(predictor.key).features, predictor.settings.get("horizon_days", 0)
        alike.setdefault(reads, []).append((predictor, train or stale))
    return [_ask_all(pool, some) for some in sorted(alike.values(), key=len, reverse=True)]


def _ask_all(pool: Pool, wanted: list[tuple[Predictor, bool]]) -> JobRun:
    if len(wanted) == 1:
        return ask(predictor=wanted[0][0], train=wanted[0][1], actor=None)
    ids = [predictor.pk for predictor, _train in wanted]
    params = {"predictors": [[predictor.pk, train] for predictor, train in wanted]}
    key = f"predict:night:{'-'.join(str(each) for each in ids[:8])}"
    job = jobs.enqueue(kind=JOB, pool_id=pool.pk, params=params, key=key)
    Predictor.objects.filter(pk__in=ids).update(job_id=job.pk)
    return job


def refresh(
    *, wanted: Sequence[tuple[Predictor, bool]], as_of: datetime, job_id: int | None, actor: User | None, report: Report
) -> list[dict[str, Any]]:
    """Train those asked to, score everybody, bring the tags in line. A crash anywhere is mended by doing it again.

    What the models read alike is read once. One that fails does not keep the others; its error is raised at the end.
    One whose training lacked data is scored by its newest version that did not.
    """
    found: dict[int, dict[str, Any]] = {}
    failed: list[Exception] = []
    ready: list[ModelVersion] = []
    with sharing.together():
        for n, (predictor, train) in enumerate(wanted):
            with _apart(failed, "training", predictor):
                version = _current(predictor, train, as_of, job_id, actor, _part(report, "train", n, len(wanted)))
                found[predictor.pk] = {"key": predictor.key, **_said(version)}
                usable = version if version.status == ModelVersion.Status.READY else latest(predictor)
                if usable is not None and predictor.is_on:
                    ready.append(usable)
        sizes = scoring.score_all(versions=ready, as_of=as_of, report=partial(report, "score")) if ready else []
    for n, (version, size) in enumerate(zip(ready, sizes, strict=True)):
        if isinstance(size, Exception):
            failed.append(size)
            continue
        with _apart(failed, "tagging by", version.predictor):
            tagged = tag(predictor=version.predictor, as_of=as_of, report=_part(report, "tag", n, len(ready)))
            found[version.predictor_id] |= {"scored": size, "scored_by": version.number, "tagged": tagged}
    if failed:
        raise failed[0]
    return list(found.values())


@contextmanager
def _apart(failed: list[Exception], doing: str, predictor: Predictor) -> Iterator[None]:
    """What goes wrong with one model is kept for the end; who asks to stop is obeyed."""
    try:
        yield
    except Stopped:
        raise
    except Exception as error:
        log.exception("%s %s failed", doing, predictor)
        failed.append(error)


def _part(report: Report, phase: str, n: int, of: int) -> training.Report:
    """Progress of one of several that are done one after the other."""
    return lambda done, total: report(phase, n * total + done, of * total)


def _said(version: ModelVersion) -> dict[str, Any]:
    lacking = {"lacking": version.sizes.get("lacking")} if version.status != ModelVersion.Status.READY else {}
    return {"version": version.number, "status": version.status, **lacking}


def _current(
    predictor: Predictor, train: bool, as_of: datetime, job_id: int | None, actor: User | None, report: training.Report
) -> ModelVersion:
    """The version to score by: trained now when asked to or when there is none."""
    version = latest(predictor)
    return _trained(predictor, as_of, job_id, actor, report) if train or version is None else version


def _trained(
    predictor: Predictor, as_of: datetime, job_id: int | None, actor: User | None, report: training.Report
) -> ModelVersion:
    """The version of this job; when a crash came after it was ready, the same one again."""
    mine = ModelVersion.objects.filter(predictor=predictor, job_id=job_id, status=ModelVersion.Status.READY)
    if job_id is not None and (made := mine.order_by("-number").first()):
        return made
    _forget_old(predictor)
    return training.train(predictor=predictor, as_of=as_of, job_id=job_id, actor=actor, report=report)


def _forget_old(predictor: Predictor) -> None:
    """All but the newest versions; never the one whose scores stand, nor the one that can be asked."""
    keep = list(predictor.versions.order_by("-number").values_list("pk", flat=True)[:KEPT])
    if usable := latest(predictor):
        keep.append(usable.pk)
    standing = Predictor.objects.filter(version=OuterRef("pk"))
    predictor.versions.exclude(pk__in=keep).exclude(Exists(standing)).delete()


# -- The tag -----------------------------------------------------------------------------------------
@transaction.atomic
def set_tag(*, predictor: Predictor, group: TagGroup, name: str, threshold: Threshold, actor: User | None) -> JobRun | None:
    """Have a tag kept on the members beyond a threshold; who carries it follows with each scoring."""
    _possible(predictor, threshold)
    predictor = _locked(predictor)
    tag = tagging.model_tag(group=group, name=name, actor=actor, note=str(model(predictor.key).title))
    other = Predictor.objects.filter(tag=tag).exclude(pk=predictor.pk).first()
    if other:
        raise Problem(
            "models.tag_taken", _("这个标签已由「%(model)s」维护") % {"model": model(other.key).title}, {"name": [name]}
        )
    left = predictor.tag if predictor.tag_id not in (None, tag.pk) else None
    predictor.tag, predictor.threshold, predictor.tagged, predictor.tag_note = tag, threshold.model_dump(), None, ""
    predictor.save()
    if left:
        _let_go(predictor, left, actor)
    audit(actor=actor, action="predictor.tag", target=predictor, pool_id=predictor.pool_id, tag=name, **threshold.model_dump())
    return ask(predictor=predictor, train=False, actor=actor) if predictor.is_on else None


@transaction.atomic
def drop_tag(*, predictor: Predictor, actor: User | None) -> None:
    """The model keeps no tag any more; whoever carries it keeps it, by hand from now on."""
    predictor = _locked(predictor)
    left = predictor.tag
    predictor.tag, predictor.threshold, predictor.tagged, predictor.tagged_as_of, predictor.tag_note = None, None, None, None, ""
    predictor.save()
    if left:
        _let_go(predictor, left, actor)


def _let_go(predictor: Predictor, tag: Tag, actor: User | None) -> None:
    set_source(tag=tag, source=Tag.Source.MANUAL)
    audit(actor=actor, action="predictor.untag", target=predictor, pool_id=predictor.pool_id, tag=tag.name)


def _possible(predictor: Predictor, threshold: Threshold) -> None:
    if threshold.by not in ("percentile", "value") or threshold.op not in ("gte", "lte"):
        raise Problem("models.bad_threshold", _("门槛只能按百分位或预测值，至少或至多"), {"threshold": [threshold.by]})
    if threshold.by == "percentile" and not 1 <= threshold.value <= 100:
        raise Problem("models.bad_threshold", _("百分位在 1 到 100 之间"), {"value": [str(threshold.value)]})
    if model(predictor.key).unit == "class":
        raise Problem("models.bad_threshold", _("这个模型给出的是类别，没有门槛"), {"threshold": ["class"]})


def tag(*, predictor: Predictor, as_of: datetime, report: training.Report = lambda done, total: None) -> int | None:
    """Bring the tag in line with the scores; how many carry it. A model not better than its baseline tags nobody, and says so."""
    with transaction.atomic():  # whoever is beyond is looked up before anybody can switch it off, or after it was
        row = scoring.still(predictor)
        if row is None or row.tag is None or row.threshold is None or row.version is None:
            return None
        proven = row.version.beats is not False
        wanted = beyond(row, Threshold.model_validate(row.threshold)) if proven else BitMap()
    figures = {each["key"]: each["value"] for each in row.version.metrics}
    evidence = {
        "model": row.key,
        "version": row.version.number,
        "cutoff": as_of.isoformat(),
        "threshold": row.threshold,
        **figures,
    }
    run = tagging.apply_model_tags(pool=row.pool, tag=row.tag, members=wanted, as_of=as_of, evidence=evidence, report=report)
    note = "" if proven else "not_proven"
    Predictor.objects.filter(pk=row.pk).update(tagged=run.size, tagged_as_of=as_of, tag_note=note)
    return int(run.size)


def beyond(predictor: Predictor, threshold: Threshold) -> BitMap:
    """The members on the far side of a threshold."""
    column = {"percentile": "percentile", "value": "value"}[threshold.by]
    found = MemberPrediction.objects.filter(predictor_id=predictor.pk, **{f"{column}__{threshold.op}": threshold.value})
    return unpacked(found.aggregate(packed=Packed("member_id"))["packed"])
