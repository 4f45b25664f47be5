"""Encodings, delimiters, workbooks, Parquet, and files that are not what they say."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.conf import settings

from members.importing import pipeline, reading, services
from members.models import ImportReject, ImportRun, Member, Order, Pool
from scrm.lib.problems import Problem
from tests.imports.conftest import csv_bytes

pytestmark = pytest.mark.django_db
HEAD = ["订单号", "手机号", "下单时间", "实付金额", "门店"]
ROW = ["N1", "13800000001", "2026-10-01 10:00", "12.50", '上海,\n"总店"']


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_text_of_every_kind(upload: Callable[..., ImportRun], as_of: datetime, encoding: str, delimiter: str) -> None:
    data = csv_bytes(
        HEAD, ROW, ["N2", "13800000002", "2026-10-02", "1", "北京"], encoding=encoding, delimiter=delimiter, end="\r\n"
    )
    run = upload("orders", data=data)
    assert (run.columns, run.delimiter) == (HEAD, delimiter)
    assert pipeline.run(run, as_of=as_of)["new"] == 2
    order = Order.objects.get(number="N1")
    assert (order.store, order.amount, order.placed_at) == (ROW[-1], 1250, datetime(2026, 10, 1, 2, tzinfo=UTC))


@pytest.mark.parametrize(
    "written",
    [
        "2026-10-01 10:00",
        "2026/10/01 10:00",
        "2026/10/1 10:00:00",
        "2026年10月1日 10:00",
        "2026年10月1日10时00分",
        "2026-10-01T10:00:00+08:00",
        "2026-10-01T02:00:00Z",
        "20261001100000",
        "2026.10.1 10:00",
        "2026-10-01 10:00:00.123",
    ],
)
def test_dates_as_people_write_them(bring_in: Callable[..., Any], written: str) -> None:
    bring_in("orders", HEAD, ["N1", "13800000001", written, "1", ""], ["N2", "13800000001", "2026-1-1", "1", ""])
    assert Order.objects.get(number="N1").placed_at == datetime(2026, 10, 1, 2, tzinfo=UTC)


def test_dates_with_the_day_first_only_when_said(bring_in: Callable[..., Any]) -> None:
    row = ["N1", "13800000001", "03/02/2026 10:00", "1", ""]
    assert bring_in("orders", HEAD, row)["refused"] == 1
    bring_in("orders", HEAD, row, date_order="dmy")
    assert Order.objects.get().placed_at.date() == date(2026, 2, 3)


@pytest.mark.parametrize(
    ("written", "unit", "minor"),
    [
        ("￥1,234.50", "yuan", 123450),
        ("12元", "yuan", 1200),
        ("0.105", "yuan", 11),
        ("１２.5", "yuan", 1250),
        ("1250", "fen", 1250),
        ("19.99", "yuan", 1999),
        (".5", "yuan", 50),
    ],
)
def test_amounts_as_people_write_them(bring_in: Callable[..., Any], written: str, unit: str, minor: int) -> None:
    bring_in("orders", HEAD, ["N1", "13800000001", "2026-10-01", written, ""], unit=unit)
    assert Order.objects.get().amount == minor


@pytest.mark.parametrize(
    "written",
    ["+86 138-0000-0001", "008613800000001", "１３８０００００００１", "138 0000 0001", "13800000001.0", "(138)00000001"],
)
def test_telephones_as_people_write_them(bring_in: Callable[..., Any], written: str) -> None:
    bring_in("members", ["手机", "姓名"], ["13800000001", "张三"])
    assert bring_in("members", ["手机", "姓名"], [written, "张三"])["unchanged"] == 1


def workbook(*rows: list[Any]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def test_a_workbook(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    rows = [
        ["N1", 13800000001, datetime(2026, 10, 1, 10), 12.5, "上海"],
        ["N2", "13800000002", 46296.5, 3, None],
        [None] * 5,
        ["N3", 13800000003, "oops", 1, ""],
    ]
    run = upload("orders", data=workbook(HEAD, *rows), name="订单.xlsx")
    counts = pipeline.run(run, as_of=as_of)
    assert (counts["new"], counts["refused"], counts["rows"]) == (2, 1, 3)
    assert Order.objects.get(number="N1").placed_at == datetime(2026, 10, 1, 2, tzinfo=UTC)
    assert Order.objects.get(number="N2").placed_at == datetime(2026, 10, 1, 4, tzinfo=UTC)
    assert ImportReject.objects.get().line == 5


def test_parquet(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    table = pa.table(
        {
            "订单号": ["N1", "N2"],
            "手机号": pa.array([13800000001, 13800000002], pa.int64()),
            "下单时间": pa.array([datetime(2026, 10, 1, 2, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
            "实付金额": pa.array([Decimal("12.50"), Decimal("3.00")], pa.decimal128(10, 2)),
            "门店": pa.array(["上海", None]).dictionary_encode(),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=1)
    assert pipeline.run(upload("orders", data=out.getvalue(), name="o.parquet"), as_of=as_of)["new"] == 2
    order = Order.objects.get(number="N1")
    assert (order.amount, order.placed_at, order.store) == (1250, datetime(2026, 10, 1, 2, tzinfo=UTC), "上海")


def refused(pool: Pool, data: bytes, name: str) -> Problem:
    with pytest.raises(Problem) as caught:
        services.upload(pool=pool, kind="orders", file=io.BytesIO(data), file_name=name, actor=None)
    assert not [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]
    assert not ImportRun.objects.exists()
    return caught.value


@pytest.mark.parametrize(
    ("code", "data", "name"),
    [
        ("empty_file", b"", "a.csv"),
        ("empty_file", b" \n", "a.csv"),
        ("header_only", b"a,b\n", "a.csv"),
        ("header_only", b"a,b\n,\n", "a.csv"),
        ("wrong_type", b"PK\x03\x04", "a.csv"),
        ("wrong_type", b"\x89PNG\r\n", "a.xlsx"),
        ("wrong_type", b"a,b\n1,2\n", "a.xlsx"),
        ("wrong_type", b"a,b\n1,2\n", "a.parquet"),
        ("wrong_type", b"a\x00b", "a.csv"),
        ("old_excel", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a.xls"),
        ("unknown_type", b"a,b\n1,2\n", "a.exe"),
        ("broken_file", b"PK\x03\x04 cut off", "a.xlsx"),
        ("broken_file", b"PAR1 cut off", "a.parquet"),
        ("no_header", b",,\n1,2,3\n", "a.csv"),
        ("too_many_file_columns", b",".join(b"c%d" % n for n in range(2000)) + b"\n", "a.csv"),
        ("unclosed_quote", b'a,b\n1,"2\n' + b"1,2\n" * 50_000, "a.csv"),
        ("wrong_encoding", b"a,b\n\xff\xff\x81,2\n", "a.csv"),
    ],
)
def test_files_that_cannot_be_read(pool: Pool, code: str, data: bytes, name: str) -> None:
    problem = refused(pool, data, name)
    assert problem.code == code
    assert len(problem.message) > 4


def test_a_zip_bomb_is_refused_unopened(pool: Pool) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * (60 << 20))
    assert len(out.getvalue()) < 200_000
    assert refused(pool, out.getvalue(), "a.xlsx").code == "zip_bomb"


def test_too_large_a_file_is_refused(pool: Pool, settings: Any) -> None:
    settings.UPLOAD_LIMIT_MB = 1
    assert refused(pool, b"a,b\n" + b"1,2\n" * 300_000, "a.csv").code == "too_large"


def test_bad_bytes_far_down_stop_the_import_before_it_writes(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    good = csv_bytes(HEAD, *([f"N{n}", "13800000001", "2026-10-01", "1", "x" * 60] for n in range(6000)))
    run = upload("orders", data=good + b"N,13800000001,2026-10-01,1,\xff\xfe\n")
    with pytest.raises(Problem) as caught:
        pipeline.run(run, as_of=as_of)
    assert caught.value.code == "wrong_encoding"
    assert not Order.objects.exists()
    assert not Member.objects.exists()


def test_an_unclosed_quote_stops_the_import(
    upload: Callable[..., ImportRun], as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK", 1 << 16)
    rows = csv_bytes(*([f"N{n}", "13800000001", "2026-10-01", "1", "x" * 60] for n in range(6000)))
    run = upload("orders", data=csv_bytes(HEAD) + rows + b'N0,13800000001,2026-10-01,1,"open\n' + rows)
    with pytest.raises(Problem) as caught:
        pipeline.run(run, as_of=as_of)
    assert caught.value.code == "unclosed_quote"
    assert not Order.objects.exists()


def test_rows_of_the_wrong_width_are_refused_by_line(
    upload: Callable[..., ImportRun], as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "BLOCK", 1 << 12)
    lines = [",".join(HEAD)]
    for n in range(400):
        lines.append(
            f"N{n},13800000001,2026-10-01,1"
            if n % 50 == 7
            else f'N{n},13800000001,2026-10-01,{"oops" if n % 50 == 9 else 1},"a\nb"'
        )
        if n % 100 == 0:
            lines.append("")
    run = upload("orders", data="\n".join(lines).encode())
    counts = pipeline.run(run, as_of=as_of)
    assert counts["new"] == 400 - 16
    found = {reject.line: (reject.code, reject.row[0]) for reject in ImportReject.objects.all()}
    # Line as a spreadsheet counts: heading, rows, and the empty ones between them.
    where = {f"N{n}": 2 + n + sum(1 for k in range(0, n, 100)) for n in range(400)}
    assert found == {
        where[f"N{n}"]: ("too_few_columns" if n % 50 == 7 else "bad_amount", f"N{n}") for n in range(400) if n % 50 in (7, 9)
    }


def test_a_nested_parquet_is_refused(pool: Pool) -> None:
    out = io.BytesIO()
    pq.write_table(pa.table({"订单号": ["N1"], "行": [[1, 2]]}), out)
    assert refused(pool, out.getvalue(), "a.parquet").code == "nested_columns"


def test_a_row_that_is_too_wide_is_refused(bring_in: Callable[..., Any]) -> None:
    assert bring_in("orders", HEAD, ROW, [*ROW, "more", "still more"])["refused"] == 1
    assert ImportReject.objects.get().code == "too_many_columns"


@pytest.mark.parametrize(("code", "column"), [("column_used_twice", "订单号"), ("columns_changed", "不存在")])
def test_a_mapping_names_columns_that_are_there_and_each_once(upload: Callable[..., ImportRun], code: str, column: str) -> None:
    run = upload("orders", HEAD, ROW)
    with pytest.raises(Problem) as caught:
        services.save_mapping(run=run, mapping=run.mapping | {"store": column})
    assert caught.value.code == code


def test_orders_without_a_channel_are_not_begun(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    """The same number in two shops is two orders."""
    run = upload("orders", HEAD, ROW, channel=None)
    with pytest.raises(Problem) as caught:
        pipeline.run(run, as_of=as_of)
    assert caught.value.code == "needs_channel"
    assert not Order.objects.exists()


def test_a_file_that_was_cleared_away_is_asked_for_again(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    run = upload("orders", HEAD, ROW)
    for file in Path(settings.MEDIA_ROOT).rglob("*"):
        if file.is_file():
            file.unlink()
    with pytest.raises(Problem) as caught:
        pipeline.run(run, as_of=as_of)
    assert caught.value.code == "file_gone"


@pytest.mark.parametrize(
    ("code", "kind", "head", "row"),
    [
        ("bad_email", "members", ["手机号", "邮箱"], ["13800000001", "not an address"]),
        ("too_long", "members", ["手机号", "姓名"], ["13800000001", "张" * 81]),
        ("bad_number", "lines", ["订单号", "商品编码", "数量", "金额"], ["N1", "S1", "many", "1"]),
    ],
)
def test_a_cell_that_does_not_fit_is_refused_with_its_code(
    bring_in: Callable[..., Any], code: str, kind: str, head: list[str], row: list[str]
) -> None:
    bring_in(kind, head, row)
    assert code in ImportReject.objects.values_list("code", flat=True)


def test_nul_and_long_cells_do_no_harm(bring_in: Callable[..., Any]) -> None:
    assert bring_in("members", ["手机号", "姓名"], ["13800000001", "张" * 81], ["13800000002", "'=1+1"])["refused"] == 1
    assert Member.objects.get().name == "=1+1"
