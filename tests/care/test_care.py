"""Notes and tasks: on the page, in the list, over the API, and when two click at once."""

from datetime import date, timedelta

import pytest

from members import merging, timeline
from members.care import queries, services
from members.models import CareTask, Note
from scrm.lib.problems import Problem
from scrm.staff.models import AuditEntry

pytestmark = pytest.mark.django_db
HX = {"HX-Request": "true"}


@pytest.fixture
def task(alice, staff, as_of):
    return services.give_task(
        member=alice, text="回电", assignee=staff["marketer"], due_on=date(2026, 11, 3), actor=staff["operator"], as_of=as_of
    )


def test_a_note_appears_on_the_page_and_among_what_happened(login, alice):
    answer = login("operator").post(f"/p/demo/members/{alice.pk}/notes/new/", {"text": "喜欢<b>草莓</b>"}, headers=HX)
    assert "喜欢&lt;b&gt;草莓&lt;/b&gt;" in answer.content.decode()
    moments, _next = timeline.page(alice, kinds=["notes"])
    assert moments[0].title == "喜欢<b>草莓</b>"


@pytest.mark.parametrize("text", ["", "   ", "x" * 2001])
def test_an_empty_or_endless_note_is_refused_and_kept_in_the_form(login, alice, text):
    answer = login("operator").post(f"/p/demo/members/{alice.pk}/notes/new/", {"text": text}, headers=HX)
    assert answer.status_code == 200
    assert not Note.objects.exists()
    assert 'role="alert"' in answer.content.decode()


def test_pinned_notes_come_first(alice, staff, as_of):
    old = services.write_note(member=alice, text="旧", actor=staff["operator"], as_of=as_of - timedelta(days=9))
    services.write_note(member=alice, text="新", actor=staff["operator"], as_of=as_of)
    services.change_note(note=old, is_pinned=True, actor=staff["marketer"], as_of=as_of)
    assert [note.text for note in queries.notes_of(alice)] == ["旧", "新"]


def test_only_its_writer_rewords_a_note_and_removed_words_are_gone_from_the_trail(alice, staff, as_of):
    note = services.write_note(member=alice, text="秘密", actor=staff["operator"], as_of=as_of)
    with pytest.raises(Problem, match="只有写备注的人"):
        services.change_note(note=note, text="别的", actor=staff["marketer"], as_of=as_of)
    services.change_note(note=note, text="更正", actor=staff["operator"], as_of=as_of)
    services.remove_note(note=note, actor=staff["operator"])
    assert not Note.objects.exists()
    assert "秘密" not in str(list(AuditEntry.objects.values_list("data", flat=True)))


def test_a_task_reaches_its_colleague_and_is_done_once(login, alice, staff, task, as_of):
    page = login("marketer").get("/p/demo/tasks/").content.decode()
    assert "回电" in page
    assert "回电" not in login("operator").get("/p/demo/tasks/").content.decode()
    assert "回电" in login("operator").get("/p/demo/tasks/?whose=all").content.decode()
    first = services.finish_task(task=task, outcome="已约", actor=staff["marketer"], as_of=as_of)
    again = services.finish_task(task=task, outcome="别的", actor=staff["operator"], as_of=as_of + timedelta(hours=1))
    assert (first.outcome, again.outcome, again.done_by_id) == ("已约", "已约", staff["marketer"].pk)
    assert AuditEntry.objects.filter(action="task.done").count() == 1
    services.reopen_task(task=task, actor=staff["operator"])
    assert CareTask.objects.get().done_at is None


def test_a_task_is_done_from_the_list_and_one_comes_back_to_it(login, task):
    back = "/p/demo/tasks/?whose=all"
    answer = login("marketer").post(f"/p/demo/tasks/{task.id}/", {"act": "done", "place": "list", "back": back})
    assert answer.url == back
    away = login("marketer").post(f"/p/demo/tasks/{task.id}/", {"act": "reopen", "place": "list", "back": "https://evil.example"})
    assert away.url == "/p/demo/tasks/"


def test_somebody_outside_the_pool_is_given_nothing(alice, staff, other_pool, as_of):
    from tests import factories

    stranger = factories.user("x", other_pool, "operator")
    with pytest.raises(Problem, match="不在这个会员池"):
        services.give_task(member=alice, text="a", assignee=stranger, due_on=date(2026, 11, 3), actor=staff["admin"], as_of=as_of)


def test_pages_of_tasks_lose_and_repeat_none(pool, alice, staff, as_of):
    for day in (3, 3, 3, 4, 5):
        services.give_task(
            member=alice, text=f"{day}", assignee=staff["operator"], due_on=date(2026, 11, day), actor=staff["admin"], as_of=as_of
        )
    found, after = [], ""
    while True:
        rows, after = queries.as_page(queries.tasks(pool, whose="all", user=staff["admin"], is_done=False), after, size=2)
        found += [row.id for row in rows]
        if not after:
            break
    assert found == sorted(set(found))
    assert len(found) == 5


def test_counts_are_those_of_the_pools_day(pool, alice, staff, task):
    assert queries.counts(pool, staff["marketer"], date(2026, 11, 3)) == {"open": 1, "today": 1, "overdue": 0}
    assert queries.counts(pool, staff["marketer"], date(2026, 11, 4))["overdue"] == 1


def test_notes_and_tasks_follow_a_merge(pool, alice, bob, staff, as_of):
    services.write_note(member=bob, text="b", actor=staff["operator"], as_of=as_of)
    services.give_task(member=bob, text="b", assignee=staff["operator"], due_on=date(2026, 11, 3), actor=None, as_of=as_of)
    merging.merge_pairs(pool_id=pool.pk, pairs=[(alice.pk, bob.pk)], cause=merging.Cause("manual"), actor=None, as_of=as_of)
    assert Note.objects.get().member_id == CareTask.objects.get().member_id == alice.pk


def test_over_the_api(api, alice, staff, pool):
    client = api("operator")
    note = client.post("/api/notes/", {"member": alice.pk, "text": "API 备注"}, format="json")
    assert note.status_code == 201
    assert client.get(f"/api/notes/?member={alice.pk}").json()["results"][0]["text"] == "API 备注"
    made = client.post(
        "/api/tasks/",
        {"member": alice.pk, "text": "回访", "assignee": staff["operator"].username, "due_on": "2026-11-05"},
        format="json",
    )
    assert made.status_code == 201
    done = client.post(f"/api/tasks/{made.json()['id']}/done/", {"outcome": "好"}, format="json").json()
    assert (done["outcome"], bool(done["done_at"])) == ("好", True)
    assert client.get("/api/tasks/").json()["results"] == []
    assert client.delete(f"/api/notes/{note.json()['id']}/").status_code == 204
    assert (
        client.post(
            "/api/tasks/", {"member": alice.pk, "text": "x", "assignee": "nobody", "due_on": "2026-11-05"}, format="json"
        ).status_code
        == 404
    )
