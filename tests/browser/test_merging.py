"""Two members joined field by field and parted again, in a browser."""

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from members.models import Identity, Member, Merge, NotSame, Order, Pool
from scrm.staff.models import User
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[..., Page]


@pytest.fixture(autouse=True)
def _world(staff: dict[str, User], monkeypatch: pytest.MonkeyPatch, as_of: datetime) -> None:
    monkeypatch.setattr("scrm.lib.clock.now", lambda: as_of)


@pytest.fixture
def two(pool: Pool, as_of: datetime) -> tuple[Member, Member]:
    long_ago = factories.LONG_AGO
    winner = factories.member(pool, "王敏", phone="13800000001", city="杭州", province="浙江", joined_at=long_ago)
    loser = factories.member(pool, "王小敏", email="wang@example.com", city="上海", province="上海", attributes={"age": "25-34"})
    factories.order(winner, "W-1", as_of, 12000, channel="pos")
    factories.order(loser, "L-1", as_of, 5000, channel="tmall")
    return winner, loser


def shot(page: Page, name: str) -> None:
    """A picture for people, where SHOTS says so."""
    if folder := os.environ.get("SHOTS"):
        page.evaluate("document.querySelectorAll('.toast-item').forEach((each) => each.remove())")
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)


def narrow_and_dark(page: Page, name: str) -> None:
    """The same page where there is little room, and at night; it never scrolls sideways."""
    shot(page, f"{name}-light")
    page.evaluate("document.documentElement.dataset.bsTheme = 'dark'")
    shot(page, f"{name}-dark")
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, f"{name}-390")
    page.set_viewport_size({"width": 1440, "height": 900})


def test_merge_by_hand_and_undo_at_once(enter: Enter, two: tuple[Member, Member]) -> None:
    winner, loser = two
    page = enter("operator", f"/members/{winner.pk}/merge/?with={loser.pk}")
    expect(page.get_by_role("table")).to_contain_text("王小敏")
    narrow_and_dark(page, "merge")
    page.locator('[name="take:city"][value=loser]').check()
    page.get_by_role("button", name="合并", exact=True).click()
    expect(page.get_by_text(f"已将会员 {loser.pk} 并入这一位")).to_be_visible()
    winner.refresh_from_db()
    assert (winner.name, winner.city, winner.attributes) == ("王敏", "上海", {"age": "25-34"})
    assert Order.objects.filter(member=winner).count() == 2
    page.wait_for_load_state("networkidle")
    with page.expect_event("framenavigated"), page.expect_response(lambda answer: "/undo/" in answer.url):
        page.locator(".toast-item [data-undo]").click()
    page.wait_for_load_state("networkidle")
    assert Merge.objects.get().undone_at is not None
    winner.refresh_from_db()
    assert (winner.city, winner.attributes) == ("杭州", {})
    assert Order.objects.get(number="L-1").member_id == loser.pk
    assert NotSame.objects.get().second_id == loser.pk


def test_undo_asks_whose_later_rows_are(enter: Enter, two: tuple[Member, Member], pool: Pool, as_of: datetime) -> None:
    from members.merging import Cause, merge_pairs

    winner, loser = two
    proof = bytes(Identity.objects.get(member=loser).value_hash)
    merge_pairs(
        pool_id=pool.pk, pairs=[(winner.pk, loser.pk)], cause=Cause("email", proof, source="api"), actor=None, as_of=as_of
    )
    factories.order(winner, "X-1", as_of, 900, channel="jd")
    factories.order(winner, "L-2", as_of, 900, channel="tmall")
    page = enter("operator", "/members/merges/")
    narrow_and_dark(page, "merges")
    page.get_by_role("row").nth(1).get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="移动的记录")).to_be_visible()
    expect(page.get_by_role("definition").filter(has_text="邮箱")).to_be_visible()
    narrow_and_dark(page, "merge-detail")
    page.get_by_role("link", name="撤销合并").click()
    expect(page.get_by_role("row").filter(has_text="L-2")).to_contain_text("只有一方用过这个渠道")
    row = page.get_by_role("row").filter(has_text="X-1")
    expect(row).to_contain_text("不确定")
    narrow_and_dark(page, "merge-undo")
    page.get_by_role("button", name=f"全部归 {winner.name}").click()
    assert page.locator('[value="loser"]:checked').count() == 0
    page.get_by_role("button", name=f"全部归 {loser.name}").click()
    page.get_by_role("row").filter(has_text="L-2").get_by_role("radio").last.check()
    page.get_by_role("button", name="撤销合并").click()
    expect(page.get_by_text("已撤销合并")).to_be_visible()
    expect(page.locator(".page-head, header").get_by_text("已撤销").first).to_be_visible()
    assert set(Order.objects.filter(member=loser).values_list("number", flat=True)) == {"L-1", "L-2", "X-1"}
    narrow_and_dark(page, "merge-undone")
    enter("operator", "/members/merges/apart/")
    narrow_and_dark(page, "apart")
    page.get_by_role("button", name="取消标记").click()
    page.locator("dialog[open]").get_by_role("button").last.click()
    expect(page.get_by_text("已取消标记")).to_be_visible()
    assert not NotSame.objects.exists()


def test_picked_in_the_list(enter: Enter, two: tuple[Member, Member]) -> None:
    winner, loser = two
    page: Any = enter("operator", f"/members/merge/?pick={loser.pk}&pick={winner.pk}")
    expect(page).to_have_url(f"{page.url.split('/p/')[0]}/p/demo/members/{winner.pk}/merge/?with={loser.pk}")
