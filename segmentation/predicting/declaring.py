"""How a model is declared: what it reads, what it foretells, how it learns, what it is compared with.

A declaration knows nothing of jobs, tables or pages: `training` cuts time into windows and judges it on the newest,
`scoring` asks it about everybody. What a model reads comes from one SELECT that is told a cutoff and sees nothing after it.

    @register
    class Churn(Classifier):
        key, title, about = "churn", _("流失概率"), _("…")
        features = "predicting/gather_windows"     # SQL of segmentation: member_id and numbers, %(cutoff)s
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

import numpy as np
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from numpy.typing import NDArray
from psycopg2.sql import Composable
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.lib.registry import Registry
from segmentation.predicting.btyd import NotEnoughData

__all__ = [
    "Ask",
    "Fitted",
    "Frame",
    "Judgement",
    "Metric",
    "Model",
    "NotEnoughData",
    "Sample",
    "Scores",
    "Settings",
    "model",
    "models",
]

Words = str | Promise
Unit = Literal["share", "count", "money", "days", "class"]
Floats = NDArray[np.float64]
Frame = dict[str, NDArray[Any]]
"""Columns of a SELECT by name, rows ordered by `member_id`; numbers as float64, null as NaN."""


class Settings(BaseModel):
    """What can be chosen about a model; kept as JSON. Extend it, and the page asks for the new fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    horizon_days: int = Field(default=30, ge=7, le=730)


@dataclass(frozen=True)
class Ask:
    """With what a model's SELECTs are asked."""

    pool_id: int
    zone: str
    cutoff: datetime
    settings: Settings
    key: str = ""  # the predictor's: of "lookalike:12" something of its own
    items: tuple[Any, ...] = ()  # what was chosen before anything was read
    laid: Mapping[str, Composable] = field(default_factory=dict)  # what was laid out before anything was read

    @property
    def params(self) -> dict[str, Any]:
        return {"pool_id": self.pool_id, "zone": self.zone, "cutoff": self.cutoff, "horizon": self.settings.horizon_days}


@dataclass(frozen=True)
class Sample:
    """Members as they were at a cutoff, and what they did afterwards (rows in step)."""

    cutoff: datetime
    frame: Frame
    later: Frame

    def __len__(self) -> int:
        return len(self.frame["member_id"])


@dataclass(frozen=True)
class Fitted:
    """What was learnt, as it is kept: JSON, and arrays that are read without running code."""

    params: dict[str, Any]
    artefact: bytes | None = None
    items: Sequence[Any] = ()


@dataclass(frozen=True)
class Scores:
    """One row per row of the frame. `value` NaN: no finite answer. Members listed twice are refused."""

    value: Floats
    code: NDArray[Any] | None = None
    more: NDArray[Any] | None = None  # members × further numbers
    keep: NDArray[np.bool_] | None = None  # whom the model has anything to say of; None: all


@dataclass(frozen=True)
class Metric:
    """One figure of the hold-out with its 95 % limits, beside the baseline's, and the change with its limits."""

    key: str
    value: float
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    change: float | None = None
    change_low: float | None = None
    change_high: float | None = None
    main: bool = False  # the one that decides

    def dump(self) -> dict[str, Any]:
        return {name: _plain(value) for name, value in vars(self).items()}


@dataclass(frozen=True)
class Judgement:
    """How good a model was on answers it had not seen. `beats`: its baseline, beyond chance."""

    metrics: Sequence[Metric]
    beats: bool | None
    calibration: Sequence[dict[str, Any]] = ()
    importance: Sequence[tuple[str, float]] = ()
    base: float | None = None  # the answer in the mean


class Model(ABC):
    """One kind of prediction. Subclasses say everything about it; nothing else knows it."""

    key: ClassVar[str]
    title: ClassVar[Words]
    about: ClassVar[Words]  # what it foretells, in a sentence
    baseline: ClassVar[Words]  # what it is compared with
    value_label: ClassVar[Words]
    unit: ClassVar[Unit] = "share"
    icon: ClassVar[str] = "chart-dots-3"
    more_labels: ClassVar[Sequence[Words]] = ()  # of Scores.more
    more_units: ClassVar[Sequence[Unit]] = ()
    code_labels: ClassVar[Sequence[Words]] = ()  # of Scores.code, where they are the same in every version
    high_is_bad: ClassVar[bool] = False
    settings: ClassVar[type[Settings]] = Settings
    features: ClassVar[str]  # SQL of segmentation, told %(pool_id)s %(zone)s %(cutoff)s %(horizon)s, over {scope}
    outcome: ClassVar[str] = "predicting/sum_later_orders"  # the same, of what came within the horizon after the cutoff
    windows: ClassVar[int] = 6  # earlier cutoffs it learns from, a horizon apart
    holdouts: ClassVar[int] = 2  # newest windows it is judged on
    lookback: ClassVar[float] = 2  # horizons of purchases there must be before a cutoff
    needs_no_answers: ClassVar[bool] = False  # learns from the state at the cutoff alone, not from what came after
    feature_labels: ClassVar[Mapping[str, Words]] = {}
    parts: ClassVar[Sequence[str]] = ()  # templates of its own on its page
    keyed: ClassVar[bool] = False  # there is one for each of something: "lookalike:12"
    unproven: ClassVar[Words] = _(
        "在检验数据上，它与基线的差别没有超出偶然。评分仍可查看，但不会给任何会员打标签；请优先使用基线的做法。"
    )

    def name_of(self, pool: Any, key: str) -> str:
        """What a pool's predictor is called; of "lookalike:12" something of its own."""
        return str(self.title)

    def exists(self, pool_id: int, key: str) -> bool:
        """Whether a pool can have a predictor of this key."""
        return key == self.key

    def choose(self, ask: Ask) -> Sequence[Any]:
        """What must be settled before anything is read, such as which categories; seen from before the hold-out."""
        return ()

    def chosen(self, fitted: Fitted) -> Sequence[Any]:
        """The same as it was when a version learnt."""
        return fitted.items

    def outdated(self, fitted: Fitted) -> bool:
        """Whether what was learnt does not fit what is read by now: then it is learnt anew."""
        return False

    def always(self, ask: Ask) -> Sequence[int]:
        """Members to learn from however few of all are drawn."""
        return ()

    def slots(self, ask: Ask) -> dict[str, Composable]:
        """Relations the SELECTs read besides."""
        return {}

    @contextmanager
    def laid(self, ask: Ask) -> Iterator[dict[str, Composable]]:
        """More of them, worked out once for every cutoff up to that of `ask`; what they hold must be known at each."""
        yield {}

    def plan(self, ask: Ask, last: datetime) -> tuple[list[datetime], list[list[datetime]]] | None:
        """Instants of its own: those held out, the newest first, and those learnt from before each; None: windows."""
        return None

    def horizon(self, settings: Settings) -> timedelta:
        return timedelta(days=settings.horizon_days)

    def params(self, ask: Ask) -> dict[str, Any]:
        """What the SELECTs are told besides; values only."""
        return {}

    def later(self, ask: Ask) -> dict[str, Any]:
        """What the SELECT of the outcome is told instead."""
        return {}

    def eligible(self, frame: Frame) -> NDArray[np.bool_]:
        """Of whom the model speaks at all; by what was known at the cutoff."""
        return np.ones(len(frame["member_id"]), bool)

    def known(self, past: Sequence[Sample], held: Sample) -> Sequence[Sample]:
        """What may be learnt from before a held-out window: its answers never, its state where no answers are needed."""
        if not self.needs_no_answers:
            return past
        return [Sample(held.cutoff, held.frame, {"member_id": held.frame["member_id"]})]

    @abstractmethod
    def learn(self, past: Sequence[Sample], ask: Ask, seed: int) -> Fitted:
        """From earlier windows; raises NotEnoughData when nothing can be learnt."""

    @abstractmethod
    def score(self, fitted: Fitted, frame: Frame, ask: Ask) -> Scores:
        """Of everybody in the frame. Same input, same scores."""

    @abstractmethod
    def judge(
        self, fitted: Sequence[Fitted], past: Sequence[Sequence[Sample]], held: Sequence[Sample], ask: Ask, seed: int
    ) -> Judgement:
        """For each held-out window: what was learnt before it, from what, and what came of it."""

    def shown(self, fitted: Fitted) -> dict[str, Any]:
        """What templates of its own are given."""
        return {}

    def told(self, fitted: Fitted) -> list[tuple[Words, str]]:
        """What was learnt, for people: (name, figure)."""
        return []


_models: Registry[Model] = Registry("predictive model")


def register(declared: type[Model]) -> type[Model]:
    """Declare a model."""
    _models.register(declared.key)(declared())
    return declared


def models() -> list[Model]:
    """All of them, in the order they were declared."""
    return [each for _, each in _models.items()]


def model(key: str) -> Model:
    """The model of a predictor's key; "lookalike:12" is the model "lookalike" with something of its own."""
    return _models[key.partition(":")[0]]


def is_known(key: str) -> bool:
    """Whether there is such a model; of those that exist once for each of something, with its number."""
    kind, colon, own = key.partition(":")
    return kind in _models and bool(colon) == _models[kind].keyed and (not colon or (own.isdecimal() and len(own) < 10))


def checked(key: str, given: Mapping[str, Any]) -> Settings:
    """Settings out of what somebody sent; a Problem says what to mend."""
    try:
        return model(key).settings.model_validate(given)
    except ValidationError as error:
        found = {".".join(str(part) for part in each["loc"]): [each["msg"]] for each in error.errors()}
        raise Problem(
            "bad_settings", formats.clauses(formats.labelled(name, said[0]) for name, said in found.items()), found
        ) from error


def _plain(value: Any) -> Any:
    if isinstance(value, float | np.floating):
        return float(value) if np.isfinite(value) else None
    return bool(value) if isinstance(value, np.bool_) else value
