"""What was changed by hand: old → new, who, when; sensitive values only for those who may see them."""

from datetime import date

import pytest

from members import people
from members.edits import queries
from members.models import AttributeField, Channel, TouchedMember

pytestmark = pytest.mark.django_db


def test_each_field_with_both_values(alice, staff, as_of):
    changes = {"name": "爱丽丝", "gender": 2, "birthday": date(1990, 5, 1), "channel_id": Channel.objects.get(code="pos").pk}
    people.edit_member(member=alice, changes=changes, actor=staff["operator"], as_of=as_of)
    (edit,) = queries.edits_of(alice, "operator")
    assert edit.actor == str(staff["operator"])
    told = {change.label: (change.old, change.new) for change in edit.changes}
    assert told["姓名"] == ("Alice", "爱丽丝")
    assert told["性别"] == ("未知", "女")
    assert told["生日"] == ("–", "1990-05-01")
    assert told["来源渠道"][1] == str(Channel.objects.get(code="pos"))


def test_own_fields_by_their_names_and_sensitive_ones_masked(pool, alice, staff, as_of):
    AttributeField.objects.create(pool=pool, key="income", label="收入", kind="number", is_sensitive=True, position=1)
    people.edit_member(member=alice, changes={"attributes": {"income": 5, "hobby": "钓鱼"}}, actor=staff["operator"], as_of=as_of)
    (edit,) = queries.edits_of(alice, "operator")
    assert {(change.label, change.old, change.new) for change in edit.changes} == {("收入", "–", "5"), ("hobby", "–", "钓鱼")}
    (hidden,) = queries.edits_of(alice, "analyst")
    assert ("收入", "••••", "••••") in {(change.label, change.old, change.new) for change in hidden.changes}


def test_identities_added_and_removed_are_among_them(alice, staff, as_of, login):
    people.add_identity(member=alice, kind="jd_pin", value="alice_jd", actor=staff["operator"], as_of=as_of)
    row = alice.identities.get(kind="jd_pin")
    people.remove_identity(member=alice, kind="jd_pin", value_hash=bytes(row.value_hash), actor=staff["operator"])
    assert {edit.title for edit in queries.edits_of(alice, "operator")} == {"添加身份标识", "移除身份标识"}
    page = login("analyst").get(f"/p/demo/members/{alice.pk}/panels/edits/").content.decode()
    assert "京东" in page
    assert "alice_jd" not in page


def test_others_edits_are_not_shown(alice, bob, staff, as_of):
    people.edit_member(member=bob, changes={"name": "鲍勃"}, actor=staff["operator"], as_of=as_of)
    assert queries.edits_of(alice, "operator") == []


def test_the_next_minute_run_looks_at_who_was_edited(alice, staff, as_of):
    given = {"member": alice, "actor": staff["operator"]}
    acts = (
        lambda: people.edit_member(changes={"city": "北京"}, as_of=as_of, **given),
        lambda: people.add_identity(kind="jd_pin", value="alice_jd", as_of=as_of, **given),
        lambda: people.remove_identity(kind="jd_pin", value_hash=bytes(alice.identities.get(kind="jd_pin").value_hash), **given),
    )
    for act in acts:
        TouchedMember.objects.all().delete()
        act()
        assert TouchedMember.objects.get().member_id == alice.pk
