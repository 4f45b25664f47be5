"""Large files take little memory, whatever their format."""

from collections.abc import Callable
from pathlib import Path

import pytest

from members.models import ImportRun, Order
from tests.imports.test_survival import run_and_die, start


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_file_of_200_mb_takes_little_memory(upload: Callable[..., ImportRun], tmp_path: Path) -> None:
    note = "备注" * 84
    lines = (f"N{n},1380000{n % 9000:04d},2026-10-01 10:00,{1 + n % 50},{note}\n" for n in range(400_000))
    run = upload("orders", data=("订单号,手机号,下单时间,金额,备注\n" + "".join(lines)).encode())
    assert run.size > 200 << 20
    job = start(run)
    code, said = run_and_die(job, 0, tmp_path)
    assert (code, said.split()[0]) == (0, "done")
    assert Order.objects.count() == 400_000
    assert int(said.split()[1]) <= 500, said


def _parquet(path: Path) -> None:
    """All rows in one group, as some writers do; the notes cannot be packed."""
    import random

    import pyarrow as pa
    import pyarrow.parquet as pq

    numbers, notes = range(200_000), random.Random(1)
    columns = {
        "订单号": [f"N{n}" for n in numbers],
        "手机号": [f"1380000{n % 9000:04d}" for n in numbers],
        "下单时间": ["2026-10-01 10:00"] * len(numbers),
        "金额": [str(1 + n % 50) for n in numbers],
        "备注": [notes.randbytes(350).hex() for _n in numbers],
    }
    pq.write_table(pa.table(columns), path, row_group_size=len(numbers), use_dictionary=False)


def _xlsx(path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append(["订单号", "手机号", "下单时间", "金额", "备注"])
    for n in range(40_000):
        sheet.append([f"N{n}", f"1380000{n % 9000:04d}", "2026-10-01 10:00", 1 + n % 50, f"{n:08d}" + "备注" * 100])
    book.save(path)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "make", "count"), [("a.parquet", _parquet, 200_000), ("a.xlsx", _xlsx, 40_000)])
def test_other_formats_take_little_memory_too(
    upload: Callable[..., ImportRun], tmp_path: Path, name: str, make: Callable[[Path], None], count: int
) -> None:
    make(tmp_path / name)
    run = upload("orders", data=(tmp_path / name).read_bytes(), name=name)
    code, said = run_and_die(start(run), 0, tmp_path)
    assert (code, said.split()[0]) == (0, "done")
    assert Order.objects.count() == count
    assert int(said.split()[1]) <= 500, said
