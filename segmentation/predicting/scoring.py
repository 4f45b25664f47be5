"""Scoring everybody by a version: read in parts, asked in parts, written in one transaction by COPY.

A crash before the end leaves the scores as they were; after it they all are the new ones.
"""

import io
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

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
from segmentation.predicting.declaring import Fitted, Floats, Scores, model

log = logging.getLogger("scrm.predicting")
PART = 250_000  # member numbers read at once
BARS = 20
SCORED = pg.Identifier("scored_members")
Report = Callable[[int, int], None]
T = TypeVar("T")


def silent(done: int, total: int) -> None:
    """Tell nobody."""


def fitted(version: ModelVersion) -> Fitted:
    """What a version has learnt."""
    return Fitted(version.params, bytes(version.artefact) if version.artefact is not None else None, version.items)


Told = tuple[Any, Scores]  # members, and what is said of each


def score(*, version: ModelVersion, as_of: datetime, report: Report = silent) -> int:
    """Ask a version about every member of its pool and write what it says; how many were scored.

    Nothing after `as_of` is looked at. `report(done, total)` may raise to stop: then nothing was written.
    """
    return _or_raise(score_all(versions=[version], as_of=as_of, report=report)[0])


def score_all(*, versions: Sequence[ModelVersion], as_of: datetime, report: Report = silent) -> list[int | Exception]:
    """Several models of one pool part by part: what they read alike is read once. Each is written on its own.

    In the place of one that could not be scored stands why not; its scores stay as they were.
    """
    asking = _asked(versions, as_of, report)
    return [each.keep(as_of) for each in asking]


def find(version: ModelVersion, as_of: datetime, report: Report = silent) -> Told:
    """The scores of everybody the model speaks of, in order of members."""
    return _or_raise(_asked([version], as_of, report)[0].told())


def _or_raise(found: T | Exception) -> T:
    if isinstance(found, Exception):
        raise found
    return found


def _asked(versions: Sequence[ModelVersion], as_of: datetime, report: Report) -> list["_Asking"]:
    pool_id = versions[0].predictor.pool_id
    last = training.newest(pool_id, as_of)
    low, high = _ends(pool_id)
    sharing.forget("frames")
    asking = [_Asking(version) for version in versions]
    with ExitStack() as stack:
        for each in asking:
            each.begin(last, stack)
        for at in range(low, high + 1, PART):
            to = min(at + PART - 1, high)
            for n, each in enumerate(asking):
                report((at - low) * len(asking) + n * (to + 1 - at), (high + 1 - low) * len(asking))
                each.ask_of(at, to)
            sharing.forget("frames")
    return asking


def _ends(pool_id: int) -> tuple[int, int]:
    """The lowest and the highest number of a pool's members."""
    ends = Member.objects.filter(pool=pool_id, merged_into=None).aggregate(low=Min("id"), high=Max("id"))
    return ends["low"] or 0, ends["high"] or 0


class _Asking:
    """A version that is asked part by part, and what it has said so far; the first that goes wrong ends it, not the others."""

    def __init__(self, version: ModelVersion) -> None:
        self.version, self.declared, self.learnt = version, model(version.predictor.key), fitted(version)
        self.found: list[Told] = []
        self.error: Exception | None = None

    @contextmanager
    def _apart(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            log.exception("scoring %s failed", self.version)
            self.error, self.found = error, []

    def begin(self, last: datetime, stack: ExitStack) -> None:
        with self._apart():
            ask = replace(training.asked(self.version, last), items=tuple(self.declared.chosen(self.learnt)))
            self.ask = replace(ask, laid=stack.enter_context(self.declared.laid(ask)))

    def ask_of(self, low: int, high: int) -> None:
        if self.error is None:
            with self._apart():
                self._ask_of(low, high)

    def _ask_of(self, low: int, high: int) -> None:
        ask = replace(self.ask, laid={**self.ask.laid, **frames.between(low, high)})
        frame = frames.read(self.declared, ask, frames.everybody(ask.pool_id, low, high))
        if len(frame["member_id"]):
            self.found.append(_kept(frame["member_id"], self.declared.score(self.learnt, frame, ask)))

    def told(self) -> Told | Exception:
        return self.error or _joined(self.found)

    def keep(self, as_of: datetime) -> int | Exception:
        """Write it; how many were scored."""
        if self.error is None:
            with self._apart():
                found, self.found = self.found, []  # each is let go of as soon as it is written
                return _keep(self.version, as_of, *_joined(found))
        assert self.error
        return self.error


@transaction.atomic
def _keep(version: ModelVersion, as_of: datetime, members: Any, scores: Scores) -> int:
    _lay_out(members, scores)
    writing(version.predictor.pool_id)  # from here on nobody is merged
    predictor = still(version.predictor)
    if predictor is None:
        return 0
    if _write(predictor):
        changed.bump(predictor.pool_id, "predictions")
    predictor.version, predictor.scored_as_of, predictor.scored = version, as_of, len(members)
    predictor.spread = spread(scores.value)
    predictor.save(update_fields=["version", "scored_as_of", "scored", "spread", "updated_at"])
    return len(members)


def still(asked: Predictor) -> Predictor | None:
    """The model as it is now, locked; None when it was switched off since it was asked, which took its scores back for good.

    One that was off already when it was asked is scored as told.
    """
    related = Predictor.objects.select_related("tag__group", "pool", "version").select_for_update(of=("self",))
    row = related.filter(pk=asked.pk).first()
    return row if row and (row.is_on or not asked.is_on) else None


def percentiles(value: Floats) -> Floats:
    """1 … 100: of those with a score, how many hundredths are below; the same for equal scores."""
    known = np.sort(value[np.isfinite(value)])
    if not len(known):
        return np.full(len(value), np.nan)
    below = np.searchsorted(known, value, "left")
    return np.where(np.isfinite(value), np.minimum(1 + below * 100 // len(known), 100), np.nan)


def _lay_out(members: Any, scores: Scores) -> None:
    """The scores as a temporary table of the caller's transaction."""
    made = pg.SQL(
        "CREATE TEMPORARY TABLE {} (member_id bigint, value float8, percentile smallint, code smallint, more float8[])"
        " ON COMMIT DROP"
    )
    sql.run(pg.SQL("DROP TABLE IF EXISTS {}").format(SCORED))
    sql.run(made.format(SCORED))
    sql.copy_in(pg.SQL("COPY {} FROM STDIN (FORMAT csv)").format(SCORED), _csv(members, scores))
    sql.run(pg.SQL("ANALYZE {}").format(SCORED))


def _write(predictor: Predictor) -> int:
    """Bring the rows of a model in line with the scores laid out; how many rows changed."""
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
