"""A batch of cells to rows that can be staged, and to refusals with their codes.

Nothing is asked of the database here: what a row says decides.
"""

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from members.attributes import cells
from members.importing import parsing, words
from members.importing.fields import Field
from members.importing.reading import Batch

if TYPE_CHECKING:
    from members.importing.staging import Plan

Bad = list[tuple[Any, str, str]]  # boolean mask, code, column of the file


@dataclass
class Parcel:
    """Parsed rows ready for COPY, and the refused ones."""

    data: bytes = b""
    rows: int = 0  # to stage
    read: int = 0  # of the file, refused ones included
    skipped: int = 0  # passed over, because a word of theirs means "not this row"
    last: int = 0  # line
    rejects: list[tuple[int, str, str, list[str]]] = field(default_factory=list)


@dataclass
class _Judged:
    """The typed columns of a batch and what was found out about its rows."""

    columns: list[Any]
    bad: Bad
    passed: Any
    anybody: Any  # rows that name a person
    spoiled: Any  # rows with a bad cell
    veiled: Any  # rows whose person their platform hides
    hollow: Any  # rows that write something for nobody: 11111111111
    values: dict[str, Any] = field(default_factory=dict)


def parse(plan: "Plan", batch: Batch) -> Parcel:
    """One batch: typed columns for the good rows, codes for the others."""
    size = len(batch.lines)
    parcel = Parcel(last=batch.lines[-1].as_py() if size else 0)
    parcel.rejects += [(line, "", code, cells) for line, code, cells in batch.ragged]
    parcel.read = len(batch.ragged)
    if not size:
        return parcel
    blank = _blank(plan, batch)
    judged = _judge(plan, batch)
    passed = pc.and_not(judged.passed, blank)
    left_out = pc.or_(blank, passed)
    keep = pc.invert(left_out)
    for mask, code, name in judged.bad:
        keep = pc.and_not(keep, mask)
        parcel.rejects += [(batch.lines[row].as_py(), name, code, batch.cells(row)) for row in _where(pc.and_not(mask, left_out))]
    staged = pa.table([batch.lines, *judged.columns], names=plan.columns).filter(keep)
    parcel.rows, parcel.skipped = staged.num_rows, pc.sum(passed).as_py() or 0
    parcel.read += size - (pc.sum(left_out).as_py() or 0)
    out = BytesIO()
    arrow_csv.write_csv(staged, out, arrow_csv.WriteOptions(include_header=False))
    parcel.data = out.getvalue()
    return parcel


def _where(mask: Any) -> list[int]:
    return pc.indices_nonzero(mask).to_pylist()  # type: ignore[no-any-return]


def _blank(plan: "Plan", batch: Batch) -> Any:
    """Rows that say nothing in any mapped column: spreadsheets end with hundreds of them. Items of the API count."""
    if plan.run.options.get("api"):
        return pa.array([False] * len(batch.lines))
    blank = pa.array([True] * len(batch.lines))
    for position, _field in plan.mapped:
        blank = pc.and_(blank, pc.fill_null(pc.equal(pc.utf8_trim_whitespace(batch.columns[position]), ""), True))
    return blank


def _judge(plan: "Plan", batch: Batch) -> _Judged:
    nothing = pa.array([False] * len(batch.lines))
    judged = _Judged([], [], nothing, nothing, nothing, nothing, nothing)
    for position, each in plan.mapped:
        _cell(plan, judged, each, plan.found.columns[position], pc.fill_null(batch.columns[position], ""))
    _whole_rows(plan, batch, judged)
    if plan.attributes:
        judged.columns.append(_attributes(plan, batch, judged))
    return judged


def _cell(plan: "Plan", judged: _Judged, each: Field, name: str, given: Any) -> None:
    """One mapped column."""
    if each.identity:
        parsed = parsing.identity(each.identity, given, plan.rules.people)
        judged.anybody = pc.or_(judged.anybody, pc.is_valid(parsed.values))
        judged.columns.append(parsing.fingerprints(each.identity, parsed.values))
    else:
        parsed = parsing.PARSERS[each.parser](given, plan.rules, each.limit)
        judged.values[each.key] = parsed.values
        judged.columns.append(parsed.values)
    for mask, code in parsed.bad:
        judged.bad.append((mask, code, name))
        judged.spoiled = pc.or_(judged.spoiled, mask)
    if parsed.passed is not None:
        judged.passed = pc.or_(judged.passed, parsed.passed)
    if parsed.veiled is not None:
        judged.veiled = pc.or_(judged.veiled, parsed.veiled)
    if parsed.hollow is not None:
        judged.hollow = pc.or_(judged.hollow, parsed.hollow)
    if each.required:
        judged.bad.append((pc.is_null(parsing.clean(given)), "missing_value", name))


def _whole_rows(plan: "Plan", batch: Batch, judged: _Judged) -> None:
    """What no single column shows: whose row it is, whether it is a sum, whether its amounts agree."""
    sums = _sums(plan, batch)
    if pc.any(sums).as_py():
        # A sum has one thing wrong with it, not one per empty cell.
        judged.bad = [(pc.and_not(mask, sums), code, name) for mask, code, name in judged.bad]
        judged.bad.append((sums, "totals_row", plan.found.columns[0]))
        judged.spoiled = pc.or_(judged.spoiled, sums)
    if plan.identities:
        # A bad number already says what is wrong with the row.
        nobody = pc.and_not(pc.invert(judged.anybody), pc.or_(judged.spoiled, _returned(plan, batch, judged)))
        judged.bad.append((pc.and_(nobody, judged.veiled), "masked_identity", ""))
        nobody = pc.and_not(nobody, judged.veiled)
        judged.bad.append((pc.and_(nobody, judged.hollow), "placeholder_identity", ""))
        judged.bad.append((pc.and_not(nobody, judged.hollow), "missing_identity", ""))
    values = judged.values
    if plan.run.kind == plan.run.Kind.LINES:
        for key in {"amount", "quantity"} & set(values):  # items brought back: their receipt says what was given back
            judged.passed = pc.or_(judged.passed, pc.fill_null(pc.less(values[key], 0), False))
    if "refunded" in values and "amount" in values:
        more = pc.fill_null(pc.greater(values["refunded"], pc.abs(values["amount"])), False)
        judged.bad.append((more, "refund_too_large", str(plan.run.mapping["refunded"])))


def _returned(plan: "Plan", batch: Batch, judged: _Judged) -> Any:
    """Goods brought back to a receipt they name: whose they are is for that receipt to say."""
    values = judged.values
    if not plan.rules.returns or "original" not in values or "amount" not in values:
        return pa.array([False] * len(batch.lines))
    return pc.and_(pc.fill_null(pc.less(values["amount"], 0), False), pc.is_valid(values["original"]))


def _sums(plan: "Plan", batch: Batch) -> Any:
    """Rows that add up those above: their first cell, or what should name the row, says so."""
    named = [position for position, each in plan.mapped if each.required and each.parser == "code"]
    sums = words.totals(batch.columns[0])
    for position in named:
        if position:
            sums = pc.or_(sums, words.totals(batch.columns[position]))
    return sums


def _attributes(plan: "Plan", batch: Batch, judged: _Judged) -> pa.Array:
    """Other facts as one JSON object per row; declared ones are judged by their kind, the rest stay text."""
    columns: list[list[Any]] = []
    for position, key in plan.attributes:
        given = parsing.clean(pc.fill_null(batch.columns[position], ""))
        if key not in plan.declared:
            columns.append(given.to_pylist())
            continue
        values, bad = cells.read(plan.declared[key], given)
        columns.append(values)
        for mask, code in bad:
            judged.bad.append((mask, code, plan.found.columns[position]))
    keys = [key for _position, key in plan.attributes]
    found = (
        {key: value for key, value in zip(keys, row, strict=True) if value is not None} for row in zip(*columns, strict=True)
    )
    return pa.array([json.dumps(each, ensure_ascii=False) if each else None for each in found], pa.string())
