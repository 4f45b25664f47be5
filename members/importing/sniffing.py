"""What a file is: format, encoding, delimiter, headings, first rows. Refuses what cannot be read."""

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from members.importing.codes import problem

MOST_COLUMNS = 500
SAMPLE_ROWS = 20
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


def sniff(path: Path, name: str, *, encoding: str = "", delimiter: str = "") -> Sniffed:
    """Look into a file; raises Problem with a sentence when it cannot be imported."""
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
    return _look(path, found)


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
    """The character that cuts the first records into the same number (> 1) of cells."""

    def score(mark: str) -> tuple[int, int]:
        rows = [len(row) for row in _records(text, mark, 20) if row]
        width = rows[0] if rows else 1
        return (sum(1 for row in rows if row == width) if width > 1 else 0, width)

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


def header(path: Path, encoding: str, delimiter: str) -> list[str]:
    """The first record of a CSV."""
    rows = _records(decode(_head(path), encoding), delimiter, 1)
    return named(rows[0] if rows else [])


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


def _look(path: Path, found: Sniffed) -> Sniffed:
    from members.importing.reading import rows  # reading needs the formats of this module

    lines: Iterator[list[str]] = rows(path, found)
    try:
        heading = next(lines, [])
    except UnicodeDecodeError as error:
        raise problem("wrong_encoding", encoding=found.encoding, line=1) from error
    found.columns = named(heading)
    if len(found.columns) > MOST_COLUMNS:
        raise problem("too_many_file_columns", count=len(found.columns), limit=MOST_COLUMNS)
    if not found.columns or all(name.startswith("#") for name in found.columns):
        raise problem("no_header")
    try:
        found.sample = _sample(lines)
    except csv.Error as error:
        raise problem("unclosed_quote", line=2, limit=1) from error
    if not found.sample:
        raise problem("header_only")
    return found


def _sample(lines: Iterator[list[str]]) -> list[list[str]]:
    sample: list[list[str]] = []
    for row in lines:
        if any(cell.strip() for cell in row):
            sample.append([cell[:200] for cell in row])
        if len(sample) >= SAMPLE_ROWS:
            break
    return sample
