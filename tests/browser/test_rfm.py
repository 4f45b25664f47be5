"""RFM and lifecycle in a browser: the effect before saving, two configurations side by side, and the way back to the members."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from members.models import Pool
from scrm.staff.models import User
from segmentation.models import Scheme
from segmentation.recalculation import services
from tests import factories
from tests.browser.conftest import fits_a_phone
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
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert fits_a_phone(page)
