"""Pages that hold something, with axe in both themes: what the navigation alone does not reach."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.base import AxeResults
from playwright.sync_api import Page, expect

from campaigns import engine, launching, services
from members.importing import pipeline
from members.importing import services as importing
from members.models import Channel, Pool, Tag, TagGroup
from scrm.staff.models import User
from tests import factories
from tests.browser.conftest import axe, fits_a_phone, settled
from tests.campaigns.conftest import IMPORTANT, consenting, segment_of
from touchpoints import outbox
from touchpoints.models import Connector, Step

NOWHERE = "/no-such-page/"
pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def pages(
    pool: Pool, staff: dict[str, User], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: datetime
) -> list[str]:
    """Addresses of pages with a member, tags, an import, a segment, a draft and a running campaign."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("scrm.lib.clock.now", lambda: as_of)
    people = [
        consenting(pool, f"会员{n}", f"m{n}@example.com", rfm_group=7 if n % 4 == 0 else 2, stage=n % 5, order_count=n % 3)
        for n in range(30)
    ]
    alice = people[0]
    factories.line(
        factories.order(alice, "N1", factories.days_before(as_of, 3), 19900),
        1,
        factories.product(pool, "A1", name="茶"),
        19900,
    )
    group = TagGroup.objects.create(pool=pool, name="口味")
    tag = Tag.objects.create(pool=pool, group=group, name="清淡")
    alice.tags.create(tag=tag, at=as_of)
    file = tmp_path / "o.csv"
    file.write_text("订单号,手机号,下单时间,金额\nN7,13800000001,2026-10-01,12\nN8,138,2026-10-01,12\n", encoding="utf-8")
    with file.open("rb") as content:
        given = {"pool": pool, "kind": "orders", "file": content, "file_name": "o.csv", "actor": staff["operator"]}
        run = importing.upload(**given, channel=Channel.objects.get(code="pos"))
    segment = segment_of(pool, {"all": [{"any": [IMPORTANT, {"fact": "stage", "op": "in", "value": [1, 2, 3]}]}]})
    fake = Connector.objects.create(pool=pool, key="fake", name="演示渠道", config={})
    draft, running = (_campaign(pool, segment, fake, name) for name in ("草稿", "进行中"))
    launching.launch(campaign=running, actor=staff["marketer"], as_of=as_of)
    engine.tick(as_of)
    for step in Step.objects.all():
        outbox.pump(step.pk, as_of=as_of)
    mapped = f"/imports/{run.pk}/map/"
    done = importing.upload(**given | {"file": file.open("rb"), "file_name": "p.csv"}, channel=Channel.objects.get(code="pos"))
    pipeline.run(done, as_of=as_of)
    return [
        *(f"/members/{alice.pk}/{rest}" for rest in ("", "?tab=orders", "?tab=consents", "edit/", "merge/")),
        *(
            "/members/?stage=1&tag=" + str(tag.pk),
            "/members/?view=all&stage=99",
            "/members/bulk/",
            "/members/new/",
            "/members/exports/",
            "/members/merges/",
            "/tags/",
            "/tags/groups/new/",
        ),
        *("/imports/new/", mapped, f"/imports/{done.pk}/"),
        *(f"/segments/{segment.pk}/", f"/segments/{segment.pk}/edit/", "/segments/lists/new/"),
        *(f"/campaigns/{draft.pk}/edit/{step}/" for step in ("audience", "content", "control", "channel", "review")),
        *(f"/campaigns/{running.pk}/{rest}/" for rest in ("monitor", "results", "dry-run")),
        *("/campaigns/new/", f"/connectors/{fake.pk}/", f"/connectors/{fake.pk}/edit/", "/dashboard/", NOWHERE),
    ]


def _campaign(pool: Pool, segment: Any, fake: Connector, name: str) -> Any:
    made = services.create(pool=pool, actor=None, name=name, segment=segment)
    made = services.save(campaign=made, actor=None, connector=fake, holdout_percent=25, unit_cost=10)
    said = {"subject": "Hi {{member.name}}", "body": "[去看看]({{campaign.link}})", "link": "https://shop.example.com/"}
    services.save_layer(campaign=made, layer=made.layers.get(), actor=None, name="其余", rule=None, **said)
    services.add_layer(campaign=made, actor=None, name="重要", rule=IMPORTANT, **said)
    return made


def faults_of(page: Page) -> list[str]:
    """What axe finds, in the dark theme as far as colours go, and on a phone as far as widths go."""
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    found = [axe(page), *_in_the_dark(page)]
    faults = [result.generate_report()[:1500] for result in found if result.violations_count]
    if not fits_a_phone(page):
        faults.append("wider than a phone")
    page.set_viewport_size({"width": 1440, "height": 900})
    return faults


def _in_the_dark(page: Page) -> list[AxeResults]:
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.wait_for_timeout(200)  # charts take their new colours
    return [axe(page, runOnly=["color-contrast"])]


def test_pages_with_something_in_them(page: Page, enter: Callable[..., Page], pages: list[str]) -> None:
    noise: list[str] = page.noise  # type: ignore[attr-defined]
    faults = []
    home = enter("admin").url.rstrip("/")
    for path in pages:
        page.goto(home + path)
        settled(page)
        faults += [f"{path}: {fault}" for fault in faults_of(page)]
        if path == NOWHERE:
            noise.clear()  # the 404 itself
        faults += [f"{path}: {said}" for said in noise]
        noise.clear()
    assert not faults, "\n\n".join(faults)
