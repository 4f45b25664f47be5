"""The member list narrowed to whom an import named."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members import listing
from members.importing import journal, pipeline
from members.models import ImportRun, Pool
from tests import factories

pytestmark = pytest.mark.django_db


def found(pool: Pool, run: ImportRun) -> set[str]:
    from django.http import QueryDict

    asked = listing.ask(QueryDict(f"import={run.pk}"), pool)
    assert not asked.wrong, asked.wrong
    return {member.name for member in listing.page(asked).rows}


def test_an_import_leads_to_whom_its_file_named(pool: Pool, upload: Callable[..., ImportRun], as_of: datetime) -> None:
    factories.member(pool, "在池", phone="13800000001")
    factories.member(pool, "无关", phone="13800000009")
    run = upload("members", ("姓名", "手机号"), ("甲", "13800000001"), ("乙", "13800000002"))
    pipeline.run(run, as_of=as_of)
    run.refresh_from_db()
    assert len(found(pool, run)) == 2
    assert "无关" not in found(pool, run)
    orders = upload(
        "orders", ("订单号", "手机号", "下单时间", "金额"), ("N1", "13800000009", "2026-10-01 10:00", "5"), name="o.csv"
    )
    pipeline.run(orders, as_of=as_of)
    orders.refresh_from_db()
    assert found(pool, orders) == {"无关"}


def test_an_import_that_is_forgotten_is_said_to_be(pool: Pool, upload: Callable[..., ImportRun], as_of: datetime) -> None:
    from django.http import QueryDict

    run = upload("members", ("姓名", "手机号"), ("甲", "13800000001"))
    pipeline.run(run, as_of=as_of)
    run.refresh_from_db()
    journal.drop(run)
    asked: Any = listing.ask(QueryDict(f"import={run.pk}"), pool)
    assert asked.wrong
    assert not listing.page(asked).rows
