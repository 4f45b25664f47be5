"""A segment that cannot be worked out selects neither nobody nor everybody: whoever asks for it is told why."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client
from rest_framework.test import APIClient

from campaigns import engine, launching
from campaigns import services as campaigns
from campaigns.checks import gaps
from campaigns.models import Campaign, Participant, Run
from members import listing
from members.models import Pool
from scrm.lib.problems import Problem
from segmentation import evaluate
from segmentation.leaves import Shelf
from segmentation.models import Segment, SegmentVersion
from segmentation.rules.parse import RuleError, parse
from segmentation.segments import computing, services
from tests.segments.conftest import AS_OF, city
from touchpoints.models import Connector

pytestmark = pytest.mark.django_db
Make = Callable[..., Segment]
GONE = {"fact": "standing.999", "op": "not_in", "value": [3]}  # of a scheme that is not there
HOME = "/p/demo/segments/"


def within(*segments: Segment) -> dict[str, Any]:
    return {"fact": "segment", "op": "none", "value": [segment.pk for segment in segments]}


@pytest.fixture
def broken(make: Make) -> Segment:
    made = make("坏的")
    SegmentVersion.objects.filter(segment=made).update(rule=GONE)
    return made


def test_nobody_is_told_to_be_in_it(people: Pool, broken: Segment) -> None:
    with pytest.raises(evaluate.Unworkable, match="坏的"):
        evaluate.members_of(broken, as_of=AS_OF)
    with pytest.raises(Problem):
        services.freeze(segment=broken, name="冻结", actor=None, as_of=AS_OF)
    assert not Segment.objects.filter(name="冻结").exists()
    asked = listing.ask(QueryDict(f"segment={broken.pk}"), people)
    assert not list(asked.members())
    with pytest.raises(Problem, match=r"坏的.*已不存在"):
        asked.refuse_wrong()


def test_nor_in_what_is_made_of_it(
    people: Pool, make: Make, broken: Segment, login: Callable[[str], Client], api: Callable[..., APIClient]
) -> None:
    outer = make("外层")
    SegmentVersion.objects.filter(segment=outer).update(rule={"all": [city("上海"), within(broken)]})
    with pytest.raises(RuleError) as refused:
        evaluate.count(people, within(outer), AS_OF)
    assert [(fault.path, fault.code) for fault in refused.value.faults] == [("$.value[0]", "segment_failed")]
    with pytest.raises(Problem, match="坏的"):
        computing.refresh(segment=outer, as_of=AS_OF)
    rule = {"all": [city("上海"), within(broken)]}
    refusal = api("marketer").post("/api/segments/count/", {"rule": rule}, format="json")
    assert refusal.status_code == 422
    assert refusal.json()["fields"]["rule"][0]["path"] == "$.all[1].value[0]"
    page = login("marketer").get(f"{HOME}new/", {"rule": json.dumps(rule)})
    assert page.status_code == 200
    assert "无法计算" in page.content.decode()


def test_leaves_of_nested_segments_are_loaded_with_the_others(people: Pool, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = make("内层", city("上海"))
    outer = make("外层", within(inner))
    tree = parse({"all": [within(outer), city("上海", "杭州")]})
    look = evaluate.Evaluation(people, AS_OF)
    look.prepare(tree)
    monkeypatch.setattr(Shelf, "load", lambda _shelf, wanted: [_shelf.held[_shelf.key(leaf)] for leaf in wanted])
    assert len(look.of(tree)) == 2


def test_a_campaign_on_it_is_not_sent(people: Pool, broken: Segment, login: Callable[[str], Client]) -> None:
    connector = Connector.objects.create(pool=people, key="fake", name="演示渠道", config={})
    draft = campaigns.create(pool=people, actor=None, name="回归", segment=broken)
    draft = campaigns.save(campaign=draft, actor=None, connector=connector)
    campaigns.add_layer(campaign=draft, actor=None, name="重要", rule=city("上海"), subject="嗨", body="嗨", link="")
    draft.layers.filter(name="重要").update(rule=GONE)
    assert {"segment_failed", "layer_failed"} <= {gap.code for gap in gaps(draft, AS_OF)}
    client = login("marketer")
    for page in ("edit", "edit/content", "dry-run"):
        answer = client.get(f"/p/demo/campaigns/{draft.pk}/{page}/")
        assert answer.status_code == 200
        assert "“坏的”无法计算" in answer.content.decode()
    with pytest.raises(Problem):
        launching.launch(campaign=draft, actor=None, as_of=AS_OF)


def test_one_that_breaks_after_the_launch_waits_and_says_why(people: Pool, broken: Segment) -> None:
    SegmentVersion.objects.filter(segment=broken).update(rule=city("上海"))
    connector = Connector.objects.create(pool=people, key="fake", name="演示渠道", config={})
    draft = campaigns.create(pool=people, actor=None, name="回归", segment=broken)
    draft = campaigns.save(campaign=draft, actor=None, connector=connector)
    (layer,) = draft.layers.all()
    campaigns.save_layer(campaign=draft, layer=layer, actor=None, name="全", rule=None, subject="嗨", body="嗨", link="")
    launching.launch(campaign=draft, actor=None, as_of=AS_OF)
    SegmentVersion.objects.filter(segment=broken).update(rule=GONE)
    engine.tick(AS_OF)
    run = Run.objects.get()
    assert (run.phase, Participant.objects.count()) == (Run.Phase.WAITING, 0)
    assert run.note.startswith("分群“坏的”无法计算")
    assert Campaign.objects.get().status == Campaign.Status.SCHEDULED
