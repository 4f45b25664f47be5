"""Ready rules: every recipe is sound, fits by what the pool sells, and says why."""

from datetime import timedelta

import pytest

from members.models import Tag, TagGroup
from scrm.lib.problems import Problem
from segmentation.models import TagRule
from segmentation.rules.parse import parse
from segmentation.tagging import apply, fitting
from segmentation.tagging.gallery import recipes
from tests import factories
from tests.tags.conftest import carriers

GOODS = [
    ("纸尿裤 M", "母婴", "纸尿裤"),
    ("牛奶粉 1段", "母婴", "奶粉"),
    ("牛奶粉 2段", "母婴", "奶粉"),
    ("牛奶粉 3段", "母婴", "奶粉"),
    ("狗粮 10kg", "宠物", "狗粮"),
    ("有机生菜", "生鲜", "有机蔬菜"),
]


@pytest.fixture
def shop(pool, as_of):
    """Six products; the first member buys nappies and stages 1 then 2, the second dog food at night."""
    products = [
        factories.product(pool, f"s{n}", name=name, category=category, subcategory=kind, brand=f"B{n}")
        for n, (name, category, kind) in enumerate(GOODS)
    ]
    people = [factories.member(pool, f"P{n}") for n in range(3)]

    def buy(who, what, days, *, hour=12, n=[0], amount=100):  # noqa: B006
        n[0] += 1
        at = (as_of - timedelta(days=days)).replace(hour=(hour - 8) % 24)
        order = factories.order(people[who], f"N{n[0]}", at, amount, discount=20)
        factories.line(order, 1, products[what], amount, quantity=1)

    for days in (10, 40, 70):
        buy(0, 0, days)
        buy(1, 4, days, hour=23)
    buy(0, 1, 150)
    buy(0, 2, 20)
    for days in range(100):  # enough for the figures to say something
        buy(2, days % 6, 1 + days % 130, hour=8 + days % 12, amount=100 + days)
    return people


def test_there_are_enough_and_each_can_be_read():
    assert len(recipes()) >= 15
    for recipe in recipes().values():
        assert set(recipe.needs) <= set(fitting.NEEDS)


def test_recipes_apply_by_what_is_sold_and_say_why(pool, shop):
    found = {fit.recipe.key: fit for fit in fitting.fits(pool)}
    assert found["has_child"].applies
    assert "纸尿裤" in found["has_child"].reasons[0]
    assert not found["drinks"].applies
    assert "酒" in found["drinks"].reasons[0]
    assert [name for _place, name in found["pet_owner"].values] == ["养狗"]  # no cats here
    assert [name for _place, name in found["child_age"].values] == ["1–3 岁", "6–12 个月", "0–6 个月"]
    assert not found["birthday_soon"].applies


def test_every_recipe_that_applies_makes_a_sound_rule(pool, shop, as_of):
    seen = fitting.look(pool)
    tried = 0
    for fit in fitting.fits(pool):
        for place, _name in fit.values:
            parse(fitting.rule_of(fit.recipe, place, seen, as_of))
            tried += 1
        fitting.counts(pool, fit, as_of)
    assert tried >= 15


def test_installed_rules_tag_whom_they_should_and_may_be_changed(pool, shop, as_of):
    made = fitting.install(pool=pool, key="child_age", actor=None, as_of=as_of)
    assert TagGroup.objects.get(name="宝宝月龄").is_exclusive
    for rule in made:
        apply(rule=TagRule.objects.select_related("tag__group", "pool").get(pk=rule.pk), as_of=as_of)
    assert shop[0].pk in carriers(Tag.objects.get(name="6–12 个月"))  # the later stage counts
    assert shop[0].pk not in carriers(Tag.objects.get(name="0–6 个月"))
    (night,) = fitting.install(pool=pool, key="night_owl", actor=None, as_of=as_of)
    apply(rule=TagRule.objects.select_related("tag__group", "pool").get(pk=night.pk), as_of=as_of)
    assert carriers(night.tag) == {shop[1].pk}
    again = fitting.install(pool=pool, key="night_owl", actor=None, as_of=as_of)
    assert [rule.pk for rule in again] == [night.pk]
    with pytest.raises(Problem) as refusal:
        fitting.install(pool=pool, key="drinks", actor=None, as_of=as_of)
    assert refusal.value.code == "tags.recipe_unfit"


def test_habits_are_what_the_orders_say(pool, shop, as_of):
    """By hand for the first two: 5 and 3 orders of 100 with 20 off, in two and one category."""
    from segmentation.evaluate import members_of

    def who(fact, op, value):
        return {
            each - shop[0].pk for each in members_of({"fact": fact, "op": op, "value": value}, pool, as_of) if each != shop[2].pk
        }

    assert who("goods_categories", "eq", 1) == {0, 1}
    assert who("top_category_share", "eq", 100) == {0, 1}
    assert who("top_brand_share", "eq", 60) == {0}  # three of five at one brand
    assert who("top_brand_share", "eq", 100) == {1}
    assert who("discount_share", "eq", 16) == {0, 1}  # 20 of 120, rounded down
    assert who("new_product_share", "gte", 0) == {0, 1}
    assert who("price_index", "lt", 100) == {0, 1}  # the third pays more for the same
