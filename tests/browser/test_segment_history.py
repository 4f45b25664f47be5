"""The time-travel view in a real browser: two days chosen, who came and went, the list behind it; and two segments compared."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from members.models import Member, Pool
from members.versions import bump
from scrm.lib import clock
from segmentation.models import Segment
from segmentation.segments import computing, services
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHANGHAI = {"all": [{"fact": "city", "op": "in", "value": ["上海"]}]}


@pytest.fixture
def segment(pool: Pool) -> Segment:
    """Ten days ago Ann and Cai; three days ago Ann went and Ben came."""
    now = clock.now()
    for name, city in (("Ann", "上海"), ("Ben", "杭州"), ("Cai", "上海")):
        factories.member(pool, name, city=city)
    made = services.save(pool=pool, name="上海客", rule=SHANGHAI, actor=None)
    computing.refresh(segment=made, as_of=now - timedelta(days=10))
    Member.objects.filter(name="Ann").update(city="北京")
    Member.objects.filter(name="Ben").update(city="上海")
    bump(pool.pk, "members")
    computing.refresh(segment=made, as_of=now - timedelta(days=3))
    return made


def test_who_came_and_went(segment: Segment, pool: Pool, enter: Callable[..., Any], accessible: Callable[[], None]) -> None:
    from playwright.sync_api import expect

    page = enter("marketer", f"/segments/{segment.pk}/history/")
    came, went = page.locator("[data-moved=entered]"), page.locator("[data-moved=left]")
    expect(came).to_have_text("+1")
    expect(went).to_have_text("−1")
    people = page.locator("#results table")
    expect(people).to_contain_text("Ben")
    page.get_by_role("link", name="离开 1").click()
    expect(people).to_contain_text("Ann")
    accessible()
    today = clock.now().astimezone(pool.zone).date()
    page.locator("[name=from]").fill((today - timedelta(days=1)).isoformat())
    page.locator("[name=from]").dispatch_event("change")
    expect(went).to_have_text("−0")
    page.locator("[name=from]").fill((today - timedelta(days=30)).isoformat())
    page.locator("[name=from]").dispatch_event("change")
    expect(came).to_have_text("+2")
    expect(page.locator("#results")).to_contain_text("那时还没有计算过")
    page.get_by_role("link", name="截止日成员 2").click()
    page.get_by_role("link", name="在会员列表中查看").click()
    page.wait_for_url("**/members/?segment_at=*")
    expect(page.locator("#results table")).to_contain_text("Cai")
    expect(page.locator("#results table")).not_to_contain_text("Ann")


def test_one_member_through_time(segment: Segment, pool: Pool, enter: Callable[..., Any], accessible: Callable[[], None]) -> None:
    """From the size chart to a day, to one member: why not in it, since when; then a day nobody can name."""
    from playwright.sync_api import expect

    ann = Member.objects.get(name="Ann")
    page = enter("marketer", f"/segments/{segment.pk}/")
    sizes = page.locator("chart-view").first
    expect(sizes.locator("canvas")).to_be_visible()
    tall = sizes.bounding_box()["height"]
    page.get_by_label("会员编号、手机号、邮箱或会员卡号").fill(str(ann.pk))
    page.get_by_role("button", name="核对").click()
    why = page.locator("#why")
    expect(why).to_contain_text("不在分群里")
    expect(why.locator(".why li")).to_contain_text("这位会员：北京")
    then, since = (clock.now() - timedelta(days=days) for days in (10, 3))
    expect(why).to_contain_text(f"{then.astimezone(pool.zone):%Y-%m-%d}")
    expect(why).to_contain_text(f"{since.astimezone(pool.zone):%Y-%m-%d}")
    assert sizes.bounding_box()["height"] == tall  # the answer was morphed in; the chart is as it was
    accessible()
    page.get_by_role("link", name="进出与历史").click()
    page.get_by_role("link", name="全部历史").click()
    page.wait_for_url("**from=*")
    expect(page.locator("[data-moved=entered]")).to_have_text("+1")
    page.get_by_role("link", name="起始日成员 2").click()
    expect(page.locator("#results table")).to_contain_text("Ann")
    page.goto(page.url.split("?")[0] + "?from=never")
    expect(page.get_by_text("「never」不是日期")).to_be_visible()


def test_two_are_compared_and_combined(
    segment: Segment, pool: Pool, enter: Callable[..., Any], accessible: Callable[[], None]
) -> None:
    from playwright.sync_api import expect

    other = services.save(pool=pool, name="全部", rule={"all": []}, actor=None)
    computing.refresh(segment=other, as_of=clock.now())
    page = enter("marketer", f"/segments/compare/?s={segment.pk}")
    page.locator("select[name=s]").nth(1).select_option(str(other.pk))
    expect(page.locator("svg.venn circle")).to_have_count(2)
    accessible()
    page.locator("#id_operation").select_option("difference")
    page.locator("#id_name").fill("没有人")
    page.get_by_role("button", name="保存新分群").click()
    page.wait_for_url("**/segments/*/")
    assert Segment.objects.get(name="没有人").kind == "live"
