"""Scoring everybody by a version: read in parts, asked in parts, written in one transaction by COPY.

A crash before the end leaves the scores as they were; after it they all are the new ones.
"""

import io
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.csv
from django.db import transaction
from django.db.models import Max, Min
from psycopg2 import sql as pg

from members import versions as changed
from members.importing.locks import writing
from members.models import Member, MemberPrediction
from scrm.lib import sql
from segmentation.models import ModelVersion, Predictor
from segmentation.predicting import frames, sharing, training
from segmentation.predicting.declaring import Ask, Fitted, Floats, Model, Scores, model

PART = 250_000  # member numbers read at once
BARS = 20
SCORED = pg.Identifier("scored_members")
Report = Callable[[int, int], None]


def silent(done: int, total: int) -> None:
    """Tell nobody."""


def fitted(version: ModelVersion) -> Fitted:
    """What a version has learnt."""
    return Fitted(version.params, bytes(version.artefact) if version.artefact is not None else None, version.items)


def score(*, version: ModelVersion, as_of: datetime, report: Report = silent) -> int:
    """Ask a version about every member of its pool and write what it says; how many were scored.

    Nothing after `as_of` is looked at. `report(done, total)` may raise to stop: then nothing was written.
    """
    return score_all(versions=[version], as_of=as_of, report=report)[0]


def score_all(*, versions: Sequence[ModelVersion], as_of: datetime, report: Report = silent) -> list[int]:
    """Several models of one pool part by part: what they read alike is read once. Each is written on its own."""
    found = find_all(versions, as_of, report)
    return [_keep(version, as_of, *found.pop(0)) for version in versions]


def _keep(version: ModelVersion, as_of: datetime, members: Any, scores: Scores) -> int:
    predictor = version.predictor
    with transaction.atomic():
        written = write(predictor, members, scores)
        predictor.version, predictor.scored_as_of, predictor.scored = version, as_of, len(members)
        predictor.spread = spread(scores.value)
        predictor.save(update_fields=["version", "scored_as_of", "scored", "spread", "updated_at"])
        if written:
            changed.bump(predictor.pool_id, "predictions")
    return len(members)


def find(version: ModelVersion, as_of: datetime, report: Report = silent) -> tuple[Any, Scores]:
    """The scores of everybody the model speaks of, in order of members."""
    return find_all([version], as_of, report)[0]


def find_all(versions: Sequence[ModelVersion], as_of: datetime, report: Report = silent) -> list[tuple[Any, Scores]]:
    """The same of several models of one pool."""
    pool_id = versions[0].predictor.pool_id
    last = training.span(pool_id, as_of).last
    low, high = _ends(pool_id)
    sharing.forget("frames")
    with ExitStack() as stack:
        asking = [_Asking.begin(version, last, stack) for version in versions]
        for at in range(low, high + 1, PART):
            to = min(at + PART - 1, high)
            for n, each in enumerate(asking):
                report((at - low) * len(asking) + n * (to + 1 - at), (high + 1 - low) * len(asking))
                each.ask_of(at, to)
            sharing.forget("frames")
        return [_joined(each.found) for each in asking]


def _ends(pool_id: int) -> tuple[int, int]:
    """The lowest and the highest number of a pool's members."""
    ends = Member.objects.filter(pool=pool_id, merged_into=None).aggregate(low=Min("id"), high=Max("id"))
    return ends["low"] or 0, ends["high"] or 0


@dataclass
class _Asking:
    """A version that is asked part by part, and what it has said so far."""

    declared: Model
    learnt: Fitted
    ask: Ask
    found: list[tuple[Any, Scores]] = field(default_factory=list)

    @classmethod
    def begin(cls, version: ModelVersion, last: datetime, stack: ExitStack) -> "_Asking":
        declared, learnt = model(version.predictor.key), fitted(version)
        ask = replace(training.asked(version, last), items=tuple(declared.chosen(learnt)))
        return cls(declared, learnt, replace(ask, laid=stack.enter_context(declared.laid(ask))))

    def ask_of(self, low: int, high: int) -> None:
        ask = replace(self.ask, laid={**self.ask.laid, **frames.between(low, high)})
        frame = frames.read(self.declared, ask, frames.everybody(ask.pool_id, low, high))
        if len(frame["member_id"]):
            self.found.append(_kept(frame["member_id"], self.declared.score(self.learnt, frame, ask)))


def percentiles(value: Floats) -> Floats:
    """1 … 100: of those with a score, how many hundredths are below; the same for equal scores."""
    known = np.sort(value[np.isfinite(value)])
    if not len(known):
        return np.full(len(value), np.nan)
    below = np.searchsorted(known, value, "left")
    return np.where(np.isfinite(value), np.minimum(1 + below * 100 // len(known), 100), np.nan)


def write(predictor: Predictor, members: Any, scores: Scores) -> int:
    """Bring the rows of a model in line with its scores, in the caller's transaction; how many rows changed."""
    made = pg.SQL(
        "CREATE TEMPORARY TABLE {} (member_id bigint, value float8, percentile smallint, code smallint, more float8[])"
        " ON COMMIT DROP"
    )
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(SCORED))
    sql.run(made.format(SCORED))
    sql.copy_in(pg.SQL("COPY {} FROM STDIN (FORMAT csv)").format(SCORED), _csv(members, scores))
    sql.run(pg.SQL("ANALYZE {}").format(SCORED))
    writing(predictor.pool_id)  # from here on nobody is merged
    params = {"predictor_id": predictor.pk, "pool_id": predictor.pool_id}
    gone = sql.execute("segmentation/predicting/drop_predictions", params, scored=SCORED)
    return gone + sql.execute("segmentation/predicting/upsert_predictions", params, scored=SCORED)


def forget(predictor: Predictor) -> int:
    """Take back everything a model said."""
    count: int = MemberPrediction.objects.filter(predictor_id=predictor.pk)._raw_delete(using="default")
    changed.bump(predictor.pool_id, "predictions")
    return count


def spread(value: Floats) -> list[list[float]]:
    """How the scores are spread: [from, to, members]; the outermost hundredths lie in the outermost bars."""
    known = value[np.isfinite(value)]
    if not len(known):
        return []
    low, high = (float(each) for each in np.quantile(known, [0.01, 0.99]))
    if high <= low:
        return [[low, high, len(known)]]
    counts, edges = np.histogram(np.clip(known, low, high), BARS, (low, high))
    return [[float(edges[k]), float(edges[k + 1]), int(counts[k])] for k in range(BARS)]


def _kept(members: Any, scores: Scores) -> tuple[Any, Scores]:
    if scores.keep is None:
        return members, scores
    rows = scores.keep
    code, more = (None if column is None else column[rows] for column in (scores.code, scores.more))
    return members[rows], Scores(scores.value[rows], code, more)


def _joined(found: list[tuple[Any, Scores]]) -> tuple[Any, Scores]:
    if not found:
        return np.empty(0, np.int64), Scores(np.empty(0))
    columns = [[getattr(each, name) for _, each in found] for name in ("value", "code", "more")]
    value, code, more = (None if column[0] is None else np.concatenate(column) for column in columns)
    assert value is not None
    return np.concatenate([members for members, _ in found]), Scores(value, code, more)


def _csv(members: Any, scores: Scores) -> io.BytesIO:
    """Rows as COPY reads them; what is not finite is null."""
    whole = pa.array(percentiles(scores.value), from_pandas=True).cast(pa.int16())
    code = pa.nulls(len(members), pa.int16()) if scores.code is None else pa.array(scores.code).cast(pa.int16())
    columns = {"member_id": pa.array(members), "value": _finite(scores.value), "percentile": whole, "code": code}
    columns["more"] = pa.nulls(len(members), pa.string()) if scores.more is None else _arrays(scores.more)
    into = io.BytesIO()
    pyarrow.csv.write_csv(pa.table(columns), into, pyarrow.csv.WriteOptions(include_header=False, quoting_style="needed"))
    into.seek(0)
    return into


def _finite(column: Floats) -> Any:
    return pa.array(np.where(np.isfinite(column), column, np.nan), from_pandas=True)


def _arrays(more: Any) -> Any:
    """Each row as an array of the database: {1.5,NULL}."""
    columns = [_finite(np.asarray(more[:, k], float)).cast(pa.string()).fill_null("NULL") for k in range(more.shape[1])]
    inner = pa.compute.binary_join_element_wise(*columns, ",")
    return pa.compute.binary_join_element_wise("{", inner, "}", "")
