"""Tables as CSV and XLSX downloads: typed cells, no formulas from user data, named by their title."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any, Literal

from django.http import HttpResponse, StreamingHttpResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from xlsxwriter import Workbook
from xlsxwriter.worksheet import Worksheet

from scrm.lib.formats import currency_sign

Kind = Literal["text", "number", "money", "percent", "date", "days", "decimal"]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
FORMATS = {"number": "#,##0", "percent": "0.0%", "days": "0.0", "decimal": "#,##0.00"}
FORMATS |= {"day": "yyyy-mm-dd", "time": "yyyy-mm-dd hh:mm:ss"}
# Spreadsheets run a cell that begins with one of these (OWASP: CSV injection), also behind blanks and signs
# that nobody sees; some read the full-width and mathematical forms as the plain ones.
SIGNS = "=+-@|%\t\r\n\0＝＋－＠｜﹦﹢﹣﹫⁼⁺⁻−"
UNSEEN = " \u00a0\u1680\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\u00ad\u180e"
RISKY = re.compile(f"[{UNSEEN}]*[{re.escape(SIGNS)}]")
TEXT = 32_767  # characters a cell holds
# A row is on disk as soon as the next begins, however many there are.
WRITE_ONLY = {"constant_memory": True, "nan_inf_to_errors": True}
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


@dataclass(frozen=True)
class Column:
    """A heading and what its cells are; money is in minor units, percent a fraction."""

    label: str
    kind: Kind = "text"

    @property
    def numeric(self) -> bool:
        return self.kind not in ("text", "date")


def columns_of(columns: Iterable["Column | str"]) -> list[Column]:
    """Plain headings become text columns."""
    return [column if isinstance(column, Column) else Column(str(column)) for column in columns]


def safe(value: Any) -> Any:
    """Text that a spreadsheet would run is made inert with a leading apostrophe."""
    if isinstance(value, str) and RISKY.match(value) and not _is_number(value):
        return "'" + value.replace("\0", "")
    return value


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text))


def cell(value: Any, kind: Kind) -> Any:
    """A value as a spreadsheet keeps it: whole units of money, local times, plain text."""
    if value is None:
        return None
    if kind == "money":
        return Decimal(str(value)) / 100
    if isinstance(value, datetime):
        return timezone.localtime(value).replace(tzinfo=None, microsecond=0) if timezone.is_aware(value) else value
    if isinstance(value, (int, float, Decimal)) or hasattr(value, "isoformat"):
        return value
    return str(value)


def filename(title: str, form: str) -> str:
    """The title as a file name: no separators, no control characters."""
    stem = re.sub(r'[\\/:*?"<>|\x00-\x1f]+', " ", str(title)).strip(" .")[:80]
    return f"{stem or 'export'}.{form}"


def _attach(response: Any, title: str, form: str) -> Any:
    response["Content-Disposition"] = content_disposition_header(True, filename(title, form))
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


class _Echo:
    """csv writes here; what is written is handed straight on."""

    def write(self, text: str) -> str:
        return text


def _lines(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    for row in rows:
        yield writer.writerow(
            ["" if value is None else safe(cell(value, column.kind)) for value, column in zip(row, columns, strict=False)]
        )


def csv_lines(columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """CSV with a byte order mark, so that Excel reads Chinese."""
    yield "\ufeff"
    yield csv.writer(_Echo()).writerow([safe(column.label) for column in columns])
    yield from _lines(columns, rows)


def csv_text(columns: Sequence[Column], rows: Iterable[Sequence[Any]], *, head: bool = False) -> str:
    """Some lines of a CSV file, its heading first when asked: for files that grow piece by piece."""
    heading = csv.writer(_Echo()).writerow([safe(column.label) for column in columns]) if head else ""
    return heading + "".join(_lines(columns, rows))


def csv_response(title: str, columns: Iterable[Column | str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A download that is written while it is sent."""
    return _attach(
        StreamingHttpResponse(csv_lines(columns_of(columns), rows), content_type="text/csv; charset=utf-8"), title, "csv"
    )


def xlsx_bytes(title: str, columns: Iterable[Column | str], rows: Iterable[Sequence[Any]]) -> bytes:
    """One sheet: bold frozen heading, typed cells."""
    out = io.BytesIO()
    xlsx_file(out, title, columns, rows)
    return out.getvalue()


def xlsx_file(
    file: IO[bytes], title: str, columns: Iterable[Column | str], rows: Iterable[Sequence[Any]], about: str = ""
) -> None:
    """The same into an open file, rows as they come; `about` stands in the properties of the document."""
    heads = columns_of(columns)
    with Workbook(file, WRITE_ONLY) as book:
        book.set_properties({"comments": about})
        sheet = book.add_worksheet(re.sub(r"[\\/*?:\[\]']", " ", str(title))[:31] or "Sheet")
        sheet.freeze_panes(1, 0)
        for number, column in enumerate(heads):
            bold = book.add_format({"bold": True, "align": "right" if column.numeric else "left"})
            sheet.set_column(number, number, max(12, min(40, 2 * len(column.label) + 4)))
            sheet.write_string(0, number, column.label, bold)
        _fill(book, sheet, heads, rows)


def _fill(book: Workbook, sheet: Worksheet, heads: Sequence[Column], rows: Iterable[Sequence[Any]]) -> None:
    """Typed cells below the heading. The prefix keeps risky text what it is even when somebody edits it."""
    shapes = FORMATS | {"money": f'"{currency_sign()}"#,##0.00'}
    forms = {kind: book.add_format({"num_format": form}) for kind, form in shapes.items()}
    quoted = book.add_format({"quote_prefix": True})
    for at, row in enumerate(rows, 1):
        for number, (given, column) in enumerate(zip(row, heads, strict=False)):
            value = cell(given, column.kind)
            if hasattr(value, "isoformat") and not _is_day(value):
                value = value.isoformat()
            if isinstance(value, str):
                sheet.write_string(at, number, CONTROL.sub("", value)[:TEXT], quoted if RISKY.match(value) else None)
            elif isinstance(value, date):
                sheet.write_datetime(at, number, value, forms["time" if isinstance(value, datetime) else "day"])
            elif value is not None:
                sheet.write_number(at, number, value, forms.get(column.kind))


def _is_day(value: Any) -> bool:
    """Whether a spreadsheet knows the day: its calendar begins in 1900."""
    return isinstance(value, date) and value.year >= 1900


def xlsx_response(title: str, columns: Iterable[Column | str], rows: Iterable[Sequence[Any]]) -> HttpResponse:
    """The table as an Excel file."""
    return _attach(HttpResponse(xlsx_bytes(title, columns, rows), content_type=XLSX), title, "xlsx")
