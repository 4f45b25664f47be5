"""Files become members and orders: identities, keys, repeats, refusals."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from members import identities
from members.models import Identity, ImportReject, ImportRun, Member, Order, OrderLine, Product, TouchedMember

pytestmark = pytest.mark.django_db
Bring = Callable[..., dict[str, int]]

PEOPLE = ["手机号", "邮箱", "会员卡号", "姓名", "性别", "生日", "城市", "注册时间"]
ORDERS = ["订单号", "手机号", "下单时间", "实付金额", "订单状态", "退款金额"]


def owner(pool: Any, kind: str, value: str) -> Member:
    return Member.objects.get(
        identities__pool=pool, identities__kind=kind, identities__value_hash=identities.fingerprint(kind, value)
    )


def test_members_arrive_with_sealed_identities(bring_in: Bring, pool: Any) -> None:
    counts = bring_in(
        "members", PEOPLE, ["+86 138 0000 0001", "A@Example.com", "C1", "张三", "男", "1990-05-06", "上海", "2026/3/4 5:06"]
    )
    assert (counts["new"], counts["refused"]) == (1, 0)
    found = owner(pool, "phone", "13800000001")
    assert found == owner(pool, "email", "a@example.com") == owner(pool, "card_no", "C1")
    assert (found.name, found.gender, found.birthday, found.city) == ("张三", Member.Gender.MALE, date(1990, 5, 6), "上海")
    assert found.joined_at == datetime(2026, 3, 3, 21, 6, tzinfo=UTC)
    phone = Identity.objects.get(kind="phone")
    assert (phone.value, phone.hint, phone.tail, identities.plain(phone)) == ("", "138****0001", "0001", "13800000001")
    assert TouchedMember.objects.filter(member=found).exists()


def test_the_same_file_again_changes_nothing(bring_in: Bring, pool: Any) -> None:
    rows = [PEOPLE, ["13800000001", "a@b.cn", "C1", "张三", "", "", "", ""], ["13800000002", "", "C2", "李四", "", "", "", ""]]
    orders = [
        ORDERS,
        ["N1", "13800000001", "2026-10-01 10:00", "12.50", "交易成功", ""],
        ["N2", "13900000009", "2026-10-02", "1", "", ""],
    ]
    assert bring_in("members", *rows)["new"] == 2
    assert bring_in("orders", *orders)["new"] == 2
    before = list(Order.objects.order_by("id").values()), list(Member.objects.order_by("id").values())
    TouchedMember.objects.all().delete()
    again = bring_in("members", *rows), bring_in("orders", *orders)
    assert [(each["new"], each["updated"], each["unchanged"]) for each in again] == [(0, 0, 2), (0, 0, 2)]
    assert before == (list(Order.objects.order_by("id").values()), list(Member.objects.order_by("id").values()))
    assert not TouchedMember.objects.exists()
    rows[1][-2] = "杭州"
    assert bring_in("members", *rows)["updated"] == 1
    assert TouchedMember.objects.get().member == owner(pool, "card_no", "C1")


def test_an_order_of_a_stranger_makes_a_lead(bring_in: Bring, pool: Any) -> None:
    counts = bring_in(
        "orders",
        ORDERS,
        ["N1", "13800000001", "2026-10-01 10:00", "12.50", "", ""],
        ["N2", "13800000001", "2026-10-03", "8", "", ""],
    )
    assert (counts["new"], counts["leads"]) == (2, 1)
    lead = owner(pool, "phone", "13800000001")
    assert (lead.status, lead.joined_at) == (Member.Status.LEAD, datetime(2026, 10, 1, 2, tzinfo=UTC))
    assert sorted(lead.orders.values_list("amount", flat=True)) == [800, 1250]
    bring_in("members", PEOPLE, ["13800000001", "", "", "张三", "", "", "", ""])
    lead.refresh_from_db()
    assert (lead.status, lead.name) == (Member.Status.MEMBER, "张三")


def test_a_row_that_names_two_members_joins_them(bring_in: Bring, pool: Any) -> None:
    bring_in("members", ["手机号", "姓名"], ["13800000001", "张三"])
    bring_in("members", ["邮箱", "城市"], ["a@b.cn", "上海"])
    bring_in("orders", ["订单号", "邮箱", "下单时间", "金额"], ["N1", "a@b.cn", "2026-10-01", "10"])
    counts = bring_in("members", ["手机号", "邮箱", "会员卡号"], ["13800000001", "a@b.cn", "C1"])
    assert counts["merged"] == 1
    found = owner(pool, "phone", "13800000001")
    assert found == owner(pool, "email", "a@b.cn") == owner(pool, "card_no", "C1")
    assert found.merged_into is None
    assert found.orders.count() == 1
    assert Member.objects.filter(merged_into=None).count() == 1


def test_rows_of_one_file_chain_into_one_person(bring_in: Bring, pool: Any) -> None:
    counts = bring_in(
        "members",
        ["手机号", "邮箱", "会员卡号", "姓名"],
        ["13800000001", "", "", "张"],
        ["", "a@b.cn", "C1", "张三"],
        ["13800000001", "a@b.cn", "", ""],
        ["13800000002", "", "C2", "李四"],
    )
    assert (counts["new"], counts["repeated"]) == (2, 2)
    assert owner(pool, "phone", "13800000001").name == "张三"
    assert owner(pool, "phone", "13800000001") == owner(pool, "card_no", "C1")


def test_a_changed_order_is_updated_and_only_it(bring_in: Bring) -> None:
    rows = [
        ORDERS,
        ["N1", "13800000001", "2026-10-01 10:00", "12.50", "交易成功", ""],
        ["N2", "13800000002", "2026-10-02", "1", "", ""],
    ]
    bring_in("orders", *rows)
    TouchedMember.objects.all().delete()
    rows[1] = ["N1", "13800000001", "2026-10-01 10:00", "12.50", "退款成功", ""]
    counts = bring_in("orders", *rows)
    assert (counts["updated"], counts["unchanged"]) == (1, 1)
    order = Order.objects.get(number="N1")
    assert (order.status, order.refunded, order.net_amount) == (Order.Status.REFUNDED, 1250, 0)
    assert TouchedMember.objects.count() == 1


BAD = [
    ("missing_value", ["", "13800000001", "2026-10-01", "1", "", ""], "订单号"),
    ("missing_identity", ["N1", "", "2026-10-01", "1", "", ""], ""),
    ("bad_phone", ["N1", "1380000000", "2026-10-01", "1", "", ""], "手机号"),
    ("bad_phone", ["N1", "12000000001", "2026-10-01", "1", "", ""], "手机号"),
    ("bad_date", ["N1", "13800000001", "2026-02-30", "1", "", ""], "下单时间"),
    ("bad_date", ["N1", "13800000001", "yesterday", "1", "", ""], "下单时间"),
    ("future_date", ["N1", "13800000001", "2027-10-01", "1", "", ""], "下单时间"),
    ("ancient_date", ["N1", "13800000001", "0026-10-01", "1", "", ""], "下单时间"),
    ("bad_amount", ["N1", "13800000001", "2026-10-01", "1e5", "", ""], "实付金额"),
    ("negative_amount", ["N1", "13800000001", "2026-10-01", "-1", "", ""], "实付金额"),
    ("absurd_amount", ["N1", "13800000001", "2026-10-01", "99999999", "", ""], "实付金额"),
    ("unknown_value", ["N1", "13800000001", "2026-10-01", "1", "飞走了", ""], "订单状态"),
    ("refund_too_large", ["N1", "13800000001", "2026-10-01", "1", "", "2"], "退款金额"),
]


@pytest.mark.parametrize(("code", "row", "column"), BAD)
def test_a_bad_row_is_refused_and_the_others_go_in(bring_in: Bring, code: str, row: list[str], column: str) -> None:
    counts = bring_in("orders", ORDERS, ["GOOD", "13800000009", "2026-10-01", "1", "", ""], row)
    assert (counts["new"], counts["refused"]) == (1, 1)
    reject = ImportReject.objects.get()
    assert (reject.code, reject.column, reject.line, reject.row) == (code, column, 3, row)
    assert Order.objects.get().number == "GOOD"


def test_a_number_used_twice_in_a_file(bring_in: Bring) -> None:
    counts = bring_in(
        "orders",
        ORDERS,
        ["N1", "13800000001", "2026-10-01", "1", "", ""],
        ["N1", "13800000001", "2026-10-01", "1", "", ""],
        ["N1", "13800000001", "2026-10-01", "2", "", ""],
        ["N1", "13800000002", "2026-10-01", "1", "", ""],
    )
    assert (counts["new"], counts["repeated"], counts["conflicting"], counts["refused"]) == (1, 1, 2, 0)
    assert Order.objects.get().amount == 100
    assert list(ImportReject.objects.order_by("line").values_list("line", "code")) == [
        (4, "duplicate_in_file"),
        (5, "duplicate_in_file"),
    ]


def test_an_order_of_somebody_else_is_refused(bring_in: Bring) -> None:
    bring_in("orders", ORDERS, ["N1", "13800000001", "2026-10-01", "1", "", ""])
    counts = bring_in("orders", ORDERS, ["N1", "13800000002", "2026-10-01", "1", "", ""])
    assert (counts["new"], counts["conflicting"], counts["refused"]) == (0, 1, 0)
    assert ImportReject.objects.get().code == "other_member"


def test_lines_find_their_orders_and_products(bring_in: Bring, monkeypatch: pytest.MonkeyPatch) -> None:
    bring_in("orders", ORDERS, ["N1", "13800000001", "2026-10-01", "30", "", ""])
    bring_in("products", ["商品编码", "商品名", "品类", "标价"], ["S1", "奶粉", "母婴", "199.00"])
    rows = [
        ["订单号", "商品编码", "数量", "金额", "商品名"],
        ["N1", "S1", "2", "20", ""],
        ["N1", "S2", "1", "10", "新品"],
        ["N9", "S1", "1", "1", ""],
    ]
    counts = bring_in("lines", *rows)
    assert (counts["new"], counts["refused"]) == (2, 1)
    assert ImportReject.objects.get().code == "unknown_order"
    assert list(OrderLine.objects.order_by("n").values_list("n", "product__sku", "quantity", "amount")) == [
        (1, "S1", 2, 2000),
        (2, "S2", 1, 1000),
    ]
    assert Product.objects.get(sku="S2").name == "新品"
    TouchedMember.objects.all().delete()
    assert bring_in("lines", *rows)["unchanged"] == 2
    rows[2][3] = "11"
    assert bring_in("lines", *rows)["updated"] == 1
    assert not TouchedMember.objects.exists()  # nobody counts goods
    monkeypatch.setattr("members.touching._readers", [lambda pool_id: {"goods"}])
    rows[2][3] = "12"
    assert bring_in("lines", *rows)["updated"] == 1
    assert TouchedMember.objects.count() == 1


def test_a_check_counts_and_writes_nothing(upload: Callable[..., ImportRun], bring_in: Bring, as_of: datetime) -> None:
    from members.importing import pipeline

    bring_in("orders", ORDERS, ["N1", "13800000001", "2026-10-01", "1", "", ""], ["N2", "13800000001", "2026-10-01", "1", "", ""])
    before = Member.objects.count(), Order.objects.count(), Identity.objects.count()
    run = upload(
        "orders",
        ORDERS,
        ["N1", "13800000001", "2026-10-01", "1", "", ""],
        ["N2", "13800000001", "2026-10-01", "2", "", ""],
        ["N3", "13800000003", "2026-10-01", "2", "", ""],
        ["N4", "13800000003", "oops", "2", "", ""],
    )
    counts = pipeline.check(run, as_of=as_of)
    assert {key: counts[key] for key in ("rows", "new", "updated", "unchanged", "refused", "leads")} == {
        "rows": 4, "new": 1, "updated": 1, "unchanged": 1, "refused": 1, "leads": 1,
    }  # fmt: skip
    assert before == (Member.objects.count(), Order.objects.count(), Identity.objects.count())


def test_events_come_once(bring_in: Bring) -> None:
    from members.models import Event

    rows = [
        ["会员卡号", "事件类型", "时间", "页面"],
        ["C1", "view", "2026-10-01 10:00:01", "/a"],
        ["C1", "view", "2026-10-01 10:00:02", "/a"],
    ]
    assert bring_in("events", *rows)["new"] == 2
    assert bring_in("events", *rows)["unchanged"] == 2
    assert Event.objects.count() == 2


def test_a_shared_device_joins_nobody(bring_in: Bring, pool: Any) -> None:
    head = ["设备号", "手机号", "姓名"]
    bring_in("members", head, ["D1", "13800000001", "张三"], ["D1", "13800000002", "李四"], ["D2", "13800000001", "张三"])
    bring_in("members", head, ["D1", "13800000003", "王五"], ["D3", "", "赵六"], ["D1", "", ""])
    assert Member.objects.count() == 4
    assert owner(pool, "device_id", "D1") == owner(pool, "device_id", "D2") == owner(pool, "phone", "13800000001")
    assert owner(pool, "device_id", "D3").name == "赵六"
