"""Members as files: purpose, masking, a second person, expiry, and cells no spreadsheet runs."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from openpyxl import load_workbook
from rest_framework.test import APIClient

from members import exporting
from members.models import AccessEntry, ExportRequest, Member, Pool
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.lib.export import Column, csv_text, safe, xlsx_bytes
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry, User
from tests import factories

pytestmark = pytest.mark.django_db
Status = ExportRequest.Status


def asked(pool: Pool, actor: User, as_of: datetime, **more: Any) -> ExportRequest:
    given = {"chosen": {"query": ""}, "purpose": "service", "reason": "门店回访名单", **more}
    return exporting.request(pool=pool, actor=actor, as_of=as_of, **given)


def done(export: ExportRequest) -> ExportRequest:
    export.refresh_from_db()
    assert running.run(export.job_id or 0, heart=False) == JobRun.Status.DONE, JobRun.objects.get(pk=export.job_id or 0).error
    export.refresh_from_db()
    return export


def lines(export: ExportRequest) -> list[list[str]]:
    return list(csv.reader(io.StringIO(exporting.path_of(export).read_text("utf-8-sig"))))


class TestMasked:
    def test_needs_nobody_and_shows_no_number(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = done(asked(pool, staff["operator"], as_of))
        assert export.status == Status.DONE
        text = exporting.path_of(export).read_text("utf-8-sig")
        assert "13800000001" not in text
        assert "alice@example.com" not in text
        assert "138****0001" in text
        assert exporting.path_of(export).stat().st_mode & 0o077 == 0

    def test_says_who_and_why_in_its_last_line(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = done(asked(pool, staff["operator"], as_of, form="csv"))
        (last,) = lines(export)[-1]
        assert last.startswith("# ")
        assert "operator" in last
        assert "门店回访名单" in last
        assert f"demo-{export.pk}" in last

    def test_without_a_purpose_there_is_no_file(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        for wrong in ({"purpose": ""}, {"purpose": "fun"}, {"reason": "想看"}, {"chosen": {"ids": [999]}}, {"form": "pdf"}):
            with pytest.raises(Problem):
                asked(pool, staff["operator"], as_of, **wrong)
        assert not ExportRequest.objects.exists()

    def test_members_of_another_pool_are_not_in_it(
        self, pool: Pool, other_pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime
    ) -> None:
        stranger = factories.member(other_pool, "Stranger", phone="13900000009")
        export = done(asked(pool, staff["operator"], as_of, chosen={"ids": [alice.pk, stranger.pk]}))
        assert export.rows == 1
        assert "Stranger" not in exporting.path_of(export).read_text()

    def test_a_killed_export_goes_on_where_it_was(
        self, pool: Pool, staff: dict[str, User], as_of: datetime, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from members.privacy import work

        people = [factories.member(pool, f"P{n}") for n in range(7)]
        export = asked(pool, staff["operator"], as_of)
        monkeypatch.setattr(work, "CHUNK", 2)
        saved, calls = work._saved, iter(range(100))

        def dies(*args: Any) -> Any:
            found = saved(*args)
            args[1].write(b"half a li")  # reached the disk, was never reported
            args[1].flush()
            if next(calls) == 1:
                raise KeyboardInterrupt
            args[1].seek(found["size"])
            args[1].truncate()
            return found

        monkeypatch.setattr(work, "_saved", dies)
        with pytest.raises(KeyboardInterrupt):
            running.run(export.job_id or 0, heart=False)
        monkeypatch.setattr(work, "_saved", saved)
        JobRun.objects.filter(pk=export.job_id or 0).update(status=JobRun.Status.QUEUED)
        export = done(export)
        assert [line[0] for line in lines(export)[1:-1]] == [str(each.pk) for each in people]

    def test_chosen_columns_in_their_order(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = done(asked(pool, staff["operator"], as_of, columns=["phone", "name", "nonsense"]))
        assert lines(export)[:2] == [["手机号", "姓名"], ["138****0001", "Alice"]]


class TestSecondPerson:
    def test_a_full_list_waits_and_is_whole_once_agreed(
        self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime
    ) -> None:
        export = asked(pool, staff["operator"], as_of, full=True)
        assert export.status == Status.REQUESTED
        assert export.job_id is None
        assert list(exporting.waiting_for(pool, staff["admin"], as_of)) == [export]
        assert not exporting.waiting_for(pool, staff["operator"], as_of)
        exporting.decide(export=export, approve=True, note="", actor=staff["admin"], as_of=as_of)
        export = done(export)
        assert "13800000001" in exporting.path_of(export).read_text("utf-8-sig")
        assert "admin" in lines(export)[-1][0]

    def test_nobody_agrees_to_their_own(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = asked(pool, staff["admin"], as_of, full=True)
        with pytest.raises(Problem) as refusal:
            exporting.decide(export=export, approve=True, note="", actor=staff["admin"], as_of=as_of)
        assert refusal.value.code == "export.own"

    def test_once_decided_it_stays_so(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = asked(pool, staff["operator"], as_of, full=True)
        with pytest.raises(Problem):
            exporting.decide(export=export, approve=False, note="", actor=staff["admin"], as_of=as_of)
        exporting.decide(export=export, approve=False, note="人数太多", actor=staff["admin"], as_of=as_of)
        with pytest.raises(Problem):
            exporting.decide(export=export, approve=True, note="", actor=staff["admin"], as_of=as_of)
        export.refresh_from_db()
        assert (export.status, export.note, export.job_id) == (Status.REFUSED, "人数太多", None)

    def test_too_late_is_no_agreement(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = asked(pool, staff["operator"], as_of, full=True)
        with pytest.raises(Problem):
            exporting.decide(export=export, approve=True, note="", actor=staff["admin"], as_of=as_of + timedelta(days=4))
        assert exporting.expire(as_of=as_of + timedelta(days=4)) == 1
        export.refresh_from_db()
        assert export.status == Status.EXPIRED

    def test_a_list_without_numbers_needs_nobody(
        self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime
    ) -> None:
        assert asked(pool, staff["operator"], as_of, full=True, columns=["name", "amount"]).status == Status.APPROVED


class TestFetching:
    def test_each_download_is_counted_and_written_down(
        self, login: Callable[[str], Client], pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime
    ) -> None:
        from scrm.lib import clock

        export = done(asked(pool, staff["operator"], clock.now()))
        answer = login("operator").get(f"/p/demo/members/exports/{export.pk}/")
        assert answer.status_code == 200
        assert b"Alice" in b"".join(answer.streaming_content)  # type: ignore[attr-defined]
        export.refresh_from_db()
        assert export.downloads == 1
        assert AccessEntry.objects.get(what="download").count == 1
        assert AuditEntry.objects.filter(action="export.download").count() == 1
        assert login("admin").get(f"/p/demo/members/exports/{export.pk}/").status_code == 404

    def test_files_go_in_time(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        from scrm.lib import clock

        export = done(asked(pool, staff["operator"], clock.now()))
        assert exporting.expire(as_of=export.expires_at - timedelta(seconds=1)) == 0
        assert exporting.expire(as_of=export.expires_at) == 1
        assert not exporting.path_of(export).exists()
        export.refresh_from_db()
        assert (export.status, export.chosen, export.reason) == (Status.EXPIRED, {}, "门店回访名单")

    def test_taking_it_back(self, pool: Pool, staff: dict[str, User], alice: Member, as_of: datetime) -> None:
        export = asked(pool, staff["operator"], as_of)
        with pytest.raises(Problem):
            exporting.cancel(export=export, actor=staff["admin"])
        exporting.cancel(export=export, actor=staff["operator"])
        assert JobRun.objects.get(pk=export.job_id or 0).status == JobRun.Status.CANCELLED


class TestApi:
    def test_the_whole_way(self, api: Callable[..., APIClient], pool: Pool, alice: Member) -> None:
        operator, admin = api("operator"), api("admin")
        given = {"query": "", "purpose": "legal", "reason": "监管检查", "full": True}
        made = operator.post("/api/exports/", given)
        assert made.status_code == 201, made.content
        place = f"/api/exports/{made.data['id']}/"
        assert operator.post(f"{place}decide/", {"approve": True}).data["code"] == "export.own"
        assert [row["id"] for row in admin.get("/api/exports/waiting/").data["results"]] == [made.data["id"]]
        assert admin.post(f"{place}decide/", {"approve": True}).data["status"] == "approved"
        assert operator.get(f"{place}file/").status_code == 422
        done(ExportRequest.objects.get(pk=made.data["id"]))
        assert b"13800000001" in b"".join(operator.get(f"{place}file/").streaming_content)  # type: ignore[attr-defined]
        assert admin.get(f"{place}file/").status_code == 404

    def test_a_token_without_the_right_to_reveal_gets_no_numbers(
        self, api: Callable[..., APIClient], pool: Pool, alice: Member
    ) -> None:
        client = api("operator", scopes=["members.export"])
        given = {"query": "", "purpose": "legal", "reason": "监管检查", "full": True}
        assert client.post("/api/exports/", given).status_code == 403


RISKY = ["=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "＋1", "－1+2", "＠SUM", " =1", "\u00a0=1",
         "\u200b=1", "\ufeff=1", "\u3000=1", "|cmd", "%0A=1", "−2+3"]  # fmt: skip


class TestFormulas:
    @pytest.mark.parametrize("text", RISKY)
    def test_no_cell_begins_as_a_formula(self, text: str) -> None:
        assert safe(text) == "'" + text
        assert csv_text([Column("x")], [[text]]).lstrip('"').startswith("'")

    @pytest.mark.parametrize("text", ["-12.5", "+8613800000001", "王敏", "a=b", "3-2", "'=1", ""])
    def test_what_is_harmless_stays_as_it_is(self, text: str) -> None:
        assert safe(text) == text

    @pytest.mark.parametrize("text", RISKY)
    def test_a_workbook_holds_text(self, text: str) -> None:
        sheet = load_workbook(io.BytesIO(xlsx_bytes("x", [Column("x")], [[text]]))).active
        assert sheet is not None
        assert sheet["A2"].data_type in ("s", "n")
        assert sheet["A2"].data_type != "f"

    def test_amounts_are_in_the_currency_of_the_pool(self, pool: Pool, staff: dict[str, User], as_of: datetime) -> None:
        Pool.objects.update(currency="USD")
        pool.refresh_from_db()
        factories.member(pool, "x")
        book = done(asked(pool, staff["operator"], as_of, columns=["name", "amount"], form="xlsx"))
        sheet = load_workbook(exporting.path_of(book)).active
        assert sheet is not None
        assert sheet["B1"].value == "累计消费（US$）"
        assert sheet["B2"].number_format == '"US$"#,##0.00'

    def test_a_member_called_like_a_formula(self, pool: Pool, staff: dict[str, User], as_of: datetime) -> None:
        factories.member(pool, '=HYPERLINK("http://x")')
        export = done(asked(pool, staff["operator"], as_of, columns=["name"]))
        assert lines(export)[1] == ['\'=HYPERLINK("http://x")']
        book = done(asked(pool, staff["operator"], as_of, columns=["name"], form="xlsx"))
        with zipfile.ZipFile(exporting.path_of(book)) as archive:
            assert b"<f>" not in archive.read("xl/worksheets/sheet1.xml")
            assert "operator" in archive.read("docProps/core.xml").decode()

    def test_charts_too(self, rf: Any) -> None:
        from scrm.lib.charts import Chart, answer

        made = Chart("x", [Column("名称")], [("=1+1",)], {})
        text = b"".join(answer(rf.get("/"), made, "csv").streaming_content).decode()  # type: ignore[attr-defined]
        assert "'=1+1" in text
        sheet = load_workbook(io.BytesIO(answer(rf.get("/"), made, "xlsx").content)).active  # type: ignore[attr-defined]
        assert sheet is not None
        assert sheet["A2"].data_type == "s"
