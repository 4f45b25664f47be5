"""One chart, four answers; nothing in a download runs as a formula."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpRequest
from django.test import Client
from openpyxl import load_workbook

from scrm.lib import export
from scrm.lib.charts import CHARTS, Chart, Column, answer, chart

MADE = Chart(
    "RFM 客户分组/今日",
    ["分组", Column("人数", "number"), Column("消费", "money"), Column("占比", "percent")],
    [("重要价值", 1200, 123450, 0.318), ("=cmd()", 3, None, 0.5)],
    {"series": [{"type": "bar", "data": [{"value": 1200, "url": "/p/demo/members/"}]}]},
    note="近一年",
    links=["/p/demo/members/?rfm=champions"],
)


@pytest.fixture
def declared() -> Iterator[list[str]]:
    """A chart declared for the test, and the query strings it was asked with."""
    asked: list[str] = []

    @chart("front_test", permission="insights.view")
    def front_test(request: HttpRequest) -> Chart:
        asked.append(f"{request.pool.slug}?{request.GET.urlencode()}")  # type: ignore[attr-defined]
        return MADE

    yield asked
    CHARTS._items.pop("front_test")


def _text(response: Any) -> str:
    return b"".join(response).decode() if getattr(response, "streaming", False) else response.content.decode()


def test_json_carries_the_option_untouched(rf: object) -> None:
    found = json.loads(_text(answer(rf.get("/"), MADE, "json")))  # type: ignore[attr-defined]
    assert found["option"] == MADE.option
    assert found["empty"] is False


def test_html_prints_cells_and_links(rf: object) -> None:
    text = _text(answer(rf.get("/"), MADE, "html"))  # type: ignore[attr-defined]
    assert '<a href="/p/demo/members/?rfm=champions">重要价值</a>' in text
    for printed in ("1,200", "¥1,234.50", "31.8%", "近一年"):
        assert printed in text


def test_csv_is_for_excel_and_inert(rf: object) -> None:
    response = answer(rf.get("/"), MADE, "csv")  # type: ignore[attr-defined]
    text = _text(response)
    assert text.startswith("\ufeff")
    rows = list(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    assert rows[1] == ["重要价值", "1200", "1234.5", "0.318"]
    assert rows[2][0] == "'=cmd()"
    assert rows[2][2] == ""
    assert "filename*=utf-8''RFM%20%E5%AE%A2" in response["Content-Disposition"]
    assert "/" not in export.filename(MADE.title, "csv")


def test_xlsx_has_types_and_no_formulas(rf: object) -> None:
    content = answer(rf.get("/"), MADE, "xlsx").content  # type: ignore[attr-defined]
    sheet = load_workbook(io.BytesIO(content)).active
    assert [cell.value for cell in sheet[1]] == ["分组", "人数", "消费", "占比"]
    assert sheet["C2"].value == 1234.5
    assert sheet["D2"].number_format == "0.0%"
    assert (sheet["A3"].value, sheet["A3"].data_type) == ("=cmd()", "s")


@pytest.mark.parametrize("risky", ["=1+1", "+A1", "-A1", "@SUM(A1)", "\t=1", "＝1"])
def test_what_a_spreadsheet_would_run_is_made_inert(risky: str) -> None:
    assert export.safe(risky) == "'" + risky


@pytest.mark.parametrize("plain", ["-12", "+8613800000000", "重要价值", "a=b", ""])
def test_plain_text_stays_as_it_is(plain: str) -> None:
    assert export.safe(plain) == plain


def test_a_chart_answers_at_its_address_with_the_pages_filters(login: Callable[[str], Client], declared: list[str]) -> None:
    response = login("analyst").get("/p/demo/charts/front_test.json?days=7")
    assert response.status_code == 200
    assert declared == ["demo?days=7"]
    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("name", ["no_such.json", "front_test.pdf"])
def test_an_unknown_chart_or_form_is_not_found(login: Callable[[str], Client], declared: list[str], name: str) -> None:
    assert login("analyst").get(f"/p/demo/charts/{name}").status_code == 404


def test_a_chart_needs_the_permission_it_declares(login: Callable[[str], Client], declared: list[str]) -> None:
    from dataclasses import replace

    CHARTS._items["front_test"] = replace(CHARTS["front_test"], permission="audit.view")
    assert login("analyst").get("/p/demo/charts/front_test.json").status_code == 403
    assert login("admin").get("/p/demo/charts/front_test.json").status_code == 200


def test_charts_of_a_pool_are_hidden_from_others(login: Callable[[str], Client], declared: list[str], other_pool: object) -> None:
    assert login("analyst").get("/p/other/charts/front_test.json").status_code == 404
