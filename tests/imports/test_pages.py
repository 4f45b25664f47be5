"""The wizard as people use it, and who may."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from members.models import ImportReject, ImportRun, Member, Order
from scrm.jobs import running
from tests.imports.conftest import csv_bytes

pytestmark = pytest.mark.django_db
ROWS = [
    ["订单号", "手机号", "下单时间", "金额", "状态"],
    ["N1", "13800000001", "2026-10-01", "12", "神秘状态"],
    ["=N2", "1380000", "2026-10-01", "12", "交易成功"],
    ["N3", "13800000003", "2026-10-02", "8", "交易成功"],
]


def post_file(client: Client, data: bytes, name: str = "orders.csv", kind: str = "orders", **extra: Any) -> Any:
    file = io.BytesIO(data)
    file.name = name
    return client.post("/p/demo/imports/new/", {"kind": kind, "channel": "1", "file": file, **extra})


def form_of(response: Any) -> dict[str, Any]:
    form = response.context["form"]
    return {name: value for name in form.fields if (value := form[name].value()) not in (None, "")}


def test_from_upload_to_corrected_rows(login: Callable[[str], Client], django_capture_on_commit_callbacks: Any) -> None:
    client = login("operator")
    assert client.get("/p/demo/imports/").status_code == 200
    assert client.get("/p/demo/imports/new/").status_code == 200
    answer = post_file(client, csv_bytes(*ROWS))
    run = ImportRun.objects.get()
    assert answer.url == f"/p/demo/imports/{run.pk}/map/"
    page = client.get(answer.url)
    assert "word:status:神秘状态" in page.context["form"].fields
    given = form_of(page) | {"word:status:神秘状态": "paid"}
    assert client.post(answer.url, given).url == f"/p/demo/imports/{run.pk}/"
    run.refresh_from_db()
    assert b"import-progress" in client.get(f"/p/demo/imports/{run.pk}/").content
    assert running.run(run.job_id, heart=False) == "done"
    page = client.get(f"/p/demo/imports/{run.pk}/").content.decode()
    assert "确认导入" in page
    assert "不是手机号" in page
    assert not Order.objects.exists()
    client.post(f"/p/demo/imports/{run.pk}/start/")
    run.refresh_from_db()
    running.run(run.job_id, heart=False)
    assert sorted(Order.objects.values_list("number", flat=True)) == ["N1", "N3"]
    download = b"".join(client.get(f"/p/demo/imports/{run.pk}/rejects.csv")).decode("utf-8-sig")
    assert "'=N2" in download
    assert "bad_phone" in download
    # Corrected in a spreadsheet and uploaded again: only that row is new.
    answer = post_file(client, download.replace("1380000,", "13800000002,").encode("utf-8-sig"), "corrected.csv")
    second = ImportRun.objects.latest("pk")
    client.post(answer.url, form_of(client.get(answer.url)))
    client.post(f"/p/demo/imports/{second.pk}/start/")
    second.refresh_from_db()
    running.run(second.job_id, heart=False)
    client.post(f"/p/demo/imports/{second.pk}/start/")
    second.refresh_from_db()
    running.run(second.job_id, heart=False)
    assert sorted(Order.objects.values_list("number", flat=True)) == ["=N2", "N1", "N3"]
    assert client.get("/p/demo/imports/").content.count(b"corrected.csv") >= 1


def test_a_file_that_cannot_be_read_says_why_and_leaves_nothing(login: Callable[[str], Client], tmp_path: Any) -> None:
    client = login("operator")
    answer = post_file(client, b"%PDF-1.7 not a table", "orders.csv")
    assert answer.status_code == 422
    assert "文件内容与扩展名不符" in answer.content.decode()
    assert not ImportRun.objects.exists()
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_the_same_file_is_recognised(login: Callable[[str], Client]) -> None:
    client = login("operator")
    for _ in range(2):
        answer = post_file(client, csv_bytes(ROWS[0], ROWS[3]))
        run = ImportRun.objects.latest("pk")
        page = client.get(answer.url).content.decode()
        client.post(f"/p/demo/imports/{run.pk}/start/")
        run.refresh_from_db()
        running.run(run.job_id, heart=False)
    assert "已经导入过" in page
    assert ImportRun.objects.latest("pk").counts["unchanged"] == 1


@pytest.mark.parametrize(
    ("role", "see", "do"), [("admin", 200, 302), ("operator", 200, 302), ("marketer", 200, 403), ("analyst", 200, 403)]
)
def test_who_may(login: Callable[[str], Client], upload: Any, role: str, see: int, do: int) -> None:
    run = upload("orders", *ROWS)
    client = login(role)
    ImportReject.objects.create(run=run, line=3, code="bad_phone", column="手机号", row=["=N2", "13811112222x"])
    for path in ("", f"{run.pk}/"):
        page = client.get(f"/p/demo/imports/{path}")
        assert page.status_code == see
    # Refused rows show what was sent: only to those who may upload it again.
    assert ("13811112222x" in page.content.decode()) is (do == 302)
    assert client.get(f"/p/demo/imports/{run.pk}/rejects.csv").status_code == (200 if do == 302 else 403)
    assert client.get(f"/p/demo/imports/{run.pk}/progress/").status_code in (200, 204)
    assert client.get("/p/demo/imports/new/").status_code == (200 if do == 302 else 403)
    assert client.get(f"/p/demo/imports/{run.pk}/map/").status_code == (200 if do == 302 else 403)
    for act in ("check", "start", "pause", "cancel", "reread"):
        assert client.post(f"/p/demo/imports/{run.pk}/{act}/", {"encoding": "utf-8", "delimiter": ","}).status_code == do, act


def test_another_pool_is_not_there(login: Callable[[str], Client], upload: Any, other_pool: Any) -> None:
    run = upload("orders", *ROWS)
    ImportRun.objects.update(pool=other_pool)
    client = login("admin")
    for path in ("", "map/", "progress/", "rejects.csv"):
        assert client.get(f"/p/demo/imports/{run.pk}/{path}").status_code == 404
        assert client.get(f"/p/other/imports/{run.pk}/{path}").status_code == 404
    assert client.post(f"/p/demo/imports/{run.pk}/start/").status_code == 404
    assert not Member.objects.exists()
    assert not ImportReject.objects.exists()
