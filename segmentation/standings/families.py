"""The kinds of schemes there are. Each announces itself: `@register` over a subclass of Family."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, Literal

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy
from psycopg2 import sql as pg
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from scrm.lib import formats
from scrm.lib.problems import Problem
from scrm.lib.registry import Registry
from segmentation.standings.columns import Column

Words = str | Promise
Unit = Literal["", "money", "count", "days", "score", "number"]


class Settings(BaseModel):
    """What a scheme may choose; kept as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True)
class Code:
    """One class of a scheme."""

    number: int  # smallint; the order of the list, not the number, says what is higher
    label: Words
    tone: str = "slate"  # of its pill
    hint: Words = ""


@dataclass(frozen=True)
class Statement:
    """A SQL file of segmentation with what it is given. Values only through `values`."""

    name: str  # "standings/sort_by_value"
    values: Mapping[str, Any] = field(default_factory=dict)
    slots: Mapping[str, pg.Composable] = field(default_factory=dict)
    is_for_both: bool = False  # of `gather`: the file serves ticks, too, as its `{mine}` says whose rows are read


@dataclass(frozen=True)
class Ask:
    """What a family is asked with: for whom it works, as of when, by which settings and edges."""

    pool_id: int
    as_of: datetime
    zone: str  # of the pool: its days
    window_days: int  # of window_count and window_amount in the facts of the run
    settings: Any  # the family's Settings
    edges: Mapping[str, Any] = field(default_factory=dict)


class Family(ABC):
    """One way of sorting members. Says everything about it; the running, writing and showing are not its business."""

    key: ClassVar[str]
    title: ClassVar[Words]
    about: ClassVar[Words]  # one sentence: what it tells apart
    icon: ClassVar[str] = "stairs"
    settings: ClassVar[type[Settings]] = Settings
    reads: ClassVar[frozenset[str]] = frozenset({"orders"})  # domains of members.versions
    unit: ClassVar[Unit] = ""  # of MemberStanding.value
    value_label: ClassVar[Words] = ""
    ends: ClassVar[bool] = False  # what is expected of a standing is its end, not the next step
    is_ladder: ClassVar[bool] = True  # codes are steps from low to high, so there is a next one

    @abstractmethod
    def codes(self, settings: Any) -> Sequence[Code]:
        """The classes, from low to high."""

    def listed(self, settings: Any) -> list[Code]:
        """The classes as lists show them: the highest first; those without an order as they are declared."""
        codes = list(self.codes(settings))
        return codes[::-1] if self.is_ladder else codes

    def prepare(self, ask: Ask) -> dict[str, Any]:
        """Full runs, before anything is read for them: edges that gathering leans on already.

        `ask.edges` are those of the last full run with the same settings; none otherwise.
        """
        return {}

    def refuse(self, settings: Any, pool: Any) -> None:
        """Raise a Problem for settings that name what this pool does not have."""
        return None

    def follows(self, settings: Any) -> frozenset[str]:
        """Facts it counts, of those that touch members only where somebody does (`members.touching`)."""
        return frozenset()

    def columns(self, ask: Ask) -> Sequence[Column]:
        """What it wants of the one pass over orders and the one over events that all schemes share.

        Later statements find them in {orders} and {events}, a row per member, under the names the columns have.
        """
        return ()

    def gather(self, ask: Ask) -> Statement | None:
        """A SELECT of what members did, kept in a table of the run as {gathered}; equal statements share one table.

        A tick runs the file of the same name with `_of`: for the members of {scope} only. Or one file serves both: then
        it says `AND {mine}`, a test of the column member_id. None: the facts do.
        """
        return None

    def measure(self, ask: Ask) -> Statement | None:
        """Full runs: a SELECT of one row over {facts} and {gathered}, from which `edges` are taken."""
        return None

    def edges(self, ask: Ask, found: Mapping[str, Any]) -> dict[str, Any]:
        """What `measure` found, as JSON; ticks keep to it."""
        return dict(found)

    @abstractmethod
    def compute(self, ask: Ask) -> Statement:
        """A SELECT of (member_id, code, value, since, due, expected_at) over {scope}, {facts}, {orders}, {events},
        {gathered}, {low}, {high}.

        Whom it leaves out stands nowhere. `since` may be null: then it is when the run saw the code first. `due` is
        the first moment at which the row would be another by itself (null: never), but for `ages`: ticks come back then.
        """

    def ages(self, settings: Any, edges: Mapping[str, Any]) -> Sequence[timedelta]:
        """How long after a member's last order rows change which `due` does not say: edges that are measured every night
        would move it for everybody. Ticks look for those who crossed one since the last run."""
        return ()

    # -- In words --------------------------------------------------------------------------------
    def told(self, settings: Any, edges: Mapping[str, Any]) -> list[tuple[Words, Words]]:
        """What holds now, for people: (what, how much)."""
        return []

    def outside(self, settings: Any) -> Words:
        """Why members stand nowhere, as half a sentence: what they lack."""
        return gettext_lazy("没有已支付订单")

    def reasons(self, scheme: Any, member: Any, as_of: datetime) -> list[tuple[str, str]]:
        """Why the member stands where they do: (what, how much), what weighs most first. Nothing when the value says it."""
        return []

    def ahead(self, settings: Any, edges: Mapping[str, Any], standing: Any) -> Words:
        """What a member lacks for the next class, in a sentence; "" when there is none."""
        return ""


_families: Registry[Family] = Registry("family of schemes")


def register(family: type[Family]) -> type[Family]:
    """Declare a family."""
    _families.register(family.key)(family())
    return family


def families() -> list[Family]:
    """All of them, in the order they were declared."""
    return [family for _, family in _families.items()]


def family(key: str) -> Family:
    """The family of that key."""
    return _families[key]


def is_known(key: str) -> bool:
    return key in _families


def refuse(code: str, message: Words) -> PydanticCustomError:
    """For validators of Settings: a sentence people read."""
    return PydanticCustomError(code, "{said}", {"said": str(message)})  # type: ignore[arg-type]


def checked(key: str, given: Mapping[str, Any]) -> Settings:
    """Settings out of what somebody sent; a Problem says what to mend."""
    try:
        return family(key).settings.model_validate(given)
    except ValidationError as error:
        raise Problem("bad_settings", formats.clauses(_said(each) for each in error.errors()), {}) from error


def _said(each: Any) -> str:
    where = ".".join(str(part) for part in each["loc"])
    return formats.labelled(where, each["msg"]) if where and each["type"] != "value_error" else str(each["msg"])
