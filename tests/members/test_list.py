"""The member list: what it finds, how it is narrowed, sorted and paged, what it costs."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Q
from django.test.utils import CaptureQueriesContext
from pyroaring import BitMap

from members import filters, listing, tagging, walking
from members.models import Consent, Member, MemberState, MemberTag, Tag, TagGroup
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/p/demo/members/"


def with_state(member, **fields):
    return MemberState.objects.create(member=member, pool_id=member.pool_id, **fields)


@pytest.fixture
def tag(pool):
    return Tag.objects.create(pool=pool, group=TagGroup.objects.create(pool=pool, name="价值"), name="高客单")


def shown(response):
    """Members' numbers in the order of the rows."""
    return [int(number) for number in re.findall(r'name="pick" value="(\d+)"', response.content.decode())]


@pytest.fixture
def names(login):
    """Names of the members an address shows."""
    client = login("operator")

    def ask(**params):
        return set(Member.objects.filter(pk__in=shown(client.get(LIST, params))).values_list("name", flat=True))

    return ask


def test_the_list_shows_members_with_masked_contacts(login, alice, bob):
    page = login("analyst").get(LIST)
    text = page.content.decode()
    assert page.status_code == 200
    assert set(shown(page)) == {alice.pk, bob.pk}
    assert "138****0001" in text
    assert "13800000001" not in text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("王", {"王敏", "王小敏", "大王"}),
        ("王敏", {"王敏"}),
        ("小敏", {"王小敏"}),
        ("ANN", {"Anna"}),
        ("敏王", set()),
        ("0007", {"Anna"}),  # the end of a phone
        ("00007", {"Anna"}),  # more digits than are kept in the clear
        ("00000007", {"Anna"}),
        ("10000007", set()),
        ("13900000007", {"Anna"}),
        ("+86 139-0000-0007", {"Anna"}),
        ("anna@EXAMPLE.com", {"Anna"}),
        ("VIP-1", {"大王"}),
        ("vip", set()),  # identities are found whole
        ("100%", set()),
    ],
)
def test_search_finds_names_by_their_pieces_and_identities_exactly(login, pool, other_pool, text, found):
    for name in ("王敏", "王小敏"):
        factories.member(pool, name)
    factories.member(pool, "大王", card="VIP-1")
    factories.member(pool, "Anna", phone="13900000007", email="anna@example.com")
    factories.member(other_pool, "王敏", phone="13900000007")
    page = login("operator").get(LIST, {"q": text})
    names = set(Member.objects.filter(pk__in=shown(page)).values_list("name", flat=True))
    assert names == found
    assert all(Member.objects.get(pk=number).pool_id == pool.pk for number in shown(page))


def test_a_members_number_finds_it(login, alice, bob):
    assert shown(login("operator").get(LIST, {"q": str(bob.pk)})) == [bob.pk]


def test_joined_days_are_days_of_the_pool(login, pool, as_of):
    late = factories.member(pool, "late", joined_at=as_of.replace(hour=15, minute=59))  # 23:59 in Shanghai
    factories.member(pool, "next", joined_at=as_of.replace(hour=16, minute=1))
    day = {"joined_min": "2026-11-01", "joined_max": "2026-11-01"}
    assert shown(login("operator").get(LIST, day)) == [late.pk]


# -- Filters --------------------------------------------------------------------------------------
@pytest.fixture
def crowd(pool, tag, as_of):
    a, b, c = (
        factories.member(pool, name, province="浙江", city=city) for name, city in (("a", "杭州"), ("b", "宁波"), ("c", "杭州"))
    )
    with_state(a, stage=1, rfm_group=7, order_count=5, amount_total=100_00, last_order_at=as_of)
    with_state(b, stage=3, rfm_group=1, order_count=1, amount_total=10_00, last_order_at=as_of - timedelta(days=200))
    tagging.add_tag(tag=tag, members=[b.pk], actor=None, as_of=as_of)
    return a, b, c


def test_filters_narrow_and_a_member_without_state_is_a_lead(names, crowd, tag, as_of):
    assert names(stage=["1"]) == {"a"}
    assert names(stage=["1", "3"]) == {"a", "b"}
    assert names(stage=["0"]) == {"c"}
    assert names(rfm=["7"]) == {"a"}
    assert names(rfm=["none"]) == {"c"}
    assert names(tag=[str(tag.pk)]) == {"b"}
    assert names(tag_not=[str(tag.pk)]) == {"a", "c"}
    assert names(city=["杭州"]) == {"a", "c"}
    assert names(city=["杭州"], stage=["1"]) == {"a"}
    assert names(orders_min="1") == {"a", "b"}
    assert names(orders_max="1") == {"b", "c"}
    assert names(amount_min="50") == {"a"}
    assert names(last_min=f"{as_of:%Y-%m-%d}") == {"a"}


def test_any_all_and_none_of_some_tags(names, crowd, pool, tag, as_of):
    other = Tag.objects.create(pool=pool, group=tag.group, name="价格敏感")
    tagging.add_tag(tag=other, members=[row.pk for row in crowd[:2]], actor=None, as_of=as_of)  # a: other; b: both; c: none
    both = [str(tag.pk), str(other.pk)]
    assert names(tag=both) == {"a", "b"}
    assert names(tag_all=both) == {"b"}
    assert names(tag_not=both) == {"c"}
    assert names(tag=[str(other.pk)], tag_not=[str(tag.pk)]) == {"a"}


def test_identities_consents_owners_and_birthdays(names, pool, staff, monkeypatch, as_of):
    monkeypatch.setattr("scrm.lib.clock.now", lambda: as_of)  # the 1st of November 2026, afternoon in Shanghai
    a = factories.member(pool, "a", phone="13800000001", birthday="1996-11-01", owner=staff["operator"])
    factories.member(pool, "b", email="b@example.com", birthday="1996-11-02")
    factories.member(pool, "c", birthday="2000-02-29")
    Consent.objects.create(member=a, carrier="sms", purpose="marketing", granted=True, at=as_of, source="t")
    assert names(identity=["phone"]) == {"a"}
    assert names(identity=["phone", "email"]) == {"a", "b"}
    assert names(identity_not=["phone"]) == {"b", "c"}
    assert names(consent=["sms"]) == {"a"}
    assert names(consent=["sms-no"]) == set()
    assert names(owner=[str(staff["operator"].pk)]) == {"a"}
    assert names(owner=["none"]) == {"b", "c"}
    assert names(birthday=["today"]) == {"a"}
    assert names(birthday=["week"]) == {"a", "b"}
    assert names(birthday=["m2"]) == {"c"}
    assert names(age_min="30") == {"a"}  # thirty today; b tomorrow
    assert names(age_max="29") == {"b", "c"}
    assert names(age_min="26", age_max="26") == {"c"}


@pytest.mark.parametrize(
    ("params", "sentence"),
    [
        ({"stage": "99"}, "筛选「生命周期」里没有「99」"),
        ({"tag": "a"}, "里没有「a」"),
        ({"orders_min": "x"}, "筛选「订单数」要填整数，「x」不是"),
        ({"joined_max": "never"}, "要填日期"),
        ({"amount_min": "1e400"}, "要填数字"),
        ({"age_min": "9" * 30}, "要填整数"),
        ({"segment": "9" * 30}, "筛选「分群」里没有"),
        ({"segment": "x"}, "筛选「分群」里没有「x」"),
        ({"sort": "name; drop"}, "不能按「name; drop」排序"),
    ],
)
def test_a_value_nobody_knows_is_said_and_selects_nobody(login, alice, params, sentence):
    page = login("operator").get(LIST, params)
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert shown(page) == ([] if "sort" not in params else [alice.pk])


def test_nonsense_in_the_address_breaks_nothing(login, alice):
    client = login("operator")
    for params in ({"after": "x~y"}, {"before": "~~"}, {"after": "2026~1"}, {"view": "z"}, {"columns": "no.such"}):
        assert client.get(LIST, params).status_code == 200, params
        assert client.get(LIST + "count/", params).status_code == 200, params
        assert client.get(LIST + "filters/", params).status_code == 200, params


def test_blank_parts_of_an_address_go(login, alice):
    client = login("operator")
    assert client.get(LIST, {"q": "", "stage": "1", "age_min": ""})["Location"] == LIST + "?stage=1"
    assert client.get(LIST, {"q": "", "stage": "1"}, headers={"HX-Request": "true"})["HX-Push-Url"] == LIST + "?stage=1"


def test_a_chip_leads_to_where_its_condition_is_changed(login, alice):
    text = login("operator").get(LIST, {"stage": "1", "gender": "1"}).content.decode()
    assert 'popovertarget="f-stage"' in text
    assert "filters/?stage=1&amp;gender=1&amp;at=gender" in text


def test_the_panel_knows_what_the_address_says_and_keeps_what_it_has_no_control_for(login, crowd, tag):
    text = (
        login("operator")
        .get(LIST + "filters/", {"tag_all": tag.pk, "orders_min": "2", "sort": "-amount", "q": "x"})
        .content.decode()
    )
    assert re.search(rf'name="tag_all" value="{tag.pk}" checked', text)
    assert re.search(r'name="orders_min" value="2"', text)
    assert '<input type="hidden" name="sort" value="-amount">' in text
    assert '<input type="hidden" name="q" value="x">' in text


def test_upper_apps_add_filters(login, alice, bob, monkeypatch):
    monkeypatch.setattr(filters.extras, "_items", {})

    def chosen(_pool, value):
        return BitMap([int(value)])

    filters.register("lot", "批次", chosen, lambda _pool, value: f"S{value}", options=lambda _pool: [(bob.pk, "Bobs")])
    client = login("operator")
    page = client.get(LIST, {"lot": bob.pk})
    assert shown(page) == [bob.pk]
    assert f"批次: S{bob.pk}" in page.content.decode()
    assert shown(client.get(LIST, {"lot": "8"})) == []
    assert shown(client.get(LIST, {"lot": bob.pk, "q": "alice"})) == []
    assert "Bobs" in client.get(LIST + "filters/").content.decode()


def test_rooms_offer_facets_and_columns_of_a_pool(login, pool, alice, bob, monkeypatch):
    from members import columns

    facet = filters.Text("a_hobby", "爱好", lambda text, _pool: Q(attributes__hobby=text), group="attributes")
    column = columns.Column("a_hobby", "爱好", lambda _pool, members: {row.pk: row.attributes.get("hobby") for row in members})
    monkeypatch.setattr(filters, "providers", [lambda _pool: [facet]])
    monkeypatch.setattr(columns, "providers", [lambda _pool: [column]])
    Member.objects.filter(pk=bob.pk).update(attributes={"hobby": "钓鱼"})
    page = login("operator").get(LIST, {"a_hobby": "钓鱼", "columns": "a_hobby.stage"})
    assert shown(page) == [bob.pk]
    assert re.search(r"<th[^>]*>爱好</th>", page.content.decode())
    assert re.search(r"<td>钓鱼\s*</td>", page.content.decode())


def test_what_a_list_page_costs(login, pool, tag, as_of):
    """The frame's own (session, user, jobs) is not counted; each of the list's has its reason."""
    client = login("operator")
    for number in range(60):
        member = factories.member(pool, f"m{number}", phone=f"1380000{number:04}")
        with_state(member)
        MemberTag.objects.create(member=member, tag=tag, at=as_of)
    client.get(LIST)
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST, {"stage": "0", "q": "m"}, headers={"HX-Request": "true"})
    own = [query["sql"] for query in queries if "members_" in query["sql"]]
    kinds = [
        "members_poolaccess",  # may this user enter
        "members_listsettings",  # which tab first, which columns
        "members_savedview",  # the tabs, one of which may be changed now
        "members_identity",  # is the text an identity
        "EXPLAIN",  # how many in the pool, about: may the order be walked
        "EXPLAIN",  # how many, about
        "members_member",  # no: the set of those who match
        "members_member",  # their order
        "members_member",  # the page with state and channel
        "members_attributefield",  # columns of the pool's own
        "members_identity",  # contacts of the page
        "members_membertag",  # tags of the page
    ]
    assert len(own) == len(kinds), "\n".join(own)
    assert all(kind in query for kind, query in zip(kinds, own, strict=True)), "\n".join(own)


def test_the_exact_count_follows(login, alice, bob):
    page = login("operator").get(LIST + "count/", {"q": "alice"})
    assert "共 1 位" in page.content.decode()
    assert 'data-total="1"' in page.content.decode()


def test_a_large_set_is_counted_as_a_small_one(pool, alice, bob, monkeypatch):
    asked = listing.Asked(pool, sets=[BitMap([alice.pk, bob.pk, 999_999])])
    assert asked.count() == 2
    monkeypatch.setattr(walking, "LARGE", 0)
    assert asked.count() == 2


def test_the_palette_finds_members_of_this_pool_only(login, other_pool, alice):
    factories.member(other_pool, "Alice Other")
    text = login("analyst").get(LIST + "search/", {"q": "alice"}).content.decode()
    assert f"/p/demo/members/{alice.pk}/" in text
    assert "Other" not in text
    assert "13800000001" not in text
    assert login("analyst").get(LIST + "search/", {"q": " "}).content.decode().strip() == ""
