"""Pairs of members decided with the keyboard, in a browser."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from members.models import Member, NotSame, Pool, Review
from scrm.staff.models import User
from tests import factories

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
Enter = Callable[..., Page]


@pytest.fixture
def three(pool: Pool, staff: dict[str, User], as_of: datetime) -> list[Review]:
    pairs = [(factories.member(pool, f"甲{n}"), factories.member(pool, f"乙{n}", city="上海")) for n in range(3)]
    return [Review.objects.create(pool=pool, one_id=a.pk, two_id=b.pk, reason="asked", at=as_of) for a, b in pairs]


def test_keys_decide_and_lead_on(enter: Enter, three: list[Review]) -> None:
    first, second, third = reversed(three)
    page: Any = enter("operator", "/oneid/")
    page.get_by_role("link", name="比较").first.click()
    expect(page).to_have_url(re.compile(f"/reviews/{first.pk}/$"))
    expect(page.locator("[data-hotkey]")).to_have_count(4)
    page.wait_for_load_state("networkidle")  # keys are heard once the page's script has run
    page.keyboard.press("s")
    for key, after in (("n", second), ("m", third), ("i", first)):
        expect(page).to_have_url(re.compile(f"/reviews/{after.pk}/$"))
        page.wait_for_load_state("networkidle")
        page.keyboard.press(key)
    expect(page.get_by_text("没有要确认的身份")).to_be_visible()
    assert list(Review.objects.order_by("pk").values_list("status", flat=True)) == ["merged", "apart", "ignored"]
    assert NotSame.objects.count() == 1
    assert Member.objects.get(pk=third.two_id).merged_into == third.one_id
