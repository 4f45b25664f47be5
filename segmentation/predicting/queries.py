"""What pages and programs read of models."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet

from members.models import Member, MemberPrediction, Pool
from scrm.jobs.models import JobRun
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import words
from segmentation.predicting.declaring import Model, is_known, model, models

SHOWN = 12
MOST_LABELS = 5


@dataclass(frozen=True)
class Row:
    """A model as the list shows it; `predictor` is None where the pool has never touched it.

    `version` is the newest that can be asked, or what there is instead; `attempt` a later one that cannot be asked.
    """

    key: str
    model: Model
    title: str
    predictor: Predictor | None
    version: ModelVersion | None
    attempt: ModelVersion | None
    main: words.Line | None
    job: JobRun | None

    @property
    def state(self) -> str:
        """off, training, lacking, failed, unproven, ready, new."""
        if self.job is not None and self.job.is_open:
            return "training"
        if self.version is None:
            return "new"
        if self.attempt is not None and self.attempt.status == ModelVersion.Status.FAILED:
            return "failed"
        if self.version.status != ModelVersion.Status.READY:
            return str(self.version.status)
        return "unproven" if self.version.beats is False else "ready"


def shelf(pool: Pool) -> list[Row]:
    """Every model there is, with what the pool has of it; a key of the pool's own stands after its kind."""
    kept = {each.key: each for each in Predictor.objects.filter(pool=pool).select_related("version", "tag", "pool")}
    keys = [each.key for each in models()]
    own = sorted(key for key in kept if key not in keys and is_known(key))
    keyed = {each.key for each in models() if each.keyed}
    wanted = [key for each in keys for key in (each, *(one for one in own if one.partition(":")[0] == each)) if key not in keyed]
    return [row(pool, key, kept.get(key)) for key in wanted]


def row(pool: Pool, key: str, predictor: Predictor | None) -> Row:
    """One model of a pool."""
    declared = model(key)
    every = versions(predictor) if predictor else ModelVersion.objects.none()
    newest = every.first()
    ready = newest if not newest or newest.status == ModelVersion.Status.READY else every.filter(status="ready").first()
    version = ready or newest
    found = words.lines(version.metrics, declared.unit) if version and version.metrics else []
    job = JobRun.objects.filter(pk=predictor.job_id).first() if predictor and predictor.job_id else None
    title = declared.name_of(pool, key)
    attempt = newest if newest != version else None
    return Row(key, declared, title, predictor, version, attempt, found[0] if found else None, job)


def predictor(pool: Pool, key: str) -> Predictor | None:
    return Predictor.objects.filter(pool=pool, key=key).select_related("pool", "version", "tag__group").first()


def versions(predictor: Predictor) -> QuerySet[ModelVersion]:
    """The newest first."""
    return ModelVersion.objects.filter(predictor=predictor).defer("artefact").select_related("actor").order_by("-number")


def extremes(predictor: Predictor, *, low: bool = False) -> list[MemberPrediction]:
    """The members with the highest (or lowest) scores."""
    found = MemberPrediction.objects.filter(predictor_id=predictor.pk, value__isnull=False).select_related("member")
    order = ("value", "member_id") if low else ("-value", "-member_id")
    return list(found.order_by(*order)[:SHOWN])


@dataclass(frozen=True)
class Told:
    """What one model says of one member, written out."""

    predictor: Predictor
    model: Model
    title: str
    value: str
    percentile: int | None
    more: list[tuple[Any, str]]
    label: str
    dated: bool

    @property
    def bad(self) -> bool:
        return self.model.high_is_bad and (self.percentile or 0) > 80


def of_member(member: Member) -> list[Told]:
    """What the pool's models say of a member."""
    rows = {each.predictor_id: each for each in MemberPrediction.objects.filter(member=member)}
    found = Predictor.objects.filter(pk__in=rows, pool_id=member.pool_id).select_related("version", "pool").order_by("pk")
    return [told(each, rows[each.pk]) for each in found if is_known(each.key)]


def told(predictor: Predictor, row: MemberPrediction) -> Told:
    """A score in words: days become dates."""
    declared, as_of = model(predictor.key), predictor.scored_as_of
    items = declared.code_labels or (predictor.version.items if predictor.version else [])
    label = str(items[row.code]) if row.code is not None and 0 <= row.code < len(items) else ""
    names = declared.more_labels or items
    units = declared.more_units or ["share"] * len(names)
    more = [
        (name, _written(value, unit, as_of, predictor.pool))
        for name, unit, value in zip(names, units, row.more or [], strict=False)
    ]
    value = label if declared.unit == "class" else _written(row.value, declared.unit, as_of, predictor.pool)
    if label and declared.unit != "class":
        value = f"{label} {value}"
    title = declared.name_of(predictor.pool, predictor.key)
    if declared.more_labels == () and len(more) > MOST_LABELS:  # of twenty categories the likeliest
        numbers = row.more or []
        order = sorted(range(len(more)), key=lambda k: -(numbers[k] or 0))
        more = [more[k] for k in order[:MOST_LABELS]]
    return Told(predictor, declared, title, value, row.percentile, more, label, declared.unit == "days")


def _written(value: float | None, unit: str, as_of: datetime | None, pool: Pool) -> str:
    if unit == "days" and value is not None and as_of is not None:
        return (as_of.astimezone(pool.zone) + timedelta(days=value)).strftime("%Y-%m-%d")
    if unit == "days" and value is None:
        return str(words.never())
    return words.written(value, unit)


def scores(pool: Pool, key: str) -> QuerySet[MemberPrediction]:
    """Scores of a model in order of members, for programs."""
    found = MemberPrediction.objects.filter(pool=pool, predictor_id__in=Predictor.objects.filter(pool=pool, key=key).values("pk"))
    return found.order_by(F("member_id"))
