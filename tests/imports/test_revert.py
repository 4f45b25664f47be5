"""An import taken back: what it made goes, what it changed gets its old values, what changed since stays and is listed."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from members import merging
from members.importing import journal, pipeline, revert
from members.models import Event, Identity, ImportRun, Member, Order, OrderLine, Product, TouchedMember
from scrm.lib import sql
from tests.imports.conftest import Import, back

MEMBERS = ["手机号", "会员卡号", "姓名", "城市"]
ORDERS = ["订单号", "手机号", "下单时间", "实付金额", "订单状态", "退款金额"]
LINES = ["订单号", "商品编码", "行号", "数量", "金额", "商品名"]


def everything() -> dict[str, Any]:
    """All facts, by what they say."""
    return {
        "members": sorted(Member.objects.values_list("name", "city", "status", "attributes", "merged_into")),
        "identities": sorted(Identity.objects.values_list("kind", "hint", "member__name")),
        "orders": sorted(Order.objects.values_list("number", "amount", "status", "refunded", "placed_at")),
        "lines": sorted(OrderLine.objects.values_list("order_id", "n", "product__sku", "quantity", "amount")),
        "products": sorted(Product.objects.values_list("sku", "name", "category", "price")),
        "events": sorted(Event.objects.values_list("kind", "occurred_at")),
    }


def listed(run: ImportRun) -> list[tuple[str, str, str]]:
    return sorted(revert.leftovers(run).values_list("label", "name", "reason"))


@pytest.mark.django_db
def test_what_was_created_goes(importing: Import, as_of: datetime) -> None:
    before = everything()
    people = importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"], ["13800000002", "C2", "乙", "北京"])
    assert len(everything()["members"]) == 2
    counts = back(people, as_of)
    assert everything() == before
    assert (counts["members_removed"], counts["identities_removed"], counts["left"]) == (2, 4, 0)
    assert not TouchedMember.objects.exists()
    people.refresh_from_db()
    assert people.status == ImportRun.Status.REVERTED
    mine = {"mine": f"journal_{people.pk}_%"}
    assert not sql.fetch("SELECT 1 FROM pg_tables WHERE tablename LIKE %(mine)s", mine)
    refusal = revert.revertable(people, as_of)
    assert refusal is not None
    assert refusal.code == "revert_done"


@pytest.mark.django_db
def test_orders_and_their_leads_go_and_changes_are_undone(importing: Import, as_of: datetime) -> None:
    importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"])
    importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "10", "交易成功", ""])
    before = everything()
    second = importing(
        "orders",
        ORDERS,
        ["A1", "13800000001", "2026-10-01", "10", "退款成功", "4"],
        ["A2", "13800000001", "2026-10-02", "20", "交易成功", ""],
        ["A3", "13900000009", "2026-10-03", "30", "交易成功", ""],
    )
    assert Order.objects.get(number="A1").refunded == 400
    counts = back(second, as_of)
    assert everything() == before
    assert (counts["orders_removed"], counts["orders_restored"], counts["members_removed"]) == (2, 1, 1)
    assert TouchedMember.objects.count() == 1


@pytest.mark.django_db
def test_what_changed_since_stays_and_is_listed(importing: Import, as_of: datetime) -> None:
    importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "10", "待付款", ""])
    second = importing(
        "orders",
        ORDERS,
        ["A1", "13800000001", "2026-10-01", "10", "交易成功", ""],
        ["A2", "13800000001", "2026-10-02", "20", "交易成功", ""],
        ["A3", "13800000002", "2026-10-02", "30", "交易成功", ""],
    )
    # Since: A1 was refunded, A2 too; A3 got a line.
    importing(
        "orders",
        ORDERS,
        ["A1", "13800000001", "2026-10-01", "10", "退款成功", "10"],
        ["A2", "13800000001", "2026-10-02", "20", "退款成功", "20"],
    )
    importing("lines", LINES, ["A3", "S1", "1", "1", "30", "茶"])
    before = everything()
    counts = back(second, as_of)
    assert everything() == before
    assert listed(second) == [
        ("members", "", "in_use"),
        ("orders", "A1", "changed"),
        ("orders", "A2", "changed"),
        ("orders", "A3", "in_use"),
    ]
    assert counts["left"] == 4
    assert revert.leftovers(second).get(name="A1").detail == {"fields": ["status"]}
    assert "members.Order" in revert.leftovers(second).get(label="members").detail["tables"]


@pytest.mark.django_db
def test_a_members_fields_go_back_one_by_one(importing: Import, upload: Any, as_of: datetime) -> None:
    importing("members", MEMBERS, ["13800000001", "", "甲", "上海"])
    Member.objects.update(attributes={"income": "low", "pets": "2"})
    run = upload("members", [*MEMBERS, "收入", "宠物"], ["13800000001", "C1", "甲甲", "北京", "high", "3"])
    run.mapping |= {"attr:income": "收入", "attr:pets": "宠物"}
    run.save()
    pipeline.run(run, as_of=as_of)
    run.finished_at = as_of
    member = Member.objects.get()
    assert (member.name, member.city, member.attributes) == ("甲甲", "北京", {"income": "high", "pets": "3"})
    # Since: a person corrected the city and one of the facts, and added another.
    Member.objects.update(city="广州", attributes={"income": "high", "pets": "4", "car": "yes"})
    counts = back(run, as_of)
    member.refresh_from_db()
    assert (member.name, member.city, member.attributes) == ("甲", "广州", {"income": "low", "pets": "4", "car": "yes"})
    assert list(Identity.objects.values_list("kind", flat=True)) == ["phone"]
    assert revert.leftovers(run).get().detail == {"fields": ["city", "pets"]}
    assert (counts["members_restored"], counts["identities_removed"]) == (1, 1)


@pytest.mark.django_db
def test_lines_stubs_products_and_events(importing: Import, as_of: datetime) -> None:
    importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "10", "交易成功", ""])
    importing("lines", LINES, ["A1", "S1", "1", "1", "10", "茶"])
    importing("products", ["商品编码", "商品名", "品类"], ["S1", "绿茶", "饮料"])
    before = everything()
    lines = importing("lines", LINES, ["A1", "S1", "1", "2", "8", "茶"], ["A1", "S2", "2", "1", "2", "杯"])
    products = importing("products", ["商品编码", "商品名", "标价"], ["S1", "红茶", "12"], ["S3", "壶", "90"])
    events = importing("events", ["手机号", "行为", "发生时间"], ["13800000001", "view", "2026-10-01 10:00"])
    for run in (events, products, lines):
        back(run, as_of)
    assert everything() == before


@pytest.mark.django_db
def test_a_product_edited_since_keeps_its_edit(importing: Import, as_of: datetime) -> None:
    importing("products", ["商品编码", "商品名", "品类"], ["S1", "绿茶", "饮料"])
    second = importing("products", ["商品编码", "商品名", "品类"], ["S1", "红茶", "酒水"], ["S2", "杯", ""])
    Product.objects.filter(sku="S1").update(category="茶叶")
    Product.objects.filter(sku="S2").update(name="大杯")
    back(second, as_of)
    assert sorted(Product.objects.values_list("sku", "name", "category")) == [("S1", "绿茶", "茶叶"), ("S2", "大杯", "")]
    assert listed(second) == [("products", "S1", "changed"), ("products", "S2", "changed")]


@pytest.mark.django_db
def test_a_merge_it_caused_is_undone(importing: Import, as_of: datetime) -> None:
    importing("members", MEMBERS, ["13800000001", "", "甲", "上海"], ["", "C2", "乙", "北京"])
    before = everything()
    joined = importing("members", MEMBERS, ["13800000001", "C2", "甲", "上海"])
    assert Member.objects.filter(merged_into=None).count() == 1
    counts = back(joined, as_of)
    assert counts["merges_undone"] == 1
    assert everything() == before


@pytest.mark.django_db
def test_members_merged_since_are_left(importing: Import, pool: Any, as_of: datetime) -> None:
    people = importing("members", MEMBERS, ["13800000001", "", "甲", "上海"], ["13800000002", "", "乙", "北京"])
    orders = importing("orders", ORDERS, ["A1", "13800000002", "2026-10-01", "10", "交易成功", ""])
    first, second = Member.objects.order_by("pk")
    merging.merge_pairs(pool_id=pool.pk, pairs=[(first.pk, second.pk)], cause=merging.Cause("manual"), actor=None, as_of=as_of)
    back(orders, as_of)
    assert Order.objects.count() == 1
    assert listed(orders) == [("orders", "A1", "merged")]
    back(people, as_of)
    assert Member.objects.count() == 2
    assert {reason for _label, _name, reason in listed(people)} == {"merged"}


@pytest.mark.django_db
def test_it_can_be_taken_back_for_a_day_only(importing: Import, as_of: datetime) -> None:
    people = importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"])
    assert revert.revertable(people, as_of + timedelta(hours=23, minutes=59)) is None
    late = revert.revertable(people, as_of + timedelta(hours=24))
    assert late is not None
    assert late.code == "revert_late"


@pytest.mark.django_db
def test_nothing_written_is_nothing_to_take_back(importing: Import, as_of: datetime) -> None:
    importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"])
    again = importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"])
    refusal = revert.revertable(again, as_of)
    assert refusal is not None
    assert refusal.code == "revert_nothing"


@pytest.mark.django_db
def test_a_crash_of_the_database_is_noticed(importing: Import, as_of: datetime) -> None:
    people = importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"])
    (volume,) = journal.volumes(people)
    sql.run(f"TRUNCATE {volume.name('members')}")
    refusal = revert.revertable(people, as_of)
    assert refusal is not None
    assert refusal.code == "revert_lost"


@pytest.mark.django_db
def test_points_of_orders_taken_back_are_taken_back(importing: Import, pool: Any, as_of: datetime) -> None:
    from loyalty import services as loyalty
    from loyalty.models import Account, Entry

    loyalty.save_rule(pool=pool, points=1, step=100, least=0, starts_at=as_of - timedelta(days=900), actor=None)
    orders = importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "10", "交易成功", ""])
    loyalty.earn_chunk(pool_id=pool.pk, as_of=as_of)
    assert Account.objects.get().balance == 10
    back(orders, as_of)
    assert not Order.objects.exists()
    assert [(entry.kind, entry.amount) for entry in Entry.objects.order_by("seq")] == [("earn", 10), ("clawback", -10)]
    assert listed(orders) == [("members", "", "in_use")]
    # The corrected file earns again.
    importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "12", "交易成功", ""])
    loyalty.earn_chunk(pool_id=pool.pk, as_of=as_of)
    assert Account.objects.get().balance == 12


# -- What comes in between -----------------------------------------------------------------------
@pytest.mark.django_db
@pytest.mark.parametrize("kind", ["products", "events"])
def test_what_somebody_else_brought_meanwhile_is_not_taken_out(
    importing: Import, pool: Any, as_of: datetime, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Between gathering and writing the same product, the same event arrives by another way."""
    from members.importing import targets

    importing("members", MEMBERS, ["13800000001", "", "甲", "上海"])
    write = targets.write

    def late(plan: Any, target: Any, *args: Any) -> None:
        if target is targets.PRODUCTS:
            Product.objects.create(pool=pool, sku="S1", name="绿茶")
        if target is targets.EVENTS:
            sql.run(
                f"INSERT INTO members_event (member_id, occurred_at, id, pool_id, kind)"
                f" SELECT member_id, occurred_at, id, {pool.pk}, kind FROM import_{plan.run.pk}_ready WHERE kind = 'view'"
            )
        write(plan, target, *args)

    monkeypatch.setattr(targets, "write", late)
    if kind == "products":
        run = importing("products", ["商品编码", "商品名"], ["S1", "绿茶"], ["S2", "杯"])
        assert (back(run, as_of)["products_removed"], list(Product.objects.values_list("sku", flat=True))) == (1, ["S1"])
    else:
        head = ["手机号", "行为", "发生时间"]
        run = importing("events", head, ["13800000001", "view", "2026-10-01 10:00"], ["13800000001", "click", "2026-10-01 10:00"])
        assert (back(run, as_of)["events_removed"], list(Event.objects.values_list("kind", flat=True))) == (1, ["view"])


@pytest.mark.django_db
def test_refunds_of_their_own_are_taken_back_with_what_they_did_to_orders(importing: Import, as_of: datetime) -> None:
    from members.models import Refund

    importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "10", "交易成功", ""])
    before = everything()
    mapping = {"number": "订单号", "refund": "退款编号", "refunded": "退款金额", "refunded_at": "退款时间"}
    run = importing(
        "refunds",
        list(mapping.values()),
        ["A1", "R1", "4", "2026-10-03"],
        ["A1", "R2", "6", "2026-10-04"],
        ["A9", "R3", "1", "2026-10-04"],
        mapping=mapping,
    )
    order = Order.objects.get()
    assert (order.status, order.refunded, Refund.objects.count()) == (Order.Status.REFUNDED, 1000, 3)
    counts = back(run, as_of)
    assert (counts["refunds_removed"], counts["orders_restored"], counts["left"]) == (3, 1, 0)
    assert everything() == before
    assert not Refund.objects.exists()


@pytest.mark.django_db
def test_an_identity_that_leads_elsewhere_by_now_is_left(importing: Import, pool: Any, as_of: datetime) -> None:
    from tests import factories

    importing("members", MEMBERS, ["13800000001", "", "甲", "上海"])
    second = importing("members", MEMBERS, ["13800000001", "C1", "", ""])
    other = factories.member(pool, "乙")
    Identity.objects.filter(kind="card_no").update(member=other)
    back(second, as_of)
    assert listed(second) == [("identities", "C1", "merged")]
    assert Identity.objects.get(kind="card_no").member_id == other.pk


@pytest.mark.django_db
def test_an_order_belongs_to_a_lead_until_the_member_is_known(importing: Import, as_of: datetime) -> None:
    """Orders first, members after: the lead the order made becomes the member; taking the members back leaves the lead."""
    importing("orders", ORDERS, ["A1", "13800000001", "2026-10-01", "10", "交易成功", ""])
    before = everything()
    people = importing("members", MEMBERS, ["13800000001", "C1", "甲", "上海"])
    assert Member.objects.get().status == Member.Status.MEMBER
    counts = back(people, as_of)
    assert everything() == before
    assert (counts["members_restored"], counts["identities_removed"]) == (1, 1)
