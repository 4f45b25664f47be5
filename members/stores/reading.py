"""Small files of one's own making: sniffed like every import, read whole, columns found by their headings."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from members.importing import reading
from members.importing.codes import problem as refused
from members.importing.sniffing import sniff
from members.stores.codes import problem
from scrm.lib import formats

# Field → the headings it is found by; the first is ours.
STORE_COLUMNS: dict[str, tuple[str, ...]] = {
    "code": ("门店编码", "门店代码", "门店编号", "门店ID", "code", "store", "store_id", "store_code"),
    "name": ("门店名称", "门店", "名称", "name", "store_name"),
    "region": ("大区", "区域", "region", "area"),
    "province": ("省份", "省", "province"),
    "city": ("城市", "市", "city"),
    "manager": ("店长登录名", "店长", "manager"),
    "opened_on": ("开业日期", "开业时间", "opened_on", "opened"),
    "closed_on": ("闭店日期", "关店日期", "closed_on", "closed"),
}
MOST = 50 << 20


def stores(file: Any) -> list[dict[str, str]]:
    """The rows of an uploaded file of stores."""
    return table(file, STORE_COLUMNS, required=("code",))


def table(file: Any, columns: Mapping[str, Sequence[str]], *, required: Sequence[str]) -> list[dict[str, str]]:
    """An uploaded file as rows by field; Problem when it cannot be read or lacks a column."""
    if file.size > MOST:
        raise refused("too_large", limit=MOST >> 20)
    with tempfile.NamedTemporaryFile(suffix=Path(file.name).suffix) as copy:
        for chunk in file.chunks():
            copy.write(chunk)
        copy.flush()
        return rows_of(Path(copy.name), file.name, columns, required=required)


def rows_of(path: Path, name: str, columns: Mapping[str, Sequence[str]], *, required: Sequence[str]) -> list[dict[str, str]]:
    """A file on the disk as rows by field."""
    return [row for _line, row in lines_of(path, name, columns, required=required)]


def lines_of(
    path: Path, name: str, columns: Mapping[str, Sequence[str]], *, required: Sequence[str]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Rows by field with the line they stand in, one by one; empty ones are left out."""
    if not path.exists():
        raise refused("file_gone")
    found = sniff(path, name)
    places = _places(found.columns, columns)
    if missing := [columns[field][0] for field in required if field not in places]:
        raise problem("missing_columns", "file", names=formats.listed(missing))
    for batch in reading.batches(path, found):
        for row, line in enumerate(batch.lines.to_pylist()):
            cells = batch.cells(row)
            if any(cell.strip() for cell in cells):
                yield line, {field: cells[place].strip() for field, place in places.items() if place < len(cells)}


def _places(headings: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    known = {heading.strip().lower(): place for place, heading in reversed(list(enumerate(headings)))}
    found = {}
    for field, names in columns.items():
        place = next((known[name.lower()] for name in names if name.lower() in known), None)
        if place is not None:
            found[field] = place
    return found
