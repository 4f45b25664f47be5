"""A batch over the API is answered item by item."""

import pytest

pytestmark = pytest.mark.django_db


def outcomes(answer):
    assert answer.status_code == 201, answer.json()
    return [row["outcome"] for row in answer.json()["results"]]


def test_members_item_by_item(api, alice):
    client = api("operator")
    items = [
        {"id:phone": "13800000001", "name": "Alice B"},
        {"id:phone": "13900000001", "name": "新人"},
        {"id:phone": "x", "name": "坏"},
        {"id:phone": "13900000001", "name": "新人"},
    ]
    assert outcomes(client.post("/api/members/batch/", {"items": items}, format="json")) == [
        "updated",
        "new",
        "refused",
        "repeated",
    ]
    assert outcomes(client.post("/api/members/batch/", {"items": items[:2]}, format="json")) == ["unchanged", "unchanged"]


def test_orders_item_by_item(api, alice):
    client = api("operator")
    order = {
        "number": "A-1",
        "id:phone": "13800000001",
        "placed_at": "2026-10-01T10:00:00+08:00",
        "amount": 990,
        "status": "paid",
    }
    items = [order, {**order, "number": "A-2"}, {**order, "number": ""}]
    said = {"items": items, "channel": "pos"}
    assert outcomes(client.post("/api/orders/batch/", said, format="json")) == ["new", "new", "refused"]
    changed = {"items": [{**order, "amount": 880}, items[1]], "channel": "pos"}
    assert outcomes(client.post("/api/orders/batch/", changed, format="json")) == ["updated", "unchanged"]
