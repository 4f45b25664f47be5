"""RFM side by side: the pool's own and every further configuration; and the stages with their sizes and definitions."""

from dataclasses import dataclass, field
from typing import Any

from members.models import Pool
from members.models.state import RfmGroup, Stage
from segmentation.models import Scheme
from segmentation.recalculation import queries, settings, told
from segmentation.recalculation.edges import Edges
from segmentation.standings import queries as standings
from segmentation.standings.rfm import RfmScheme, scope_words


@dataclass(frozen=True)
class Column:
    """One configuration: its name, of which orders, and the size of each group."""

    name: str
    scope: str
    sizes: dict[int, int]
    scheme: Scheme | None = None  # None: the pool's own
    ready: bool = True

    @property
    def members(self) -> int:
        return sum(self.sizes.values())


@dataclass(frozen=True)
class Size:
    members: int
    share: float
    kind: int  # of StateChange
    scheme: Scheme | None
    code: int

    @property
    def is_small(self) -> bool:
        return 0 < self.members < queries.FEW


@dataclass(frozen=True)
class Table:
    columns: list[Column]
    rows: list[tuple[str, list[Size]]] = field(default_factory=list)


def side_by_side(pool: Pool) -> Table:
    """The eight groups by every configuration."""
    columns = [_own(pool), *_further(pool)]
    return Table(columns, [(str(group.label), [_size(column, group.value) for column in columns]) for group in RfmGroup])


def _size(column: Column, code: int) -> Size:
    members = column.sizes.get(code, 0)
    kind = column.scheme.kind if column.scheme else 2
    return Size(members, members / column.members if column.members else 0.0, kind, column.scheme, code)


def _own(pool: Pool) -> Column:
    sizes = {group.code: group.members for group in queries.groups(pool)}
    own = RfmScheme(**settings.of(pool).rfm.model_dump())
    return Column("", scope_words(own), sizes)


def _further(pool: Pool) -> list[Column]:
    found = list(standings.schemes(pool).filter(family="rfm"))
    counted: dict[int, Any] = standings.counts(pool, [scheme.pk for scheme in found]) if found else {}
    return [
        Column(
            scheme.name,
            scope_words(RfmScheme.model_validate(scheme.settings)),
            {code: members for code, (members, _value) in counted.get(scheme.pk, {}).items()},
            scheme,
            not scheme.is_stale,
        )
        for scheme in found
    ]


@dataclass(frozen=True)
class StageRow:
    """A stage: how many are in it, when it begins, and how many of it stayed away when it was judged."""

    code: int
    label: str
    key: str
    members: int
    share: float
    span: str
    rate: dict[str, Any] | None


def stages(pool: Pool, edges: Edges | None) -> list[StageRow]:
    """Stages after the first order."""
    _groups, sizes = queries.classes(pool)
    found = {size.code: size.now for size in sizes if size.code}
    spans = {code: span for code, _label, span in told.stage_rows(edges)} if edges else {}
    rates = {row["stage"]: row for row in (queries.judged(pool) or {}).get("stages", []) if row["members"]}
    total = sum(found.values())
    return [
        StageRow(
            stage.value,
            str(stage.label),
            stage.name.lower(),
            found.get(stage.value, 0),
            found.get(stage.value, 0) / total if total else 0.0,
            spans.get(stage.value, ""),
            rates.get(stage.value),
        )
        for stage in Stage
        if stage != Stage.LEAD
    ]
