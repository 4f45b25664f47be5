"""Imports over the API, who may, and batches of items."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from members.importing import locks
from members.models import ImportReject, ImportRun, Member, Order
from scrm.jobs import running
from tests.imports.conftest import csv_bytes

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
ROWS = [["订单号", "手机号", "下单时间", "金额"], ["N1", "13800000001", "2026-10-01", "12"], ["N2", "oops", "2026-10-01", "12"]]


def send(client: APIClient, data: bytes | None = None) -> Any:
    file = io.BytesIO(data if data is not None else csv_bytes(*ROWS))
    file.name = "a.csv"
    return client.post("/api/imports/", {"file": file, "kind": "orders", "channel": "pos"}, format="multipart")


def test_the_four_steps(api: Api) -> None:
    client = api("operator")
    made = send(client)
    assert made.status_code == 201, made.data
    at = f"/api/imports/{made.data['id']}/"
    assert made.data["mapping"]["number"] == "订单号"
    assert client.put(f"{at}mapping/", {"mapping": made.data["mapping"], "options": {"unit": "fen"}}).status_code == 200
    assert client.post(f"{at}check/").status_code == 202
    running.run(ImportRun.objects.get().job_id, heart=False)
    assert client.get(at).data["counts"]["refused"] == 1
    assert not Order.objects.exists()
    client.post(f"{at}start/")
    running.run(ImportRun.objects.get().job_id, heart=False)
    assert client.get(at).data["status"] == "done"
    assert Order.objects.get().amount == 12
    (reject,) = client.get(f"{at}rejects/").data["results"]
    assert (reject["line"], reject["code"]) == (3, "bad_phone")
    assert len(client.get("/api/imports/").data["results"]) == 1


def test_refusals_have_code_and_sentence(api: Api) -> None:
    client = api("operator")
    answer = send(client, b"a,b\n")
    assert (answer.status_code, answer.data["code"]) == (422, "header_only")
    at = f"/api/imports/{send(client).data['id']}/"
    answer = client.put(f"{at}mapping/", {"mapping": {"number": "没有的列"}})
    assert (answer.status_code, answer.data["code"]) == (422, "columns_changed")
    client.put(f"{at}mapping/", {"mapping": {"number": "订单号"}})
    answer = client.post(f"{at}start/")
    assert (answer.status_code, answer.data["code"]) == (422, "missing_columns")


@pytest.mark.parametrize(
    ("role", "read", "write"), [("admin", 200, 201), ("operator", 200, 201), ("marketer", 200, 403), ("analyst", 200, 403)]
)
def test_who_may(api: Api, upload: Any, role: str, read: int, write: int) -> None:
    run = upload("orders", *ROWS)
    client = api(role)
    assert client.get(f"/api/imports/{run.pk}/").status_code == read
    assert client.get(f"/api/imports/{run.pk}/rejects/").status_code == (200 if write == 201 else 403)
    assert send(client).status_code == write
    assert client.post("/api/members/batch/", {"items": [{"id:phone": "13800000001"}]}).status_code == write
    assert api(role, scopes=["members.view"]).get(f"/api/imports/{run.pk}/").status_code == 403


def test_another_pool_is_not_there(api: Api, upload: Any, other_pool: Any) -> None:
    run = upload("orders", *ROWS)
    ImportRun.objects.update(pool=other_pool)
    client = api("admin")
    for act in ("", "rejects/"):
        assert client.get(f"/api/imports/{run.pk}/{act}").status_code == 404
    for act in ("check/", "start/"):
        assert client.post(f"/api/imports/{run.pk}/{act}").status_code == 404


def test_batches_of_items(api: Api) -> None:
    client = api("operator")
    people = [
        {"id:phone": "13800000001", "name": "张三", "attr:income": "20k"},
        {"name": "谁"},
        {},
        {"id:email": "a@b.cn", "name": "李四"},
    ]
    answer = client.post("/api/members/batch/", {"items": people})
    assert answer.status_code == 201, answer.data
    assert [(each["index"], each["code"]) for each in answer.data["refused"]] == [
        (1, "missing_identity"),
        (2, "missing_identity"),
    ]
    assert Member.objects.get(name="张三").attributes == {"income": "20k"}
    assert answer.data["counts"]["new"] == 2
    assert client.post("/api/members/batch/", {"items": people}).data["counts"]["unchanged"] == 2
    orders = [{"number": "N1", "id:phone": "13800000001", "placed_at": "2026-10-01T10:00:00+08:00", "amount": 1250}]
    assert client.post("/api/orders/batch/", {"items": orders, "channel": "app"}).data["counts"]["new"] == 1
    assert Order.objects.get().amount == 1250


def test_a_batch_is_bounded_and_names_strange_fields(api: Api) -> None:
    client = api("operator")
    answer = client.post("/api/members/batch/", {"items": [{"id:phone": "13800000001"}] * 1001})
    assert (answer.status_code, answer.data["code"]) == (422, "too_many_items")
    answer = client.post("/api/members/batch/", {"items": [{"telephone": "1"}]})
    assert (answer.status_code, answer.data["code"]) == (422, "unknown_field")
    assert not ImportReject.objects.exists()


def test_an_idempotency_key_answers_again(api: Api) -> None:
    client = api("operator")
    body = {"items": [{"id:phone": "13800000001"}]}
    first = client.post("/api/members/batch/", body, headers={"Idempotency-Key": "k1"})
    again = client.post("/api/members/batch/", body, headers={"Idempotency-Key": "k1"})
    assert first.data == again.data
    assert ImportRun.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_batch_does_not_wait_for_an_import(api: Api, pool: Any) -> None:
    import threading

    from django.db import connections

    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        with locks.importing(pool.pk):
            held.set()
            go.wait(120)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(120)
    answer = api("operator").post("/api/members/batch/", {"items": [{"id:phone": "13800000001"}]})
    go.set()
    thread.join()
    assert (answer.status_code, answer.data["code"]) == (409, "conflict")
