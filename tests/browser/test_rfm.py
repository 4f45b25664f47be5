"""RFM and lifecycle in a browser: the effect before saving, two configurations side by side, and the way back to the members.

The first test is the whole way of somebody who works with them: other cuts tried and kept, a narrower configuration
beside the first, who moved between two days, a segment of them, and what one member's page says.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from members.models import Member, MemberState, Pool
from scrm.jobs import running
from scrm.jobs.models import JobRun
from scrm.staff.models import User
from segmentation.models import Scheme
from segmentation.recalculation import services
from tests import factories
from tests.browser.conftest import axe, fits_a_phone
from tests.factories import days_before

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[..., Page]
RFM, STAGES, MOVES = "/segments/models/", "/segments/models/lifecycle/", "/segments/models/moves/"


@pytest.fixture
def shop(pool: Pool, staff: dict[str, User], as_of: datetime, monkeypatch: pytest.MonkeyPatch) -> Pool:
    """Forty buyers of nappies and milk, computed forty days ago and now."""
    monkeypatch.setattr("scrm.lib.clock.now", lambda: as_of)
    goods = [factories.product(pool, name, category=name) for name in ("尿布", "奶粉")]
    for n in range(40):
        who = factories.member(pool, f"会员{n}")
        for i in range(1 + n % 4):
            order = factories.order(who, f"{n}-{i}", days_before(as_of, 5 + n * 4 + i * 20), 1000 * (n + 1))
            factories.line(order, 1, goods[n % 2], order.amount)
    services.recalculate(pool=pool, as_of=as_of - timedelta(days=40))
    services.recalculate(pool=pool, as_of=as_of)
    return pool


def work() -> None:
    """What the workers have to do."""
    for number in JobRun.objects.filter(status=JobRun.Status.QUEUED).order_by("pk").values_list("pk", flat=True):
        assert running.run(number, heart=False) == "done"


def test_from_other_cuts_to_a_segment_of_those_who_moved(enter: Enter, shop: Pool, as_of: datetime) -> None:
    page: Any = enter("analyst", RFM)
    # Quintiles instead of means: who would change, then for good.
    page.get_by_label("按五等分打分").check()
    tried = page.locator("#preview")
    expect(tried).to_contain_text("尚未写入")
    said = int(re.sub(r"\D", "", re.split("人换 RFM", tried.locator(".alert-box").first.inner_text())[0]))
    assert said > 0
    before = dict(MemberState.objects.values_list("member_id", "rfm_group"))
    page.get_by_role("button", name="保存并重算").click()
    expect(page.get_by_text("已保存，正在按新设置重算")).to_be_visible()
    expect(page.locator("main")).to_contain_text("排队中")
    work()  # the page sees it by itself
    expect(page.locator("main .job")).to_have_count(0)
    expect(page.get_by_label("按五等分打分")).to_be_checked()
    after = dict(MemberState.objects.values_list("member_id", "rfm_group"))
    assert sum(before[member] != group for member, group in after.items()) == said  # as many as it had foretold

    # Nappies alone, by limits of one's own, beside it.
    page.get_by_role("link", name="新增配置").click()
    page.get_by_label("名称").fill("尿布门槛")
    page.get_by_label("按自定义门槛打分").check()
    page.get_by_label("只看这些品类").select_option("尿布")
    expect(page.locator("#preview")).to_contain_text("品类：尿布")
    expect(page.locator("#preview")).to_contain_text("新设置下 20 位会员有归属")
    page.get_by_role("button", name="保存并计算").click()
    expect(page).to_have_url(re.compile(r"/standings/\d+/"))
    work()
    enter("analyst", RFM)
    table = page.get_by_role("region", name="多套 RFM 配置对照")
    expect(table.get_by_role("row", name="合计")).to_contain_text("20")
    expect(table).not_to_contain_text("待计算")

    # Who moved between two days in the first of them, and a segment of a group.
    table.get_by_role("link", name="看迁移").first.click()
    page.get_by_label("从这天结束时").fill(f"{as_of - timedelta(days=39):%Y-%m-%d}")
    page.get_by_role("button", name="查看").click()
    expect(page.locator("chart-view canvas, chart-view svg").first).to_be_visible()
    link = page.get_by_role("region", name="迁移矩阵").locator("td:not(.stayed) a").first
    count = link.inner_text()
    link.click()
    expect(page).to_have_url(re.compile("went=2"))
    expect(page.locator("main")).to_contain_text(count)
    made = Scheme.objects.get()
    enter("analyst", f"/segments/standings/{made.pk}/")
    expect(page.get_by_role("region", name="各层会员")).to_contain_text("重要价值")
    row = page.get_by_role("region", name="各层会员").get_by_role("row").filter(has_text=re.compile(r"[1-9]\d* *\d")).first
    row.get_by_role("link", name=re.compile("建分群")).click()
    expect(page).to_have_url(re.compile("/segments/new/"))
    expect(page.locator("main")).to_contain_text("尿布门槛")

    # What one of them is told to be.
    member = Member.objects.get(name="会员0")
    enter("operator", f"/members/{member.pk}/?tab=standings")
    panel = page.get_by_role("region", name="所处层级")
    expect(panel).to_contain_text("尿布门槛")
    panel.get_by_text("为什么").first.click()
    expect(panel).to_contain_text(re.compile(r"R \d 分"))


def test_stages_by_fixed_days_and_what_became_of_them(enter: Enter, shop: Pool) -> None:
    page: Any = enter("analyst", STAGES)
    page.get_by_label("按固定天数").check()
    expect(page.locator("#preview")).to_contain_text("换生命周期阶段")
    expect(page.locator("#preview")).to_contain_text("30–90 天")
    page.get_by_role("button", name="保存并重算").click()
    work()
    page.reload(wait_until="networkidle")
    stages = page.get_by_role("region", name="首购之后的阶段")
    expect(stages).to_contain_text("90–180 天")
    stages.get_by_role("link", name="活跃期").click()
    expect(page).to_have_url(re.compile("stage=1"))


def test_the_effect_of_other_limits_is_seen_before_they_are_saved(enter: Enter, shop: Pool) -> None:
    page: Any = enter("analyst", RFM)
    expect(page.get_by_role("heading", name="八个分组")).to_be_visible()
    page.get_by_label("按自定义门槛打分").check()
    expect(page.locator("#preview")).to_contain_text("换 RFM 分组")
    expect(page.locator("#preview")).to_contain_text("谁换到哪里")
    expect(page.locator("#preview")).to_contain_text("少于 30 人的分组")
    assert Pool.objects.get(pk=shop.pk).settings == {}
    page.get_by_role("button", name="保存并重算").click()
    expect(page.get_by_text("已保存，正在按新设置重算")).to_be_visible()
    assert Pool.objects.get(pk=shop.pk).settings["rfm"]["mode"] == "threshold"


def test_a_second_configuration_stands_beside_the_first(enter: Enter, shop: Pool, as_of: datetime) -> None:
    page: Any = enter("analyst", RFM)
    page.get_by_role("link", name="新增配置").click()
    page.get_by_label("名称").fill("尿布 RFM")
    page.get_by_label("只看这些品类").select_option("尿布")
    page.get_by_role("button", name="保存并计算").click()
    expect(page).to_have_url(re.compile(r"/standings/\d+/"))
    made = Scheme.objects.get()
    services.recalculate_scheme(scheme=made, as_of=as_of)
    page = enter("analyst", RFM)
    table = page.get_by_role("region", name="多套 RFM 配置对照")
    expect(table).to_contain_text("品类：尿布")
    expect(table.get_by_role("row", name="合计")).to_contain_text("20")


def test_from_a_cell_of_the_matrix_to_its_members(enter: Enter, shop: Pool) -> None:
    page: Any = enter("marketer", MOVES)
    matrix = page.get_by_role("region", name="迁移矩阵")
    link = matrix.locator("td:not(.stayed) a").first
    count = link.inner_text()
    link.click()
    expect(page).to_have_url(re.compile("went="))
    expect(page.locator("main")).to_contain_text(count)


@pytest.mark.parametrize("path", [RFM, STAGES, MOVES])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_fit_a_phone_and_have_no_barriers(enter: Enter, shop: Pool, path: str, theme: str) -> None:
    page: Any = enter("analyst", path)
    page.emulate_media(reduced_motion="reduce")  # colours must not be judged on their way from one theme to the other
    page.evaluate("theme => document.documentElement.setAttribute('data-bs-theme', theme)", theme)
    found = axe(page)
    assert found.violations_count == 0, found.generate_report()
    assert fits_a_phone(page)
