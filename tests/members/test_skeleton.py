import pytest

from members.models import Identity, Member, Order
from tests import factories

pytestmark = pytest.mark.django_db


def test_an_order_has_the_same_key_whichever_member_it_is_looked_up_from(pool, alice, as_of):
    made = factories.order(alice, "A-1", as_of, 9900)
    assert Order.objects.get(id=made.id).number == "A-1"
    assert Order.objects.get(id=made.id).net_amount == 9900


def test_a_page_outside_every_pool_one_may_enter_does_not_exist(login, other_pool):
    assert login("admin").get(f"/p/{other_pool.slug}/jobs/").status_code == 404


def test_identities_are_sealed(alice):
    phone = Identity.objects.get(member=alice, kind="phone")
    assert b"13800000001" not in bytes(phone.sealed)
    assert phone.value == ""
    assert Member.objects.get().name == "Alice"
