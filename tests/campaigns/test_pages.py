"""Pages from the gallery to the results, and who may see them."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from campaigns import engine, launching, services
from campaigns.models import Campaign
from members.models import Pool
from scrm.lib import clock
from scrm.staff.models import User
from segmentation.models import Segment
from tests import factories
from tests.campaigns.conftest import segment_of
from touchpoints.models import Connector

Login = Callable[[str], Client]
HTMX = {"HX-Request": "true"}


def at(path: str = "") -> str:
    return f"/p/demo/campaigns/{path}"


@pytest.fixture
def marketer(login: Login) -> Client:
    return login("marketer")


@pytest.fixture
def running(draft: Campaign) -> Campaign:
    now = clock.now()
    launching.launch(campaign=draft, actor=None, as_of=now)
    engine.tick(now)
    draft.refresh_from_db()
    return draft


def text(response: Any) -> str:
    return response.content.decode()


def test_the_gallery_makes_a_draft_with_its_layers_and_audience(marketer: Client, pool: Pool) -> None:
    assert "沉睡会员挽留" in text(marketer.get(at("new/")))
    response = marketer.post(at("new/winback/"))
    made = Campaign.objects.get()
    assert response.url == f"/p/demo/campaigns/{made.pk}/edit/audience/"
    assert [layer.name for layer in made.layers.all()] == ["重要会员", "其余会员"]
    assert made.segment is not None
    assert made.segment.name == "沉默、睡眠或流失的老客"
    marketer.post(at("new/winback/"))
    assert Segment.objects.count() == 1  # the suggested segment is made once


def test_the_gallery_takes_the_segment_of_the_address(marketer: Client, segment: Segment) -> None:
    assert segment.name in text(marketer.get(at(f"new/?segment={segment.pk}")))
    marketer.post(at("new/blank/"), {"segment": segment.pk})
    assert Campaign.objects.get().segment == segment


@pytest.mark.parametrize("step", ["audience", "content", "control", "channel", "review"])
def test_every_step_of_the_wizard_opens(marketer: Client, draft: Campaign, step: str) -> None:
    page = text(marketer.get(at(f"{draft.pk}/edit/{step}/")))
    assert "可以发布了" in page


def test_a_step_saves_itself_and_answers_with_the_size(marketer: Client, draft: Campaign) -> None:
    given = {"name": "双周回归", "note": "", "segment": draft.segment_id, "goal_days": 7}
    page = text(marketer.post(at(f"{draft.pk}/edit/audience/"), given, headers=HTMX))
    assert "已自动保存" in page
    assert "40" in page
    assert "<html" not in page
    draft.refresh_from_db()
    assert (draft.name, draft.goal_days) == ("双周回归", 7)


def test_what_is_wrong_is_said_and_not_saved(marketer: Client, draft: Campaign) -> None:
    page = text(marketer.post(at(f"{draft.pk}/edit/control/"), {"holdout_percent": 90, "cost": "0"}, headers=HTMX))
    assert "50" in page
    assert "已自动保存" not in page
    draft.refresh_from_db()
    assert draft.holdout_percent == 25


def test_the_channel_step_takes_the_pools_clock(marketer: Client, draft: Campaign) -> None:
    given = {"connector": draft.connector_id, "start": "at", "scheduled_at": "2099-06-01T09:30"}
    marketer.post(at(f"{draft.pk}/edit/channel/"), given, headers=HTMX)
    draft.refresh_from_db()
    assert draft.scheduled_at is not None
    assert draft.scheduled_at.isoformat() == "2099-06-01T01:30:00+00:00"


def test_a_layer_saves_itself_with_a_preview_for_one_of_its_members(marketer: Client, draft: Campaign) -> None:
    layer = draft.layers.first()
    assert layer is not None
    given = {
        "name": "重要客户",
        "who": "rfm_champions",
        "subject": "Hello {{member.name}}",
        "body": "新品到店",
        "link": "https://a.example/",
    }
    page = text(marketer.post(at(f"{draft.pk}/layers/{layer.pk}/"), given, headers=HTMX))
    assert "Hello 会员" in page
    layer.refresh_from_db()
    assert (layer.name, layer.rule) == ("重要客户", {"fact": "rfm_group", "op": "in", "value": [7]})


def test_a_mistake_in_a_placeholder_is_named(marketer: Client, draft: Campaign) -> None:
    layer = draft.layers.first()
    assert layer is not None
    given = {"name": "重要", "who": "rest", "subject": "x", "body": "{{member.password}}", "link": ""}
    page = text(marketer.post(at(f"{draft.pk}/layers/{layer.pk}/"), given, headers=HTMX))
    assert "member.password" in page
    launch = marketer.post(at(f"{draft.pk}/launch/"))
    assert launch.status_code == 409


def test_layers_are_added_moved_and_removed(marketer: Client, draft: Campaign) -> None:
    marketer.post(at(f"{draft.pk}/layers/add/"))
    names = [layer.name for layer in draft.layers.all()]
    assert names == ["重要", "分层 3", "其余"]
    third = draft.layers.get(name="分层 3")
    marketer.post(at(f"{draft.pk}/layers/{third.pk}/move/up/"))
    assert [layer.name for layer in draft.layers.all()] == ["分层 3", "重要", "其余"]
    marketer.post(at(f"{draft.pk}/layers/{third.pk}/remove/"))
    assert [layer.name for layer in draft.layers.all()] == ["重要", "其余"]


def test_the_dry_run_shows_who_and_why_not(marketer: Client, draft: Campaign, pool: Pool) -> None:
    services.save(campaign=draft, actor=None, holdout_percent=0)
    nobody = factories.member(pool, "没有邮箱")
    page = text(marketer.get(at(f"{draft.pk}/dry-run/")))
    assert "没有可用地址" in page
    listed = text(marketer.get(at(f"{draft.pk}/dry-run/members/?reason=no_address")))
    assert nobody.name in listed
    assert "会员1" not in listed
    assert "会员1" in text(marketer.get(at(f"{draft.pk}/dry-run/members/")))


def test_monitor_and_results_of_a_running_campaign(marketer: Client, running: Campaign) -> None:
    page = text(marketer.get(at(f"{running.pk}/monitor/")))
    assert "every 2s" in page
    fragment = text(marketer.get(at(f"{running.pk}/monitor/"), headers=HTMX))
    assert "<html" not in fragment
    assert "campaign_run=" in page
    page = text(marketer.get(at(f"{running.pk}/results/")))
    assert "还不能下结论" in page
    assert "Newcombe" in page


def test_charts_answer_for_the_run(marketer: Client, running: Campaign) -> None:
    run = running.runs.get()
    for name in ("campaign_speed", "campaign_conversion", "campaign_funnel"):
        for form in ("json", "html", "csv", "xlsx"):
            assert marketer.get(f"/p/demo/charts/{name}.{form}?run={run.pk}").status_code == 200
    assert marketer.get("/p/demo/charts/campaign_funnel.json?run=0").status_code == 404


def test_pause_resume_cancel_by_their_buttons(marketer: Client, running: Campaign) -> None:
    for act, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert marketer.post(at(f"{running.pk}/{act}/")).status_code == 302
        running.refresh_from_db()
        assert running.status == status
    again = marketer.post(at(f"{running.pk}/pause/"))
    assert again.status_code == 409
    assert "不能暂停" in text(again)


def test_a_launched_campaign_refuses_to_be_edited(marketer: Client, running: Campaign) -> None:
    layer = running.layers.first()
    assert layer is not None
    given = {"name": "x", "who": "rest", "subject": "x", "body": "x", "link": ""}
    for path, data in (
        (f"{running.pk}/edit/audience/", {}),
        (f"{running.pk}/layers/{layer.pk}/", given),
        (f"{running.pk}/layers/add/", {}),
    ):
        response = marketer.post(at(path), data)
        assert response.status_code == 409
        assert "不能再修改" in text(response)


def test_clone_makes_a_draft_of_its_own(marketer: Client, running: Campaign) -> None:
    marketer.post(at(f"{running.pk}/clone/"))
    made = Campaign.objects.get(status="draft")
    assert made.salt != running.salt
    assert made.launched_at is None
    assert [(x.name, x.rule, x.content.body) for x in made.layers.all() if x.content] == [
        (x.name, x.rule, x.content.body) for x in running.layers.all() if x.content
    ]


def test_the_list_has_tabs_and_search(marketer: Client, draft: Campaign, running: Campaign) -> None:
    assert running.name in text(marketer.get(at()))
    assert "没有符合条件的活动" in text(marketer.get(at("?tab=finished")))
    assert running.name in text(marketer.get(at("?tab=open&q=回归")))
    assert "没有符合条件的活动" in text(marketer.get(at("?q=没有这个")))


GETS = ["", "new/", "{pk}/", "{pk}/edit/", "{pk}/dry-run/", "{pk}/monitor/", "{pk}/results/"]
POSTS = [
    "{pk}/launch/",
    "{pk}/pause/",
    "{pk}/resume/",
    "{pk}/cancel/",
    "{pk}/reopen/",
    "{pk}/clone/",
    "{pk}/discard/",
    "{pk}/retry/",
    "{pk}/layers/add/",
    "new/blank/",
]


@pytest.mark.parametrize("role", ["operator", "analyst"])
def test_who_only_looks_cannot_change(login: Login, draft: Campaign, role: str) -> None:
    client = login(role)
    for path in POSTS:
        assert client.post(at(path.format(pk=draft.pk))).status_code == 403
    for path in ("new/", f"{draft.pk}/edit/"):
        assert client.get(at(path)).status_code == 403
    for path in ("", f"{draft.pk}/dry-run/"):
        assert client.get(at(path)).status_code == 200
    assert Campaign.objects.get().status == "draft"


def test_another_pools_campaign_does_not_exist(
    marketer: Client, other_pool: Pool, staff: dict[str, User], draft: Campaign
) -> None:
    foreign = Campaign.objects.create(pool=other_pool, name="别人的")
    for path in GETS[2:]:
        assert marketer.get(at(path.format(pk=foreign.pk))).status_code == 404
    for path in POSTS[:-1]:
        assert marketer.post(at(path.format(pk=foreign.pk))).status_code == 404
    assert marketer.get("/p/other/campaigns/").status_code == 404
    assert "别人的" not in text(marketer.get(at()))
    elsewhere = segment_of(other_pool, {"all": []})
    marketer.post(at(f"{draft.pk}/edit/audience/"), {"name": "x", "segment": elsewhere.pk, "goal_days": 7}, headers=HTMX)
    draft.refresh_from_db()
    assert draft.segment != elsewhere
    mine = draft.layers.first()
    assert mine is not None
    assert marketer.post(at(f"{draft.pk}/layers/{mine.pk + 1000}/"), {}).status_code == 404


def test_nobody_gets_in_without_a_login(draft: Campaign) -> None:
    assert Client().get(at(f"{draft.pk}/results/")).status_code == 302


def test_historic_campaigns_say_that_there_was_no_control_group(marketer: Client, pool: Pool, as_of: datetime) -> None:
    from campaigns import historic

    alice, bob = (factories.member(pool, name) for name in ("Alice", "Bob"))
    factories.order(alice, "1", factories.days_before(as_of, 3), 12_300)
    made = historic.bring_in(
        pool=pool, name="Type A", note="", started_at=factories.days_before(as_of, 10), ended_at=as_of,
        audience=[alice.pk, bob.pk], redeemed={alice.pk: factories.days_before(as_of, 3)}, actor=None,
    )  # fmt: skip
    page = text(marketer.get(at(f"{made.pk}/results/")))
    assert "历史活动，没有对照组" in page
    assert "50.0%" in page
    assert "¥123" in page
    assert "Newcombe" not in page


def test_an_open_campaign_keeps_its_segment_from_being_archived(draft: Campaign, pool: Pool, connector: Connector) -> None:
    from segmentation.segments import usage

    assert draft.segment is not None
    assert [use.name for use in usage.uses(draft.segment)] == [draft.name]
    other = segment_of(pool, {"all": []}, "分层用")
    draft.layers.filter(name="重要").update(rule={"any": [{"fact": "segment", "op": "any", "value": [other.pk]}]})
    assert [use.name for use in usage.uses(other)] == [draft.name]
    Campaign.objects.update(status="finished")
    assert usage.uses(other) == []


def test_an_open_campaign_keeps_the_schemes_and_fields_its_layers_ask_for(draft: Campaign, pool: Pool) -> None:
    from members import usage
    from members.attributes import services as attributes
    from members.attributes import usage as of_fields
    from segmentation.standings import services as standings

    scheme = standings.save(pool=pool, family="ladder", name="阶梯", settings={"steps": 3}, actor=None)
    field = attributes.create_field(pool=pool, key="car", kind="boolean", label="有车", actor=None)
    asked = [{"fact": f"standing.{scheme.pk}", "op": "not_in", "value": [1]}, {"fact": "attr.boolean.car", "op": "known"}]
    draft.layers.filter(name="重要").update(rule={"all": asked})
    said = [f"{draft.name} · 重要"]
    assert [use.name for use in usage.uses("scheme", pool.pk, scheme.pk)] == said
    assert [use.name for use in of_fields.uses(field)] == said
    Campaign.objects.update(status="finished")
    assert usage.uses("scheme", pool.pk, scheme.pk) == of_fields.uses(field) == []


def test_the_member_page_says_which_campaigns_and_which_side(marketer: Client, running: Campaign) -> None:
    from members.timeline import page

    treated, held = (running.runs.get().participants.filter(arm=arm).first() for arm in (1, 0))
    assert treated is not None
    assert held is not None
    for row, words in ((treated, "触达组"), (held, "对照组")):
        shown = text(marketer.get(f"/p/demo/members/{row.member_id}/panels/campaigns/"))
        assert running.name in shown
        assert words in shown
        moments, _cursor = page(row.member, kinds=["campaigns"])
        assert [words in str(moment.text) for moment in moments] == [True]


def test_the_member_list_shows_the_members_behind_a_figure(marketer: Client, running: Campaign) -> None:
    run = running.runs.get()
    held = run.participants.filter(arm=0).count()
    page = text(marketer.get(f"/p/demo/members/?campaign_run={run.pk}:holdout:any:entered"))
    assert "对照组" in page
    assert page.count("data-member") == held or str(held) in page
