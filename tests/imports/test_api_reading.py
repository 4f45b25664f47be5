"""Over the API: presets, kept mappings, what a check saw, refused rows as a file, taking back."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from members.models import ImportRun, Order, SavedMapping
from scrm.jobs import running
from tests.imports.conftest import csv_bytes
from tests.imports.messy import FILES

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
TMALL = next(messy for messy in FILES if messy.preset == "tmall.orders")
HEAD = ["单号", "手机", "何时", "多少"]
MAPPING = {"number": "单号", "id:phone": "手机", "placed_at": "何时", "amount": "多少"}


def send(client: APIClient, data: bytes, **said: Any) -> Any:
    file = io.BytesIO(data)
    file.name = "a.csv"
    return client.post("/api/imports/", {"file": file, **said}, format="multipart")


def done(client: APIClient, at: str, act: str) -> Any:
    assert client.post(f"{at}{act}/").status_code == 202
    running.run(ImportRun.objects.get(pk=int(at.split("/")[-2])).job_id, heart=False)
    return client.get(at).data


def test_a_preset_says_what_a_file_is(api: Api) -> None:
    client = api("operator")
    listed = {each["key"]: each for each in client.get("/api/imports/presets/").data}
    assert listed["tmall.orders"]["sure"] is True
    assert listed["pos.orders"]["words"]["status"]["作废"] == "cancelled"
    made = send(client, TMALL.text.encode("gb18030"), preset="tmall.orders")
    assert (made.status_code, made.data["kind"], made.data["channel"], made.data["encoding"]) == (
        201,
        "orders",
        "tmall",
        "gb18030",
    )
    assert send(client, b"a,b\n1,2\n", preset="taobao").data["code"] == "no_such_preset"
    assert send(client, b"a,b\n1,2\n").data["code"] == "kind_or_preset"
    at = f"/api/imports/{made.data['id']}/"
    counts = done(client, at, "check")["counts"]
    assert (counts["new"], counts["refused"]) == (3, 4)
    samples = client.get(f"{at}samples/?outcome=new").data["results"]
    assert len(samples) == 3
    assert samples[0]["said"]["id:phone"] == "138****0011"
    assert {each["outcome"] for each in client.get(f"{at}samples/").data["results"]} >= {"new", "refused"}
    download = b"".join(client.get(f"{at}rejects.csv/")).decode("utf-8-sig")
    assert "unknown_value" in download
    again = send(client, download.replace("神秘状态", "交易成功").encode("utf-8-sig"), corrects=made.data["id"])
    assert again.data["mapping"] == made.data["mapping"]


def test_mappings_are_kept_used_renamed_and_forgotten(api: Api) -> None:
    client = api("operator")
    body = {"name": "日报", "kind": "orders", "channel": "pos", "mapping": MAPPING, "options": {"unit": "fen"}}
    made = client.post("/api/imports/mappings/", body, format="json")
    assert made.status_code == 201, made.data
    assert made.data["columns"] == HEAD
    answer = send(client, csv_bytes(HEAD, ["N1", "13800000001", "2026-10-01", "1250"]), mapping="日报")
    assert (answer.data["kind"], answer.data["mapping"], answer.data["options"]["unit"]) == ("orders", MAPPING, "fen")
    assert send(client, b"a,b\n1,2\n", mapping="无").data["code"] == "no_such_mapping"
    at = f"/api/imports/mappings/{made.data['id']}/"
    assert client.patch(at, {"name": "周报"}, format="json").data["name"] == "周报"
    assert [each["name"] for each in client.get("/api/imports/mappings/").data["results"]] == ["周报"]
    assert (
        client.post("/api/imports/mappings/", body | {"mapping": {"number": "单号"}}, format="json").data["code"]
        == "missing_columns"
    )
    assert client.delete(at).status_code == 204
    assert not SavedMapping.objects.exists()


def test_options_and_layout_are_told(api: Api) -> None:
    client = api("operator")
    text = "日报;;;\n单号;手机;何时;多少\nN1;13800000001;2026-10-01;1.250,5\n"
    made = send(client, text.encode(), kind="orders", channel="pos", delimiter=";", heading=2, options='{"decimal": ","}')
    assert (made.data["columns"], made.data["options"]["decimal"]) == (HEAD, ",")
    at = f"/api/imports/{made.data['id']}/"
    assert client.post(f"{at}reread/", {"heading": 1}, format="json").data["columns"] != HEAD
    client.post(f"{at}reread/", {"heading": 2}, format="json")
    client.put(f"{at}mapping/", {"mapping": MAPPING, "options": {"decimal": ","}}, format="json")
    assert done(client, at, "start")["status"] == "done"
    assert Order.objects.get().amount == 125050


def test_an_import_is_taken_back(api: Api) -> None:
    client = api("operator")
    made = send(client, TMALL.text.encode("gb18030"), preset="tmall.orders")
    at = f"/api/imports/{made.data['id']}/"
    assert client.post(f"{at}revert/").data["code"] == "revert_nothing"
    done(client, at, "start")
    assert Order.objects.count() == 3
    assert done(client, at, "revert")["status"] == "reverted"
    assert not Order.objects.exists()
    assert client.get(f"{at}leftovers/").data["results"] == []
    assert client.post(f"{at}revert/").data["code"] == "revert_done"


@pytest.mark.parametrize(("role", "write"), [("operator", 201), ("marketer", 403), ("analyst", 403)])
def test_who_may(api: Api, upload: Any, role: str, write: int) -> None:
    client = api(role)
    run = upload("orders", HEAD, ["N1", "13800000001", "2026-10-01", "1"])
    assert client.get("/api/imports/presets/").status_code == 200
    assert client.get("/api/imports/mappings/").status_code == 200
    body = {"name": "日报", "kind": "orders", "mapping": MAPPING}
    assert client.post("/api/imports/mappings/", body, format="json").status_code == write
    for act in ("samples", "rejects.csv"):
        assert client.get(f"/api/imports/{run.pk}/{act}/").status_code == (200 if write == 201 else 403)


def test_a_list_of_imports_asks_for_its_jobs_once(api: Api, upload: Any, django_assert_max_num_queries: Any) -> None:
    from members.importing import services

    client = api("operator")
    for number in range(6):
        run = upload(
            "members",
            ["手机"],
            ["手机", "姓名"],
            [f"1380000000{number}", "甲"],
            data=csv_bytes(["手机", "姓名"], [f"1380000000{number}", "甲"]),
        )
        services.start_check(run=run, actor=None)
    client.get("/api/imports/")
    with django_assert_max_num_queries(10):
        assert len(client.get("/api/imports/").data["results"]) == 6
