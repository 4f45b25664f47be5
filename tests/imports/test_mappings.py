"""Ways of reading a file that a pool keeps, words and their meanings, corrected files, numbers and dates of all kinds."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import openpyxl
import pytest
from django.test import Client

from members.importing import fields, forms, mappings, pipeline, services
from members.models import AttributeField, Channel, ImportReject, ImportRun, Member, Order, Pool, SavedMapping
from scrm.jobs import running
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry
from tests.imports.conftest import csv_bytes
from tests.imports.test_pages import form_of, post_file

pytestmark = pytest.mark.django_db
HEAD = ["单号", "手机", "何时", "多少", "怎样了"]
ROW = ["N1", "13800000001", "03/02/2026 10:00", "1.234,50", "Erledigt"]
MAPPING = {"number": "单号", "id:phone": "手机", "placed_at": "何时", "amount": "多少", "status": "怎样了"}
OPTIONS = {"date_order": "dmy", "decimal": ",", "words": {"status": {"Erledigt": "paid", "Storniert": "cancelled"}}}


@pytest.fixture
def kept(pool: Pool) -> SavedMapping:
    return mappings.keep(
        pool=pool,
        name="德国店",
        kind="orders",
        mapping=MAPPING,
        columns=HEAD,
        options=OPTIONS,
        channel=Channel.objects.get(code="web"),
        actor=None,
    )


def test_a_kept_mapping_is_used_when_its_headings_come_again(pool: Pool, kept: SavedMapping, as_of: datetime) -> None:
    data = csv_bytes([*HEAD, "备注"], [*ROW, ""], ["N2", "13800000001", "04/02/2026", "5", "Storniert", ""])
    run = services.upload(pool=pool, kind="orders", file=io.BytesIO(data), file_name="a.csv", actor=None)
    assert (run.mapping, run.channel.code, run.options["applied"]["name"]) == (MAPPING, "web", "德国店")
    assert pipeline.run(run, as_of=as_of)["new"] == 2
    order = Order.objects.get(number="N1")
    assert (order.amount, order.placed_at) == (123450, datetime(2026, 2, 3, 2, tzinfo=UTC))
    assert Order.objects.get(number="N2").status == Order.Status.CANCELLED


def test_other_headings_are_left_alone(pool: Pool, kept: SavedMapping) -> None:
    data = csv_bytes(["订单号", "手机号", "下单时间", "实付金额"], ["N1", "13800000001", "2026-10-01", "1"])
    run = services.upload(pool=pool, kind="orders", file=io.BytesIO(data), file_name="a.csv", actor=None)
    assert run.options["applied"]["by"] == "guess"


def test_of_another_pool_it_is_not_used(other_pool: Pool, kept: SavedMapping) -> None:
    run = services.upload(pool=other_pool, kind="orders", file=io.BytesIO(csv_bytes(HEAD, ROW)), file_name="a.csv", actor=None)
    assert run.options["applied"]["by"] == "guess"


def test_the_last_file_with_the_same_headings_is_followed(pool: Pool, upload: Callable[..., ImportRun]) -> None:
    first = upload("orders", HEAD, ROW, channel="web")
    services.save_mapping(run=first, mapping=MAPPING, options=OPTIONS, actor=None)
    assert upload("orders", HEAD, ROW, channel="web").options["applied"]["by"] == "guess"
    ImportRun.objects.filter(pk=first.pk).update(status="done")
    again = upload("orders", HEAD, ROW, channel="web")
    assert (again.options["applied"]["by"], again.mapping, again.options["decimal"]) == ("last", MAPPING, ",")


def test_keeping_renaming_and_forgetting_are_written_down(pool: Pool, kept: SavedMapping) -> None:
    with pytest.raises(Problem) as caught:
        mappings.keep(pool=pool, name="德国店", kind="members", mapping={"id:phone": "手机"}, columns=["手机"], actor=None)
    assert caught.value.code == "name_taken"
    same = mappings.keep(pool=pool, name="德国店", kind="orders", mapping=MAPPING, columns=HEAD, actor=None)
    assert (same.pk, same.options) == (kept.pk, {})
    other = mappings.keep(pool=pool, name="其他", kind="orders", mapping=MAPPING, columns=HEAD, actor=None)
    with pytest.raises(Problem) as caught:
        mappings.rename(saved=other, name="德国店", actor=None)
    assert caught.value.code == "name_taken"
    mappings.rename(saved=SavedMapping.objects.get(pk=other.pk), name=" 法国店 ", actor=None)
    mappings.forget(saved=kept, actor=None)
    assert [each.name for each in mappings.saved_mappings(pool)] == ["法国店"]
    acts = AuditEntry.objects.filter(action__startswith="mapping.").order_by("pk").values_list("action", flat=True)
    assert list(acts) == ["mapping.keep", "mapping.replace", "mapping.keep", "mapping.rename", "mapping.forget"]


@pytest.mark.parametrize(
    ("code", "name", "mapping"),
    [
        ("nameless", " ", MAPPING),
        ("missing_columns", "x", {"number": "单号"}),
        ("unknown_fields", "x", MAPPING | {"weight": "重"}),
    ],
)
def test_a_mapping_that_cannot_work_is_not_kept(pool: Pool, code: str, name: str, mapping: dict[str, str]) -> None:
    with pytest.raises(Problem) as caught:
        mappings.keep(pool=pool, name=name, kind="orders", mapping=mapping, columns=HEAD, actor=None)
    assert caught.value.code == code


# -- The page --------------------------------------------------------------------------------------
def test_every_word_is_shown_with_what_it_is_taken_for(upload: Callable[..., ImportRun]) -> None:
    rows = [["N1", "13800000001", "2026-10-01", "1", "交易成功"], ["N2", "13800000001", "2026-10-01", "1", "奇怪"]]
    run = upload("orders", ["订单号", "手机号", "下单时间", "金额", "状态"], *rows)
    spoken = [(each.word, each.meaning) for each in forms.spoken_words(run)]
    assert spoken == [("奇怪", ""), ("交易成功", "paid")]
    form = forms.MappingForm(run=run)
    given = {name: form[name].value() or "" for name in form.fields} | {
        "word:status:奇怪": "skip",
        "word:status:交易成功": "pending",
    }
    bound = forms.MappingForm(given, run=run)
    assert bound.is_valid(), bound.errors
    assert bound.cleaned_data["options"]["words"] == {"status": {"奇怪": "skip", "交易成功": "pending"}}


def test_rows_of_a_word_that_says_so_are_passed_over(bring_in: Callable[..., Any]) -> None:
    head = ["订单号", "手机号", "下单时间", "金额", "状态"]
    rows = [["N1", "13800000001", "2026-10-01", "1", "交易成功"], ["N2", "什么", "昨天", "x", "奇怪"]]
    counts = bring_in("orders", head, *rows, words={"status": {"奇怪": "skip"}})
    assert (counts["rows"], counts["new"], counts["skipped"], counts["refused"]) == (1, 1, 1, 0)
    assert not ImportReject.objects.exists()


def test_words_of_a_column_just_chosen_are_asked_for_once(login: Callable[[str], Client]) -> None:
    client = login("operator")
    rows = [["订单号", "手机号", "下单时间", "金额", "情形"], ["N1", "13800000001", "2026-10-01", "1", "奇怪"]]
    answer = post_file(client, csv_bytes(*rows))
    run = ImportRun.objects.get()
    given = form_of(client.get(answer.url)) | {"map:status": "情形"}
    preview = client.post(f"{answer.url}?preview=1", given, headers={"HX-Request": "true"})
    assert "word:status:奇怪" in preview.content.decode()
    assert ImportRun.objects.get().mapping == run.mapping
    first = client.post(answer.url, given)
    assert first.url == answer.url
    given = form_of(client.get(answer.url))
    assert client.post(answer.url, given).url == f"/p/demo/imports/{run.pk}/"


def test_a_mapping_is_kept_from_the_page_and_managed(login: Callable[[str], Client], pool: Pool) -> None:
    client = login("operator")
    answer = post_file(client, csv_bytes(["订单号", "手机号", "下单时间", "金额"], ["N1", "13800000001", "2026-10-01", "1"]))
    run = ImportRun.objects.get()
    at = f"/p/demo/imports/{run.pk}"
    assert client.post(f"{at}/keep/", form_of(client.get(answer.url)) | {"name": ""}).status_code == 422
    assert client.post(f"{at}/keep/", form_of(client.get(answer.url)) | {"name": "日报"}).status_code == 302
    kept = SavedMapping.objects.get()
    assert (kept.name, kept.kind, kept.channel_id) == ("日报", "orders", 1)
    assert "已按方案「日报」对应" in client.get(answer.url).content.decode()
    assert client.post(f"{at}/read-as/", {"by": ""}).status_code == 302
    assert "没有认出" in client.get(answer.url).content.decode()
    client.post(f"{at}/read-as/", {"by": f"saved:{kept.pk}"})
    assert ImportRun.objects.get().options["applied"]["id"] == kept.pk
    client.post(f"/p/demo/imports/mappings/{kept.pk}/rename/", {"name": "周报"})
    assert "周报" in client.get("/p/demo/imports/mappings/").content.decode()
    client.post(f"/p/demo/imports/mappings/{kept.pk}/forget/")
    assert not SavedMapping.objects.exists()


def test_who_may_only_look(login: Callable[[str], Client], kept: SavedMapping) -> None:
    client = login("marketer")
    assert client.get("/p/demo/imports/mappings/").status_code == 200
    assert client.post(f"/p/demo/imports/mappings/{kept.pk}/forget/").status_code == 403


# -- Corrected rows --------------------------------------------------------------------------------
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_corrected_file_is_known_by_its_columns(
    login: Callable[[str], Client], kept: SavedMapping, language: str, as_of: datetime
) -> None:
    client = login("operator")
    client.cookies["django_language"] = language
    bad = [*ROW]
    bad[1] = "1380"
    post_file(client, csv_bytes(HEAD, ROW, bad), channel="13")
    run = ImportRun.objects.get()
    pipeline.run(run, as_of=as_of)
    download = b"".join(client.get(f"/p/demo/imports/{run.pk}/rejects.csv")).decode("utf-8-sig")
    assert len(download.splitlines()[0].split(",")) == len(HEAD) + 4
    kept.delete()
    data = download.replace("1380,", "13800000009,").replace("N1", "N9").encode("utf-8-sig")
    file = io.BytesIO(data)
    file.name = "b.csv"
    answer = client.post(f"/p/demo/imports/new/?corrects={run.pk}", {"kind": "orders", "file": file})
    page = client.get(answer.url)
    second = ImportRun.objects.latest("pk")
    assert (second.mapping, second.channel, second.options["decimal"]) == (MAPPING, run.channel, ",")
    assert len(page.context["ignored"]) == 4
    assert not set(page.context["form"].columns) & fields.ours()
    assert pipeline.run(second, as_of=as_of)["new"] == 1


# -- Cells of all kinds ----------------------------------------------------------------------------
@pytest.mark.parametrize(
    "written",
    ["2026/10/1 下午 3:20:05", "2026-10-01 3:20:05 PM", "2026年10月1日 下午3:20:05", "1790839205", "1790839205000"],
)
def test_moments_as_machines_and_spreadsheets_write_them(bring_in: Callable[..., Any], written: str) -> None:
    head = ["订单号", "手机号", "下单时间", "金额"]
    bring_in("orders", head, ["N1", "13800000001", written, "1"], date_order="unix" if written.isdigit() else "ymd")
    assert Order.objects.get().placed_at == datetime(2026, 10, 1, 7, 20, 5, tzinfo=UTC)


def test_midnight_is_twelve_in_the_morning(bring_in: Callable[..., Any]) -> None:
    bring_in("orders", ["订单号", "手机号", "下单时间", "金额"], ["N1", "13800000001", "2026-10-01 12:05 AM", "1"])
    assert Order.objects.get().placed_at == datetime(2026, 9, 30, 16, 5, tzinfo=UTC)


@pytest.mark.parametrize("written", ['="00123"', "'00123", "00123\t", "`00123", "\u202d00123\u202c", "００１２３", " 00123 "])
def test_numbers_keep_their_zeros_and_lose_their_guards(bring_in: Callable[..., Any], written: str) -> None:
    bring_in("orders", ["订单号", "手机号", "下单时间", "金额"], [written, "13800000001", "2026-10-01", "1"])
    assert Order.objects.get().number == "00123"


@pytest.mark.parametrize(("written", "decimal"), [("1.234,50", ","), ("1 234,50 €", ","), ("1,234.50", "."), ("'1234.50", ".")])
def test_thousands_and_decimals(bring_in: Callable[..., Any], written: str, decimal: str) -> None:
    bring_in("orders", ["订单号", "手机号", "下单时间", "金额"], ["N", "13800000001", "2026-10-01", written], decimal=decimal)
    assert Order.objects.get().amount == 123450


def test_rows_may_end_with_more_delimiters_than_the_heading(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    row = ",13800000001,2026-10-01,1"
    text = f"订单号,手机号,下单时间,金额\nN1{row},\nN2{row},,\nN3{row},x\n"
    run = upload("orders", data=text.encode())
    counts = pipeline.run(run, as_of=as_of)
    assert (counts["new"], counts["refused"]) == (2, 1)
    assert list(ImportReject.objects.values_list("line", "code")) == [(4, "too_many_columns")]


def test_titles_above_the_heading_are_stepped_over(pool: Pool, upload: Callable[..., ImportRun], as_of: datetime) -> None:
    text = '销售日报\n"制表：\n张三",2026-10-01\n\n订单号,手机号,下单时间,金额\nN1,13800000001,2026-10-01,1\nN2,1,2026-10-01,1\n'
    run = upload("orders", data=text.encode())
    assert (run.options["layout"]["heading"], run.columns[0]) == (4, "订单号")
    assert pipeline.run(run, as_of=as_of)["new"] == 1
    assert ImportReject.objects.get().line == 6
    again = services.reread(run=run, actor=None, heading=5)
    assert again.columns[0] == "N1"


def test_the_sheet_is_chosen(upload: Callable[..., ImportRun], as_of: datetime) -> None:
    book, out = openpyxl.Workbook(), io.BytesIO()
    book.active.append(["说明", "无"])
    book.active.append(["请看", "第二页"])
    second = book.create_sheet("数据")
    for row in (["订单号", "手机号", "下单时间", "金额"], ["N1", 13800000001, datetime(2026, 10, 1), 1]):
        second.append(row)
    hidden = book.create_sheet("藏")
    hidden.sheet_state = "hidden"
    book.save(out)
    run = upload("orders", data=out.getvalue(), name="a.xlsx")
    assert (run.options["layout"]["sheet"], run.options["layout"]["sheets"]) == ("Sheet", ["Sheet", "数据"])
    run = services.reread(run=run, actor=None, sheet="数据")
    assert pipeline.run(run, as_of=as_of)["new"] == 1


def test_a_changed_mapping_does_not_go_on_with_what_was_staged(
    upload: Callable[..., ImportRun], as_of: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = upload("orders", ["订单号", "手机号", "下单时间", "金额", "实付"], ["N1", "13800000001", "2026-10-01", "1", "2"])
    services.save_mapping(run=run, mapping=run.mapping | {"amount": "金额"}, actor=None)
    job = services.start_import(run=run, actor=None)
    monkeypatch.setattr("members.importing.people.resolve", lambda *a, **k: 1 / 0)
    assert running.run(job.pk, heart=False) == "failed"
    monkeypatch.undo()
    run.refresh_from_db()
    services.save_mapping(run=run, mapping=run.mapping | {"amount": "实付"}, actor=None)
    again = services.start_import(run=run, actor=None)
    assert again.pk != job.pk
    assert running.run(again.pk, heart=False) == "done"
    assert Order.objects.get().amount == 200


def test_a_pools_own_fields_are_targets(pool: Pool, as_of: datetime) -> None:
    AttributeField.objects.create(pool=pool, key="income", label="月收入", kind="number")
    data = csv_bytes(["手机号", "月收入", "爱好"], ["13800000001", "12000", "钓鱼"], ["13800000002", "很多", ""])
    run = services.upload(pool=pool, kind="members", file=io.BytesIO(data), file_name="a.csv", actor=None)
    assert run.mapping["attr:income"] == "月收入"
    form = forms.MappingForm(run=run)
    assert "map:attr:income" in form.fields
    counts = pipeline.run(run, as_of=as_of)
    assert (counts["new"], counts["refused"]) == (1, 1)
    assert Member.objects.get().attributes == {"income": 12000}
