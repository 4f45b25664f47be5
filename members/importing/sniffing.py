"""What a file is: format, encoding, delimiter, sheet, headings, first rows. Refuses what cannot be read."""

import codecs
import csv
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from members.importing.codes import problem
from members.models import ImportRun

MOST_COLUMNS = 500
SAMPLE_ROWS = 200  # kept with the run: enough to meet most words
MOST_HEADING = 30
HEAD = 1 << 18
DELIMITERS = (",", "\t", ";", "|")
ENCODINGS = ("utf-8", "gb18030", "utf-16")
EXTENSIONS = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".xlsx": "xlsx", ".parquet": "parquet", ".pq": "parquet"}
# An .xlsx is a zip: judged by its table of contents before a byte is unpacked.
MOST_ENTRIES, MOST_RATIO, MOST_UNPACKED, MOST_STRINGS = 2000, 100, 2 << 30, 128 << 20


@dataclass
class Sniffed:
    """What was found out about a file."""

    format: str
    encoding: str = ""
    delimiter: str = ""
    columns: list[str] = field(default_factory=list)
    sample: list[list[str]] = field(default_factory=list)
    sheet: str = ""  # of a workbook
    sheets: list[str] = field(default_factory=list)
    heading: int = 1  # the row whose cells name the columns
    width: int = 0  # cells of a row, where rows end with delimiters that the heading lacks

    @property
    def layout(self) -> dict[str, Any]:
        """What `found_of` needs to read the file the same way again."""
        return {"sheet": self.sheet, "sheets": self.sheets, "heading": self.heading, "width": self.width}


def found_of(run: ImportRun) -> Sniffed:
    """What was found out about an uploaded file."""
    return Sniffed(run.format, run.encoding, run.delimiter, run.columns, **run.options.get("layout", {}))


def sniff(
    path: Path, name: str, *, encoding: str = "", delimiter: str = "", sheet: str = "", heading: int | None = None
) -> Sniffed:
    """Look into a file; raises Problem with a sentence when it cannot be imported.

    What is not given is found out; `heading` is the row (counted from 1) whose cells name the columns.
    """
    head = _head(path)
    if not head:
        raise problem("empty_file")
    form = _format(head, name)
    if form == "csv":
        found = _csv(head, encoding, delimiter)
    else:
        if form == "xlsx":
            check_zip(path)
        found = Sniffed(form)
    found.sheet = sheet
    return _look(path, found, heading)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(HEAD)


def _format(head: bytes, name: str) -> str:
    claimed = EXTENSIONS.get(Path(name).suffix.lower())
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise problem("old_excel")
    if claimed is None:
        raise problem("unknown_type")
    actual = _magic(head)
    if actual != claimed:
        names = {
            "csv": "CSV",
            "xlsx": "XLSX / ZIP",
            "parquet": "Parquet",
            "pdf": "PDF",
            "image": "JPEG / PNG / GIF",
            "binary": "binary",
        }
        raise problem("wrong_type", found=names[actual])
    return claimed


def _magic(head: bytes) -> str:
    for magic, form in (
        (b"PK", "xlsx"),
        (b"PAR1", "parquet"),
        (b"%PDF", "pdf"),
        (b"\x89PNG", "image"),
        (b"\xff\xd8\xff", "image"),
        (b"GIF8", "image"),
    ):
        if head.startswith(magic):
            return form
    wide = head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    return "binary" if b"\x00" in head and not wide else "csv"


def check_zip(path: Path) -> None:
    """Refuse a zip that unpacks to too much, before unpacking it."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, NotImplementedError, OSError) as error:
        raise problem("broken_file", detail=str(error)) from error
    unpacked, packed = sum(entry.file_size for entry in entries), sum(entry.compress_size for entry in entries)
    strings = sum(entry.file_size for entry in entries if entry.filename.endswith("sharedStrings.xml"))
    if len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or strings > MOST_STRINGS:
        raise problem("zip_bomb")
    if unpacked > 20 << 20 and unpacked > MOST_RATIO * max(packed, 1):
        raise problem("zip_bomb")
    if not any(entry.filename.startswith("xl/") for entry in entries):
        raise problem("wrong_type", found="ZIP")


def _csv(head: bytes, encoding: str, delimiter: str) -> Sniffed:
    encoding = encoding or _encoding(head)
    text = decode(head, encoding)
    if not text.strip():
        raise problem("empty_file")
    return Sniffed("csv", encoding, delimiter or _delimiter(text))


def _encoding(head: bytes) -> str:
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    for encoding in ("utf-8", "gb18030"):
        try:
            decode(head, encoding)
        except UnicodeDecodeError:
            continue
        return encoding
    raise problem("wrong_encoding", encoding="UTF-8 / GB18030", line=1)


def decode(head: bytes, encoding: str) -> str:
    """The beginning of a file as text; a character cut off at its end is no error."""
    decoder = codecs.getincrementaldecoder("utf-8-sig" if encoding == "utf-8" else encoding)()
    return decoder.decode(head, final=len(head) < HEAD)


def _delimiter(text: str) -> str:
    """The character that cuts most of the first records into the same number (> 1) of cells."""

    def score(mark: str) -> tuple[int, int]:
        rows = [len(row) for row in _records(text, mark, 20) if len(row) > 1]
        width = max(set(rows), key=rows.count, default=1)
        return rows.count(width), width

    return max(DELIMITERS, key=score)


def _records(text: str, delimiter: str, most: int) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
            rows.append(row)
            if len(rows) >= most:
                break
    except csv.Error:
        pass
    return rows


def named(cells: list[str]) -> list[str]:
    """Headings made usable: trimmed, the nameless numbered, repeated ones told apart."""
    names: list[str] = []
    cells = [str(cell).strip() for cell in cells]
    while cells and not cells[-1]:
        cells.pop()
    for number, cell in enumerate(cells, 1):
        name = cell or f"#{number}"
        names.append(name if name not in names else f"{name} #{number}")
    return names


def _look(path: Path, found: Sniffed, heading: int | None) -> Sniffed:
    from members.importing import reading  # it needs the formats of this module

    if found.format == "xlsx":
        found.sheets = reading.sheets(path)
        found.sheet = found.sheet if found.sheet in found.sheets else found.sheets[0]
    try:
        first = _first(reading.rows(path, found))
    except UnicodeDecodeError as error:
        raise problem("wrong_encoding", encoding=found.encoding, line=1) from error
    except csv.Error as error:
        raise problem("unclosed_quote", line=2, limit=1) from error
    found.heading = 1 if found.format == "parquet" else min(heading or heading_row(first), MOST_HEADING)
    cells = first[found.heading - 1] if len(first) >= found.heading else []
    found.columns = named(cells)
    if len(found.columns) > MOST_COLUMNS:
        raise problem("too_many_file_columns", count=len(found.columns), limit=MOST_COLUMNS)
    if not found.columns or all(name.startswith("#") for name in found.columns):
        raise problem("no_header")
    below = [row for row in first[found.heading :] if any(cell.strip() for cell in row)]
    found.width = _width(below, len(found.columns))
    found.sample = [[cell[:200] for cell in row[: len(found.columns)]] for row in below[:SAMPLE_ROWS]]
    if not found.sample:
        raise problem("header_only")
    return found


def _first(lines: Iterator[list[str]]) -> list[list[str]]:
    """The beginning of the file: a heading may come late, and rows may be empty."""
    rows: list[list[str]] = []
    filled = 0
    for row in lines:
        rows.append(row)
        filled += any(cell.strip() for cell in row)
        if filled >= MOST_HEADING + SAMPLE_ROWS or len(rows) >= 2000:
            break
    return rows


def heading_row(rows: list[list[str]]) -> int:
    """The row that names the columns: exports put titles, dates and notes above it, which fill fewer cells."""
    first = rows[:MOST_HEADING]
    filled = [[cell for cell in row if cell.strip()] for row in first]
    most = max((len(cells) for cells in filled), default=0)
    for number, cells in enumerate(filled, 1):
        numbers = sum(1 for cell in cells if re.fullmatch(r"[\d\s.,:/+-]+", cell.strip()))
        if len(cells) >= 2 and 2 * len(cells) >= most and 2 * numbers < len(cells):
            return number
    return 1


def _width(rows: list[list[str]], columns: int) -> int:
    """Cells of a row, when most rows have empty ones beyond the heading."""
    widths = [len(row) for row in rows]
    usual = max(set(widths), key=widths.count, default=columns)
    extra = any(cell.strip() for row in rows for cell in row[columns:])
    return usual if usual > columns and not extra else 0
