"""Setting the home store of many: by job, back to where each one belonged, and only to stores that are open."""

import pytest

from members.bulk import services
from members.bulk.acts import Asking, acts
from members.models import Member, Store
from scrm.jobs.models import JobRun
from scrm.jobs.running import run
from scrm.lib.problems import Problem
from tests import factories

pytestmark = pytest.mark.django_db
LIST = "/p/demo/members/"


@pytest.fixture
def shops(pool, as_of):
    return [Store.objects.create(pool=pool, code=f"S{n}", name=f"门店{n}", created_at=as_of) for n in (1, 2)]


@pytest.fixture
def begin(pool, staff, as_of):
    def start(whom, store):
        asking = Asking(pool, staff["operator"], as_of)
        return services.start(asking=asking, act=acts["home"], whom=whom, data={"store": str(store)})

    return start


def homes():
    return dict(Member.objects.order_by("pk").values_list("pk", "store_id"))


def test_they_go_back_to_where_each_belonged_unless_another_store_was_chosen_since(pool, begin, shops, staff, as_of):
    one, two, three, four = (factories.member(pool, f"m{n}").pk for n in range(4))
    Member.objects.filter(pk=one).update(store=shops[1])
    Member.objects.filter(pk=four).update(store=shops[0])
    bulk = begin(services.Whom(ids=(one, two, three, four)), shops[0].pk)
    assert set(homes().values()) == {shops[0].pk}
    assert bulk.changed == 3  # the fourth belonged there already
    Member.objects.filter(pk=three).update(store=shops[1])
    done = services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert (done.restored, done.kept) == (2, 1)
    assert homes() == {one: shops[1].pk, two: None, three: shops[1].pk, four: shops[0].pk}


def test_everybody_a_filter_finds_by_a_job_and_nobody_of_another_pool(pool, other_pool, begin, shops, staff, as_of):
    here, elsewhere = factories.member(pool, "a", province="浙江", city="杭州"), factories.member(other_pool, "b", city="杭州")
    factories.member(pool, "c", city="宁波")
    bulk = begin(services.Whom(query="city=杭州", everybody=True), shops[0].pk)
    assert run(bulk.job_id, heart=False) == "done", JobRun.objects.get(pk=bulk.job_id).error
    assert [pk for pk, store in homes().items() if store] == [here.pk]
    assert elsewhere.pk in homes()
    bulk.refresh_from_db()
    back = services.undo(bulk=bulk, actor=staff["operator"], as_of=as_of)
    assert run(back.undo_job_id, heart=False) == "done"
    assert not any(homes().values())


def test_none_takes_them_out_of_their_store(pool, begin, shops):
    member = factories.member(pool, "a")
    Member.objects.filter(pk=member.pk).update(store=shops[0])
    begin(services.Whom(ids=(member.pk,)), "none")
    assert homes() == {member.pk: None}


def test_only_an_open_store_of_the_pool(pool, other_pool, begin, shops, alice, as_of):
    foreign = Store.objects.create(pool=other_pool, code="S1", name="x", created_at=as_of)
    Store.objects.filter(pk=shops[1].pk).update(is_active=False)
    for store in (foreign.pk, shops[1].pk, "", "x"):
        with pytest.raises(Problem, match="请选择一家门店"):
            begin(services.Whom(ids=(alice.pk,)), store)
    assert not any(homes().values())


def test_the_bar_of_the_list_offers_it_to_those_who_may(login, alice, shops):
    form = login("operator").get(f"{LIST}bulk/form/home/")
    assert form.status_code == 200, form.content
    assert "门店1" in form.content.decode()
    client = login("operator")
    answer = client.post(f"{LIST}bulk/", {"action": "home", "home.store": str(shops[0].pk), "pick": str(alice.pk)})
    assert answer.status_code == 302
    assert homes()[alice.pk] == shops[0].pk
    refused = login("analyst").post(f"{LIST}bulk/", {"action": "home", "home.store": "none", "pick": str(alice.pk)})
    assert refused.status_code == 403
    assert homes()[alice.pk] == shops[0].pk
