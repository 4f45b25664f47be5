"""Whole journeys in a browser: from a file to members, from members to a segment, from a segment to results.

Jobs and ticks that workers would do are done by the test, at the instant it takes for now.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from campaigns import engine
from campaigns.models import Campaign
from members.models import ImportRun, Member, MemberState, Order, Pool
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.staff.models import User
from segmentation.models import Segment
from tests import factories
from tests.campaigns.conftest import consenting
from touchpoints import outbox
from touchpoints.models import Connector, Delivery, Recorded, Step

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[..., Page]


@pytest.fixture(autouse=True)
def _world(staff: dict[str, User], settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, as_of: datetime) -> None:
    """Everyone who may sign in, files of their own, and noon: no quiet hours."""
    settings.MEDIA_ROOT = tmp_path
    monkeypatch.setattr("scrm.lib.clock.now", lambda: as_of)


def work() -> None:
    """What a worker would do: every job that waits."""
    for number in JobRun.objects.filter(status=JobRun.Status.QUEUED).values_list("pk", flat=True):
        assert running.run(number, heart=False) == "done"


# -- From a file to members -----------------------------------------------------------------------
ORDERS = """订单号,手机号,下单时间,实付金额,订单状态
N1,13800000001,2026-10-01 10:00:00,120.50,交易成功
N2,13800000002,2026-10-02 10:00:00,80,交易成功
N3,1380000,2026-10-02 11:00:00,80,交易成功
N4,13800000001,2026-10-03 10:00:00,35.20,交易成功
"""


def uploaded(page: Page, file: Path) -> None:
    page.get_by_role("radio", name="订单", exact=True).check()
    page.locator("#id_file").set_input_files(str(file))
    page.locator("#id_channel").select_option(label="门店")
    page.get_by_role("button", name="上传并继续").click()
    page.get_by_role("button", name="检查文件").click()
    expect(page.locator("#import-progress")).to_be_visible()
    work()


def test_a_file_becomes_orders_and_a_second_time_changes_nothing(enter: Enter, tmp_path: Path, pool: Pool) -> None:
    file = tmp_path / "orders.csv"
    file.write_text(ORDERS, encoding="gb18030")
    page = enter("operator", "/imports/new/")
    uploaded(page, file)
    expect(page.get_by_text("检查完成，还没有写入任何数据")).to_be_visible(timeout=15_000)
    assert not Order.objects.exists()

    page.get_by_role("button", name="确认导入").click()
    expect(page.locator("#import-progress")).to_be_visible()
    work()
    expect(page.get_by_text("导入完成")).to_be_visible(timeout=15_000)
    assert sorted(Order.objects.values_list("number", "amount")) == [("N1", 12050), ("N2", 8000), ("N4", 3520)]
    assert Member.objects.filter(pool=pool).count() == 2

    with page.expect_download() as waiting:
        page.get_by_role("link", name="下载 CSV").click()
    refused = waiting.value.path().read_text(encoding="utf-8-sig")
    assert "1380000" in refused
    assert "13800000001" not in refused

    page.get_by_role("link", name="再导入一个").click()
    uploaded(page, file)
    expect(page.get_by_text("同一个文件也在")).to_be_visible(timeout=15_000)
    expect(page.get_by_role("button", name="确认导入")).to_be_disabled()  # nothing in it is new
    assert ImportRun.objects.latest("pk").counts["unchanged"] == 3
    assert Order.objects.count() == 3


# -- From members to a segment --------------------------------------------------------------------
@pytest.fixture
def people(pool: Pool) -> list[Member]:
    """A hundred: every fourth important, ten with no order, stages 1 to 4 in turn."""
    return [
        consenting(pool, f"会员{n}", f"m{n}@example.com", rfm_group=7 if n % 4 == 0 else 2, stage=n % 4 + 1, order_count=n // 10)
        for n in range(100)
    ]


def test_a_nested_segment_is_counted_as_it_is_built_and_saved(enter: Enter, people: list[Member], pool: Pool) -> None:
    page = enter("marketer", "/segments/new/")
    size = page.locator(".audience .big")
    rows = page.locator(".rule")

    page.locator("#id_name").fill("来过又沉默的人")
    rows.nth(0).get_by_label("条件字段").select_option("order_count")
    rows.nth(0).get_by_label("关系").select_option("gte")
    rows.nth(0).locator("input[name$='.value']").fill("1")
    expect(size).to_have_attribute("data-count", "90")

    page.get_by_role("button", name="条件组", exact=True).click()
    inner = page.locator("fieldset.group fieldset.group")
    expect(inner).to_be_visible()
    inner.get_by_label("组内关系").select_option("any")
    condition = inner.locator(".rule").first
    condition.get_by_label("条件字段").select_option("stage")
    inner.locator(".rule .pickfield").first.click()
    page.get_by_role("checkbox", name="沉默期").check()
    expect(size).to_have_attribute("data-count", "22")
    page.get_by_role("checkbox", name="流失期").check()
    expect(size).to_have_attribute("data-count", "45")
    page.keyboard.press("Escape")
    reading = page.locator(".reading").inner_text()
    assert "沉默期" in reading
    assert "流失期" in reading

    page.get_by_role("button", name="保存并计算").click()
    expect(page).not_to_have_url("**/segments/new/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("来过又沉默的人")
    work()
    segment = Segment.objects.get(pool=pool)
    assert (segment.status, segment.size) == ("ready", 45)
    assert MemberState.objects.filter(order_count__gte=1, stage__in=(2, 4)).count() == 45
    page.reload()
    expect(page.locator("main")).to_contain_text("45")


# -- From a segment to results --------------------------------------------------------------------
@pytest.fixture
def fake(pool: Pool) -> Connector:
    return Connector.objects.create(pool=pool, key="fake", name="演示渠道", config={})


def sent(as_of: datetime) -> int:
    """What beat and worker would do: enter the runs that are due, and empty the outbox."""
    engine.tick(as_of)
    return sum(outbox.pump(step.pk, as_of=as_of).accepted for step in Step.objects.all())


def step(page: Page, name: str) -> None:
    """The page of a step stands, its scripts included."""
    page.wait_for_url(f"**/edit/{name}/")
    page.wait_for_load_state("networkidle")


def test_a_campaign_from_its_template_to_the_increment(
    enter: Enter, people: list[Member], fake: Connector, as_of: datetime, accessible: Callable[[], None]
) -> None:
    people[21].consents.update(granted=False)
    page = enter("marketer", "/campaigns/new/")
    page.locator(".tile", has_text="沉睡会员挽留").get_by_role("button", name="用这个模板").click()
    step(page, "audience")
    page.locator("#id_name").fill("十一月挽留")
    expect(page.locator("#aside")).to_contain_text("已自动保存")
    page.get_by_role("button", name="下一步").click()

    step(page, "content")
    for link in page.locator("input[name=link]").all():
        link.fill("https://shop.example.com/back")
    page.get_by_role("link", name="下一步").click()  # at once: what was typed last is not lost

    step(page, "control")
    page.locator("#id_holdout_percent").fill("20")
    page.get_by_role("button", name="下一步").click()
    step(page, "channel")
    page.locator("#id_connector").select_option(label="演示渠道")
    page.get_by_role("radio", name="发布后立即发送").check()
    expect(page.locator("#aside")).to_contain_text("可以发布了")
    page.get_by_role("button", name="下一步").click()

    # The dry run says who gets what, and who does not and why.
    step(page, "review")
    dry = page.locator("main")
    expect(dry).to_contain_text("谁会收到什么")
    expect(dry).to_contain_text("重要会员")
    accessible()
    campaign = Campaign.objects.get()
    assert campaign.holdout_percent == 20
    assert not Delivery.objects.exists()

    page.get_by_role("button", name="发布", exact=True).click()
    page.locator("#confirm [value=yes]").click()
    expect(page).to_have_url(f"{page.url.split('/p/')[0]}/p/demo/campaigns/{campaign.pk}/monitor/")
    expect(page.locator("#live")).to_contain_text("等待开始")

    accepted = sent(as_of)
    page.reload()
    run = campaign.runs.get()
    treated = run.participants.filter(arm=1).values_list("member_id", flat=True)
    held = set(run.participants.filter(arm=0).values_list("member_id", flat=True))
    assert run.entered == 68  # bought once, and stage 2, 3 or 4
    assert accepted == Recorded.objects.count() == Delivery.objects.filter(status=Delivery.Status.ACCEPTED).count()
    assert accepted == sum(1 for pk in treated if pk != people[21].pk)
    assert not held & set(Delivery.objects.values_list("member_id", flat=True))
    expect(page.locator("#live")).to_contain_text("发送完成")

    # A reader clicks, two buy.
    followed = page.request.get(_link(Recorded.objects.order_by("pk").first(), page), max_redirects=0)
    assert followed.headers["location"].startswith("https://shop.example.com/back")
    for n, member in enumerate(Member.objects.filter(pk__in=list(treated)[:2])):
        factories.order(member, f"after{n}", as_of + timedelta(hours=1), 9900)
    page.goto(f"{page.url.split('/monitor')[0]}/results/", wait_until="networkidle")
    expect(page.locator("main")).to_contain_text("触达组与对照组")
    expect(page.locator("main")).to_contain_text("95%")
    accessible()


def _link(recorded: Any, page: Page) -> str:
    """The tracked link of a message, on this server."""
    found = re.search(r"/t/c/[^\s\"')\]>]+", recorded.body)
    assert found, recorded.body
    return page.url.split("/p/")[0] + found[0]
