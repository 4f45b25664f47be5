"""The API does what the pages do, to the same people."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from campaigns import engine
from campaigns.models import Campaign, Run
from members.models import Pool
from scrm.lib import clock
from segmentation.models import Segment
from tests.campaigns.conftest import IMPORTANT, segment_of
from touchpoints.models import Connector

Api = Callable[..., APIClient]
ALL = "/api/campaigns/"


@pytest.fixture
def client(api: Api) -> APIClient:
    return api("marketer")


def one(campaign: Campaign, act: str = "") -> str:
    return f"{ALL}{campaign.pk}/{act}"


def test_a_campaign_from_a_template_to_its_results(
    client: APIClient, people: list[object], segment: Segment, connector: Connector
) -> None:
    made = client.post(
        ALL, {"name": "双十一", "template": "winback", "segment": segment.pk, "connector": connector.pk, "holdout_percent": 20}
    )
    assert made.status_code == 201, made.data
    campaign = Campaign.objects.get(pk=made.data["id"])
    assert [layer["name"] for layer in made.data["layers"]] == ["重要会员", "其余会员"]
    for layer in made.data["layers"]:
        changed = client.put(one(campaign, f"layers/{layer['id']}/"), {**layer, "link": "https://shop.example.com/"})
        assert changed.status_code == 200, changed.data
    dry = client.get(one(campaign, "dry-run/")).data
    assert (dry["segment"], dry["treated"] + dry["holdout"], dry["missing"]) == (40, 40, [])
    assert dry["sendable"] == dry["treated"]
    assert len(dry["samples"]) == 3
    assert client.post(one(campaign, "launch/")).data["status"] == "scheduled"
    engine.tick(clock.now())
    assert client.get(one(campaign)).data["status"] == "running"
    monitor = client.get(one(campaign, "monitor/")).data
    assert monitor["counts"]["total"] == dry["treated"]
    found = client.get(one(campaign, "results/")).data
    assert (found["verdict"], found["comparison"]["treated"]["members"]) == ("too_few", dry["treated"])


def test_launching_with_a_key_answers_the_repeat_from_memory(client: APIClient, draft: Campaign) -> None:
    first = client.post(one(draft, "launch/"), headers={"Idempotency-Key": "k1"})
    again = client.post(one(draft, "launch/"), headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert Run.objects.count() == 1
    assert client.post(one(draft, "launch/")).status_code == 200  # without a key: launched is launched
    assert Run.objects.count() == 1


def test_pause_resume_cancel(client: APIClient, draft: Campaign) -> None:
    client.post(one(draft, "launch/"))
    assert client.post(one(draft, "pause/")).data["status"] == "paused"
    assert client.post(one(draft, "resume/")).data["status"] == "scheduled"
    assert client.post(one(draft, "cancel/")).data["status"] == "cancelled"
    refused = client.post(one(draft, "pause/"))
    assert (refused.status_code, refused.data["code"]) == (409, "not_running")


def test_a_launched_campaign_is_closed_to_changes(client: APIClient, draft: Campaign) -> None:
    layer = draft.layers.first()
    assert layer is not None
    client.post(one(draft, "launch/"))
    for answer in (
        client.patch(one(draft), {"name": "x"}),
        client.delete(one(draft)),
        client.post(one(draft, "layers/"), {"name": "x"}),
        client.put(one(draft, f"layers/{layer.pk}/"), {"name": "x"}),
    ):
        assert (answer.status_code, answer.data["code"]) == (409, "campaign_launched")
        assert "复制" in answer.data["message"]


def test_what_is_missing_is_named(client: APIClient, pool: Pool) -> None:
    made = client.post(ALL, {"name": "空"})
    refused = client.post(f"{ALL}{made.data['id']}/launch/")
    assert refused.status_code == 422
    assert set(refused.data["fields"]) == {"no_segment", "no_content", "no_connector"}


def test_a_layers_rule_is_checked(client: APIClient, draft: Campaign) -> None:
    refused = client.post(one(draft, "layers/"), {"name": "x", "rule": {"fact": "horoscope", "op": "in", "value": [1]}})
    assert refused.status_code in (400, 422)
    assert client.post(one(draft, "layers/"), {"name": "x", "rule": IMPORTANT}).status_code == 201


def test_clone_and_discard(client: APIClient, draft: Campaign) -> None:
    made = client.post(one(draft, "clone/"))
    assert (made.status_code, made.data["status"]) == (201, "draft")
    assert client.delete(f"{ALL}{made.data['id']}/").status_code == 204
    assert Campaign.objects.count() == 1


def test_the_gallery_is_readable(client: APIClient) -> None:
    assert "winback" in [each["key"] for each in client.get(f"{ALL}gallery/").data]


WRITES = ["launch/", "pause/", "resume/", "cancel/", "reopen/", "clone/", "retry/", "layers/"]


@pytest.mark.parametrize("role", ["operator", "analyst"])
def test_who_only_looks_cannot_change(api: Api, draft: Campaign, role: str) -> None:
    client = api(role)
    assert client.get(one(draft)).status_code == 200
    assert client.get(one(draft, "results/")).status_code == 200
    assert client.post(ALL, {"name": "x"}).status_code == 403
    assert client.patch(one(draft), {"name": "x"}).status_code == 403
    assert client.delete(one(draft)).status_code == 403
    for act in WRITES:
        assert client.post(one(draft, act), {}).status_code == 403


def test_a_token_without_the_scope_cannot_launch(api: Api, draft: Campaign) -> None:
    assert api("marketer", scopes=["campaigns.view", "campaigns.edit"]).post(one(draft, "launch/")).status_code == 403


def test_another_pool_does_not_exist(client: APIClient, other_pool: Pool, draft: Campaign) -> None:
    foreign = Campaign.objects.create(pool=other_pool, name="别人的")
    for act in ("", "results/", "monitor/", "dry-run/"):
        assert client.get(one(foreign, act)).status_code == 404
    for act in WRITES:
        assert client.post(one(foreign, act), {}).status_code == 404
    assert [each["id"] for each in client.get(ALL).data["results"]] == [draft.pk]
    elsewhere = segment_of(other_pool, {"all": []})
    assert client.patch(one(draft), {"segment": elsewhere.pk}).status_code == 400
