"""Who looks after a member and whose store is theirs, as columns of the member file."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from members.importing import pipeline, revert
from members.models import ImportReject, ImportSample, Member, OwnerChange, StaffProfile, Store
from members.ownership import services as ownership
from tests.imports.conftest import Import, back

pytestmark = pytest.mark.django_db
HEAD = ["会员卡号", "姓名", "归属员工", "归属门店"]


@pytest.fixture
def places(pool: Any, staff: Any, as_of: datetime) -> dict[str, Store]:
    """Two stores; the operator is also known by a WeCom account."""
    StaffProfile.objects.create(pool=pool, user=staff["operator"], wecom_userid="guide-01")
    made = [
        Store.objects.create(pool=pool, code=code, name=name, created_at=as_of)
        for code, name in (("XH", "徐汇店"), ("JA", "静安店"))
    ]
    return {store.code: store for store in made}


def stored() -> list[tuple[str, str | None, str | None]]:
    rows = Member.objects.values_list("name", "owner__username", "store__code")
    return sorted((name, plain(owner), store) for name, owner, store in rows)


def plain(username: str | None) -> str | None:
    return username.removesuffix("-demo") if username else None


def history() -> list[tuple[Any, ...]]:
    rows = OwnerChange.objects.order_by("id")
    found = rows.values_list("member__name", "from_user__username", "to_user__username", "how")
    return [(name, plain(before), plain(after), how) for name, before, after, how in found]


def test_they_are_given_to_whom_the_file_says(bring_in: Callable[..., Any], places: Any, staff: Any) -> None:
    bring_in("members", HEAD, ["C1", "甲", "GUIDE-01", "xh"], ["C2", "乙", "marketer", "静安店"], ["C3", "丙", "", ""])
    assert stored() == [("丙", None, None), ("乙", "marketer", "JA"), ("甲", "operator", "XH")]
    assert history() == [("甲", None, "operator", OwnerChange.How.IMPORT), ("乙", None, "marketer", OwnerChange.How.IMPORT)]
    again = bring_in("members", HEAD, ["C1", "甲", "operator", "XH"], ["C2", "乙", "", ""])
    assert (again["unchanged"], again["updated"]) == (2, 0)
    assert len(history()) == 2


def test_a_known_member_changes_hands_and_can_be_given_to_nobody(bring_in: Callable[..., Any], places: Any) -> None:
    bring_in("members", HEAD, ["C1", "甲", "operator", "XH"])
    counts = bring_in("members", HEAD, ["C1", "", "marketer", "JA"])
    assert (counts["updated"], stored()) == (1, [("甲", "marketer", "JA")])
    bring_in("members", HEAD, ["C1", "", "-", "无"])
    assert stored() == [("甲", None, None)]
    assert [row[1:3] for row in history()] == [(None, "operator"), ("operator", "marketer"), ("marketer", None)]


def test_the_last_row_about_a_person_decides(bring_in: Callable[..., Any], places: Any) -> None:
    bring_in("members", HEAD, ["C1", "甲", "operator", "XH"], ["C1", "甲", "marketer", ""])
    assert stored() == [("甲", "marketer", "XH")]
    assert len(history()) == 1


def test_unknown_names_refuse_the_row_and_say_so(bring_in: Callable[..., Any], places: Any, staff: Any) -> None:
    StaffProfile.objects.create(pool_id=places["XH"].pool_id, user=staff["analyst"], is_on_duty=False)
    rows = [["C1", "甲", "nobody", "XH"], ["C2", "乙", "analyst", ""], ["C3", "丙", "", "火星店"], ["C4", "丁", "operator", "XH"]]
    counts = bring_in("members", HEAD, *rows)
    assert (counts["new"], counts["refused"]) == (1, 3)
    said = ImportReject.objects.order_by("line").values_list("line", "column", "code")
    assert list(said) == [(2, "归属员工", "unknown_staff"), (3, "归属员工", "unknown_staff"), (4, "归属门店", "unknown_store")]
    assert not Store.objects.filter(code="火星店").exists()


def test_staff_nobody_knows_can_be_left_out(bring_in: Callable[..., Any], places: Any) -> None:
    bring_in("members", HEAD, ["C1", "甲", "operator", ""])
    bring_in("members", HEAD, ["C1", "甲二", "nobody", ""], unknown_staff="ignore")
    assert stored() == [("甲二", "operator", None)]


def test_stores_nobody_knows_can_be_made(importing: Import, places: Any, as_of: datetime) -> None:
    run = importing("members", HEAD, ["C1", "甲", "", "SH-009"], ["C2", "乙", "", "SH-009"], unknown_stores="create")
    made = Store.objects.get(code="SH-009")
    assert (made.is_registered, stored()) == (False, [("乙", None, "SH-009"), ("甲", None, "SH-009")])
    counts = back(run, as_of)
    assert (counts["stores_removed"], counts["members_removed"], counts["left"]) == (1, 2, 0)
    assert Store.objects.count() == 2


def test_a_made_store_that_is_used_since_stays(importing: Import, places: Any, as_of: datetime) -> None:
    run = importing("members", HEAD, ["C1", "甲", "", "SH-009"], unknown_stores="create")
    importing("orders", ["订单号", "会员卡号", "下单时间", "实付金额", "门店"], ["A1", "C1", "2026-10-01", "1", "SH-009"])
    back(run, as_of)
    assert Store.objects.filter(code="SH-009").exists()
    assert ("stores", "in_use") in set(revert.leftovers(run).values_list("label", "reason"))


def test_a_check_shows_who_changes_hands_and_makes_nothing(upload: Any, bring_in: Any, places: Any, as_of: datetime) -> None:
    bring_in("members", HEAD, ["C1", "甲", "operator", "XH"])
    run = upload("members", HEAD, ["C1", "甲", "marketer", "SH-009"], unknown_stores="create")
    assert pipeline.check(run, as_of=as_of)["updated"] == 1
    sample = ImportSample.objects.get(outcome="updated")
    assert sample.before == {"owner": "operator", "store": "XH"}
    assert (Store.objects.count(), len(history())) == (2, 1)


def test_taking_it_back_gives_them_back(importing: Import, places: Any, as_of: datetime) -> None:
    importing("members", HEAD, ["C1", "甲", "operator", "XH"])
    second = importing("members", HEAD, ["C1", "甲", "marketer", "JA"], ["C2", "乙", "marketer", "JA"])
    counts = back(second, as_of)
    assert (counts["members_restored"], counts["members_removed"], counts["left"]) == (1, 1, 0)
    assert stored() == [("甲", "operator", "XH")]
    assert [row[1:3] for row in history()] == [(None, "operator"), ("operator", "marketer"), ("marketer", "operator")]


def test_whoever_was_given_away_since_stays(importing: Import, pool: Any, staff: Any, places: Any, as_of: datetime) -> None:
    importing("members", HEAD, ["C1", "甲", "operator", ""])
    second = importing("members", HEAD, ["C1", "甲", "marketer", ""], ["C2", "乙", "marketer", ""])
    ids = list(Member.objects.values_list("pk", flat=True))
    ownership.assign(pool=pool, members=ids, to=staff["admin"], reason="新导购", actor=None, as_of=as_of)
    back(second, as_of)
    assert stored() == [("乙", "admin", None), ("甲", "admin", None)]
    assert len(revert.leftovers(second)) == 2


def test_other_files_leave_owners_alone(bring_in: Callable[..., Any], places: Any) -> None:
    bring_in("members", HEAD, ["C1", "甲", "operator", "XH"])
    bring_in("orders", ["订单号", "会员卡号", "手机号", "下单时间", "实付金额"], ["A1", "C1", "13800000001", "2026-10-01", "1"])
    assert stored() == [("甲", "operator", "XH")]
