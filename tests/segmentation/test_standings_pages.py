"""Pages and API of schemes: what they show, what they refuse."""

import json
from datetime import timedelta

import pytest

from members import usage
from members.models import MemberStanding, StateChange
from scrm.jobs.models import JobRun
from scrm.lib import clock
from segmentation.models import Scheme
from segmentation.recalculation import services
from segmentation.standings import queries
from segmentation.standings import services as standings
from tests import factories

pytestmark = pytest.mark.django_db
VALUE = {"measure": "total", "window_days": 365, "attribute": "", "cut": "carried", "head": 80, "waist": 95}
NAME = {"name": "价值层", "note": "按累计"}


@pytest.fixture
def scheme(pool, alice, bob):
    now = clock.now()
    factories.order(alice, "A1", now - timedelta(days=60), 9000)
    factories.order(bob, "B1", now - timedelta(days=50), 600)
    made = standings.save(pool=pool, family="value", name="价值层", settings=VALUE, actor=None)
    services.recalculate(pool=pool, as_of=now - timedelta(days=10))
    made.refresh_from_db()
    return made


def test_the_list_leads_to_every_scheme(login, scheme):
    page = login("marketer").get("/p/demo/segments/standings/").content.decode()
    assert "价值层" in page
    assert f"/p/demo/segments/standings/{scheme.pk}/" in page
    assert "头部" in page


def test_a_new_scheme_is_tried_and_saved(login, pool, alice):
    browser = login("admin")
    assert "复购阶梯" in browser.get("/p/demo/segments/standings/new/").content.decode()
    form = browser.get("/p/demo/segments/standings/new/?family=value")
    assert form.status_code == 200
    given = {"family": "value", **NAME, **VALUE}
    factories.order(alice, "A1", clock.now() - timedelta(days=1), 700)
    tried = browser.post("/p/demo/segments/standings/preview/", given)
    assert tried.status_code == 200
    assert "¥7" in tried.content.decode()
    assert not MemberStanding.objects.exists()
    saved = browser.post("/p/demo/segments/standings/new/", given)
    made = Scheme.objects.get()
    assert saved.url.endswith(f"/segments/standings/{made.pk}/")
    assert (made.name, made.settings["head"]) == ("价值层", 80)
    assert JobRun.objects.get(kind=standings.KIND).params == {"scheme": made.pk}


def test_wrong_settings_are_said_at_the_form(login, pool):
    given = {"family": "value", **NAME, **VALUE, "waist": 60}
    for url in ("preview/", "new/"):
        answer = login("admin").post(f"/p/demo/segments/standings/{url}", given)
        assert answer.status_code == 422
        assert "腰部的界限须大于头部" in answer.content.decode()


def test_evidence_is_kept_row_by_row(login, pool):
    rows = {"evidence-TOTAL_FORMS": 3, "evidence-INITIAL_FORMS": 0}
    rows |= {"evidence-0-step": 1, "evidence-0-source": "event", "evidence-0-kinds": ["view", "search"], "evidence-0-days": 30}
    rows |= {"evidence-1-step": 4, "evidence-1-source": "order", "evidence-1-amount": "99.5"}
    rows |= {"evidence-2-step": 2, "evidence-2-source": ""}
    login("admin").post("/p/demo/segments/standings/new/", {"family": "aipl", "name": "AIPL", "may_fall": "on", **rows})
    kept = Scheme.objects.get().settings
    assert kept["may_fall"] is True
    assert [
        (each["step"], each["source"], each["kinds"], each["times"], each["amount"], each["days"]) for each in kept["evidence"]
    ] == [
        (1, "event", ["view", "search"], 1, 0, 30),
        (4, "order", [], 1, 9950, 0),
    ]


@pytest.mark.parametrize("family", ["aipl", "usage", "ladder", "value"])
def test_every_family_has_a_form_that_gives_back_what_it_shows(login, pool, family):
    made = standings.save(pool=pool, family=family, name=family, settings={}, actor=None)
    page = login("admin").get(f"/p/demo/segments/standings/{made.pk}/edit/")
    form = page.context["form"]
    from segmentation.standings.forms import initial, settings_form

    data: dict[str, object] = {}
    shown = initial(family, made.settings)
    if family == "aipl":
        data = {"evidence-TOTAL_FORMS": len(shown["rows"]), "evidence-INITIAL_FORMS": 0, "may_fall": "on"}
        for n, row in enumerate(shown["rows"]):
            data |= {f"evidence-{n}-{key}": value for key, value in row.items() if value is not None}
    else:
        data = {key: value for key, value in shown.items() if value not in (False, None)}
    bound = settings_form(family)(pool, __import__("django.http").http.QueryDict(mutable=True))
    for key, value in data.items():
        bound.data.setlist(key, value if isinstance(value, list) else [value])
    bound = settings_form(family)(pool, bound.data)
    assert bound.is_valid(), bound.errors
    from segmentation.standings.families import checked

    assert checked(family, bound.document()).model_dump(mode="json") == made.settings
    assert form is not None


def test_the_page_shows_shares_people_and_what_is_missing(login, scheme, alice, bob):
    page = login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/").content.decode()
    assert "93.8%" in page  # 9000 of 9600
    only = login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/?code=2").content.decode()
    assert "Bob" in only
    assert "Alice" not in only
    assert "再增加" in only


def test_the_page_says_how_many_stand_nowhere_and_why(login, scheme, pool):
    factories.member(pool, "E1")
    page = login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/").content.decode()
    assert "另有 1 位会员不在任何一层：没有已支付订单。" in page


def test_a_scheme_nobody_is_in_says_so_instead_of_empty_tables(login, scheme, pool):
    made = standings.save(pool=pool, family="preferred_channel", name="渠道", settings={}, actor=None)
    services.recalculate(pool=pool, as_of=clock.now())
    page = login("marketer").get(f"/p/demo/segments/standings/{made.pk}/").content.decode()
    assert "全部 2 位会员都不符合：近 180 天收到的消息不到 1 条。" in page
    assert "期初 ＼ 期末" not in page


def test_of_many_classes_the_largest_movements_are_listed(login, pool, alice, bob):
    now = clock.now()
    hours = {alice: (9, 9, 21, 21, 21, 21, 21, 21), bob: (9,) * 8}
    for member, given in hours.items():
        for n, hour in enumerate(given):
            at = (now - timedelta(days=100 - 10 * n)).replace(hour=0, minute=0) + timedelta(hours=hour)
            factories.order(member, f"{member.pk}-{n}", at, 100)
    made = standings.save(pool=pool, family="preferred_hour", name="时段", settings={"least": 1, "strength": 1}, actor=None)
    for days in (85, 0):
        services.recalculate(pool=pool, as_of=now - timedelta(days=days))
    since = (now - timedelta(days=80)).date().isoformat()
    page = login("marketer").get(f"/p/demo/segments/standings/{made.pk}/?from={since}").content.decode()
    matrix = queries.migrations(made, now - timedelta(days=80), now)
    assert [n for _was, _end, n in queries.largest(matrix)] == [1]
    assert "期初 ＼ 期末" not in page


def test_migrations_between_two_days(login, api, scheme, alice, bob, pool):
    now = clock.now()
    factories.order(bob, "B2", now - timedelta(days=6), 100_000)
    services.recalculate(pool=pool, as_of=now - timedelta(days=5))
    days = {"from": (now - timedelta(days=8)).date(), "to": now.date()}
    page = login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/", days)
    matrix = page.context["matrix"]
    assert (matrix.rose, matrix.fell, matrix.moved, matrix.stayed) == (1, 1, 2, 0)
    told = api("marketer").get(f"/p/demo/api/schemes/{scheme.pk}/migrations/", days).json()
    assert sorted((m["from_code"], m["to_code"], m["members"]) for m in told["moves"]) == [(2, 3, 1), (3, 2, 1)]
    first = api("marketer").get(f"/p/demo/api/schemes/{scheme.pk}/migrations/", {"from": "2020-01-01", "to": days["from"]}).json()
    assert sorted((m["from_code"], m["to_code"]) for m in first["moves"]) == [(None, 2), (None, 3)]
    history = api("marketer").get(f"/p/demo/api/schemes/{scheme.pk}/history/").json()
    assert [day["sizes"] for day in history] == [{"2": 1, "3": 1}, {"2": 1, "3": 1}] or len(history) == 1


def test_a_scheme_in_use_is_not_put_away(login, scheme, monkeypatch):
    monkeypatch.setitem(usage._finders, standings.USED, [lambda pool_id, pk: [usage.Use("分群", "头部客户")]])
    login("admin").post(f"/p/demo/segments/standings/{scheme.pk}/archive/")
    scheme.refresh_from_db()
    assert scheme.is_active
    monkeypatch.undo()
    login("admin").post(f"/p/demo/segments/standings/{scheme.pk}/archive/")
    scheme.refresh_from_db()
    assert not scheme.is_active
    login("admin").post(f"/p/demo/segments/standings/{scheme.pk}/archive/")
    scheme.refresh_from_db()
    assert scheme.is_active


def test_readers_may_not_write(login, scheme):
    assert login("marketer").get(f"/p/demo/segments/standings/{scheme.pk}/").status_code == 200
    for url in ("new/", f"{scheme.pk}/edit/"):
        assert login("marketer").get(f"/p/demo/segments/standings/{url}").status_code == 403
    for url in (f"{scheme.pk}/run/", f"{scheme.pk}/archive/", "runs/again/"):
        assert login("marketer").post(f"/p/demo/segments/standings/{url}").status_code == 403


def test_the_recalculation_page_says_how_far_each_model_is(login, scheme):
    page = login("admin").get("/p/demo/segments/standings/runs/").content.decode()
    assert "归类并比对" in page
    assert "价值层" in page
    login("admin").post(f"/p/demo/segments/standings/{scheme.pk}/run/", {"next": "runs"})
    login("admin").post("/p/demo/segments/standings/runs/again/")
    assert set(JobRun.objects.values_list("kind", flat=True)) >= {standings.KIND, services.KIND}


def test_the_members_page_and_list_know_standings(login, scheme, alice, bob):
    tab = login("operator").get(f"/p/demo/members/{alice.pk}/panels/standings/").content.decode()
    assert "价值层" in tab
    assert "头部" in tab
    moments = login("operator").get(f"/p/demo/members/{alice.pk}/").content.decode()
    assert "– → 头部" in moments
    found = login("operator").get(f"/p/demo/members/?standing={scheme.pk}-2").content.decode()
    assert "Bob" in found
    assert "Alice" not in found


def test_charts_of_a_scheme(login, scheme):
    for name in ("standing_sizes", "standing_moves"):
        answer = login("marketer").get(f"/p/demo/charts/{name}.json?scheme={scheme.pk}&from=2020-01-01")
        assert answer.status_code == 200, name
        assert "option" in answer.json()
        assert login("marketer").get(f"/p/demo/charts/{name}.csv?scheme={scheme.pk}").status_code == 200


def test_programs_make_change_and_read_schemes(api, pool, alice):
    client = api("admin")
    factories.order(alice, "A1", clock.now() - timedelta(days=1), 700)
    families = {row["key"] for row in client.get("/p/demo/api/schemes/families/").json()}
    assert families >= {"aipl", "usage", "value", "ladder"}
    tried = client.post("/p/demo/api/schemes/preview/", {"family": "ladder", "settings": {"steps": 3}}, format="json").json()
    assert tried["members"] == 1
    made = client.post("/p/demo/api/schemes/", {"family": "ladder", "name": "阶梯", "settings": {"steps": 3}}, format="json")
    assert made.status_code == 201
    pk = made.json()["id"]
    refused = client.patch(f"/p/demo/api/schemes/{pk}/", {"settings": {"steps": 99}}, format="json")
    assert (refused.status_code, refused.json()["code"]) == (422, "bad_settings")
    changed = client.patch(f"/p/demo/api/schemes/{pk}/", {"settings": {"steps": 4}}, format="json").json()
    assert changed["settings"]["steps"] == 4
    assert changed["is_stale"]
    services.recalculate(pool=pool, as_of=clock.now())
    assert client.get(f"/p/demo/api/schemes/{pk}/distribution/").json()[-1]["members"] == 1
    assert client.get(f"/p/demo/api/schemes/{pk}/members/?code=1").json()["results"][0]["member"] == alice.pk
    stands = client.get(f"/p/demo/api/schemes/standings/?member={alice.pk}").json()
    assert [(row["scheme"], row["code"], row["value"]) for row in stands] == [(pk, 1, 1)]
    assert client.post(f"/p/demo/api/schemes/{pk}/run/").status_code == 202
    assert {row["name"] for row in client.get("/p/demo/api/schemes/steps/").json()} >= {"阶梯"}
    assert client.post(f"/p/demo/api/schemes/{pk}/archive/").json()["is_active"] is False
    assert client.post(f"/p/demo/api/schemes/{pk}/restore/").json()["is_active"] is True
    assert StateChange.objects.filter(kind=100 + pk).count() == 1


def test_pages_of_people_follow_each_other(scheme, pool, monkeypatch):
    monkeypatch.setattr(queries, "PAGE", 2)
    for n in range(5):
        member = factories.member(pool, f"P{n}")
        factories.order(member, f"P{n}", clock.now() - timedelta(days=20), 5)
    services.recalculate(pool=pool, as_of=clock.now())
    seen, after = [], ""
    while True:
        page = queries.people(scheme, as_of=clock.now(), after=after)
        seen += [row.row.member_id for row in page.rows]
        if not (after := page.next):
            break
    assert len(seen) == len(set(seen)) == 7
    assert json.dumps(seen)
