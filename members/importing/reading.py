"""A file as batches of text columns with line numbers, whatever its format; never whole in memory.

A line is what a spreadsheet would call it: the first row is 1 (mostly the heading), a cell with line breaks does not count twice.
"""

import bisect
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv
import pyarrow.parquet as pq

from members.importing.codes import problem
from members.importing.sniffing import HEAD, Sniffed, check_zip, decode

BLOCK = 1 << 20  # the reader keeps some thirty of them in the air
BATCH = 20_000


@dataclass
class Batch:
    """Rows of equal width: one text array per column of the file, and their line numbers."""

    lines: pa.Array
    columns: list[pa.Array]
    ragged: list[tuple[int, str, list[str]]] = field(default_factory=list)  # line, code, cells

    def cells(self, row: int) -> list[str]:
        """One row as it stood in the file."""
        return [column[row].as_py() or "" for column in self.columns]


def rows(path: Path, found: Sniffed) -> Iterator[list[str]]:
    """The first rows, heading included, one by one: for looking, not for importing."""
    if found.format == "csv":
        text = decode(path.open("rb").read(HEAD), found.encoding)
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=found.delimiter)
    elif found.format == "xlsx":
        yield from _sheet(path, found.sheet)
    else:
        yield [str(name) for name in _parquet(path).schema_arrow.names]
        for batch in _parquet_batches(path):
            yield from ([column[row].as_py() or "" for column in batch.columns] for row in range(len(batch.lines)))


def batches(path: Path, found: Sniffed) -> Iterator[Batch]:
    """The rows below the heading."""
    if not path.exists():
        raise problem("file_gone")
    if found.format == "csv":
        return _csv_batches(path, found)
    return _xlsx_batches(path, found) if found.format == "xlsx" else _parquet_batches(path)


# -- CSV -----------------------------------------------------------------------------------------
class _Ragged:
    """Rows whose number of cells is wrong; the reader skips them, their line numbers stay known."""

    def __init__(self, delimiter: str) -> None:
        self.delimiter = delimiter
        self.rows: list[tuple[int, str, list[str]]] = []

    def __call__(self, row: Any) -> str:
        code = "too_few_columns" if row.actual_columns < row.expected_columns else "too_many_columns"
        cells = next(csv.reader([row.text], delimiter=self.delimiter), [])
        self.rows.append((row.number, code if row.text.strip() else "", cells))
        return "skip"


def _csv_batches(path: Path, found: Sniffed) -> Iterator[Batch]:
    ragged = _Ragged(found.delimiter)
    line, width = found.heading + 1, len(found.columns)
    with path.open("rb") as file:
        try:
            for read in _open_csv(file, found, ragged):
                numbers, taken = _numbers(line, read.num_rows, ragged.rows)
                line = numbers[-1] + 1 if numbers else line
                yield Batch(pa.array(numbers, pa.int64()), read.columns[:width], _wrong(taken, width))
                yield from _mended(taken, width)
        except UnicodeDecodeError as error:
            raise problem("wrong_encoding", encoding=found.encoding.upper(), line=line) from error
        except pa.ArrowInvalid as error:
            raise _csv_problem(error, found, line) from error
    if ragged.rows:
        yield from _mended(ragged.rows, width)
        yield Batch(pa.array([], pa.int64()), [pa.array([], pa.string())] * width, _wrong(ragged.rows, width))


Row = tuple[int, str, list[str]]  # line, code, cells


def _mends(row: Row, width: int) -> bool:
    """Whether the row only ends with more delimiters than the heading: nothing stands between them."""
    return row[1] == "too_many_columns" and not any(cell.strip() for cell in row[2][width:])


def _wrong(rows: list[Row], width: int) -> list[Row]:
    return [row for row in rows if row[1] and not _mends(row, width)]


def _mended(rows: list[Row], width: int) -> Iterator[Batch]:
    good = [row for row in rows if _mends(row, width)]
    if good:
        yield _columnar([row[0] for row in good], [row[2][:width] for row in good], width)


def _open_csv(file: Any, found: Sniffed, ragged: _Ragged) -> Iterator[pa.RecordBatch]:
    names = [f"c{number}" for number in range(max(found.width, len(found.columns)))]
    return arrow_csv.open_csv(  # type: ignore[no-any-return]
        file,
        read_options=arrow_csv.ReadOptions(
            column_names=names,
            skip_rows_after_names=found.heading,
            block_size=BLOCK,
            use_threads=False,
            encoding={"utf-8": "utf8"}.get(found.encoding, found.encoding),
        ),
        parse_options=arrow_csv.ParseOptions(
            delimiter=found.delimiter, newlines_in_values=True, ignore_empty_lines=False, invalid_row_handler=ragged
        ),
        convert_options=arrow_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False),
    )


def _numbers(
    first: int, count: int, ragged: list[tuple[int, str, list[str]]]
) -> tuple[list[int], list[tuple[int, str, list[str]]]]:
    """Line numbers of the next `count` good rows, stepping over ragged ones (which are taken off the list)."""
    if not ragged or ragged[0][0] >= first + count:
        return list(range(first, first + count)), []
    skipped = {row[0] for row in ragged}
    numbers: list[int] = []
    line = first
    while len(numbers) < count:
        if line not in skipped:
            numbers.append(line)
        line += 1
    cut = bisect.bisect_left(ragged, line, key=lambda row: row[0])
    taken = ragged[:cut]
    del ragged[:cut]
    return numbers, taken


def _csv_problem(error: Exception, found: Sniffed, line: int) -> Exception:
    text = str(error)
    if "UTF8" in text or "utf-8" in text.lower():
        return problem("wrong_encoding", encoding=found.encoding.upper(), line=line)
    if "straddling" in text or "out of sync" in text or "block" in text:
        return problem("unclosed_quote", line=line, limit=BLOCK >> 20)
    return problem("broken_file", detail=text[:200])


# -- XLSX ----------------------------------------------------------------------------------------
def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value)


def _book(path: Path) -> Any:
    check_zip(path)
    try:
        return openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except Exception as error:  # openpyxl raises whatever its parts raise
        raise problem("broken_file", detail=type(error).__name__) from error


def sheets(path: Path) -> list[str]:
    """The sheets of a workbook that are shown, in their order."""
    book = _book(path)
    try:
        shown = [str(sheet.title) for sheet in book.worksheets if sheet.sheet_state == "visible"]
        return shown or [str(sheet.title) for sheet in book.worksheets]
    finally:
        book.close()


def _sheet(path: Path, name: str) -> Iterator[list[str]]:
    book = _book(path)
    try:
        sheet = book[name] if name in book.sheetnames else book.worksheets[0]
        # Some tools write a wrong size of the sheet, and reading would stop there.
        sheet.reset_dimensions()
        for row in sheet.iter_rows(values_only=True):
            yield [_text(value) for value in row]
    finally:
        book.close()


def _xlsx_batches(path: Path, found: Sniffed) -> Iterator[Batch]:
    width, held, lines = len(found.columns), [], []  # type: ignore[var-annotated]
    for line, row in enumerate(_sheet(path, found.sheet), 1):
        if line <= found.heading:
            continue
        held.append((row + [""] * width)[:width])
        lines.append(line)
        if len(held) >= BATCH:
            yield _columnar(lines, held, width)
            held, lines = [], []
    if held:
        yield _columnar(lines, held, width)


def _columnar(lines: list[int], held: list[list[str]], width: int) -> Batch:
    return Batch(pa.array(lines, pa.int64()), [pa.array([row[n] for row in held], pa.string()) for n in range(width)])


# -- Parquet -------------------------------------------------------------------------------------
def _parquet(path: Path) -> pq.ParquetFile:
    try:
        # Else whole row groups are fetched at once, and a writer may put a million rows into one.
        return pq.ParquetFile(path, pre_buffer=False, buffer_size=1 << 16)
    except (pa.ArrowInvalid, OSError) as error:
        raise problem("broken_file", detail=str(error)[:200]) from error


def _parquet_batches(path: Path) -> Iterator[Batch]:
    file, line = _parquet(path), 2
    for field_ in file.schema_arrow:
        if pa.types.is_nested(field_.type):
            raise problem("nested_columns", column=field_.name)
    for read in file.iter_batches(batch_size=BATCH, use_threads=False):
        columns = [_as_text(column) for column in read.columns]
        yield Batch(pa.array(range(line, line + read.num_rows), pa.int64()), columns)
        line += read.num_rows


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_timestamp(column.type):
        column = pc.cast(column, pa.timestamp("s", column.type.tz), safe=False)
    if pa.types.is_floating(column.type):
        return pa.array([_text(value) if value == value else "" for value in column.to_pylist()], pa.string())
    if pa.types.is_binary(column.type) or pa.types.is_large_binary(column.type):
        column = pc.cast(column, pa.binary())
    return pc.cast(column, pa.string())
