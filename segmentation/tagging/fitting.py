"""Adapting recipes to a pool: what it sells and records decides which apply, why, and what their rules say."""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from members import tagging
from members.models import Pool, Product, Tag, TagGroup
from scrm.lib import formats, sql
from scrm.lib.problems import Problem
from scrm.staff.models import User
from segmentation.evaluate import Evaluation
from segmentation.leaves import Shelf
from segmentation.models import TagRule
from segmentation.rules.ast import Condition
from segmentation.rules.measures import measures_of
from segmentation.rules.normalise import leaves
from segmentation.rules.parse import parse
from segmentation.tagging.gallery import Goods, Recipe, goods_in, recipes
from segmentation.tagging.services import save_rule

MOST_PRODUCTS = 2000  # named one by one in a rule
SHOWN = 6
# What a recipe may ask of a pool's data: figure, least, and what is said when there is less.
NEEDS: dict[str, tuple[str, int, Any]] = {
    "orders": ("orders", 100, gettext_lazy("订单不足 100 笔")),
    "discounts": ("discounted", 20, gettext_lazy("订单里没有优惠金额")),
    "hours": ("hours", 6, gettext_lazy("订单没有具体到时刻")),
    "weekdays": ("weekdays", 5, gettext_lazy("订单没有分布在一周的各天")),
    "brands": ("brands", 5, gettext_lazy("商品的品牌不足 5 个")),
    "categories": ("categories", 3, gettext_lazy("商品的品类不足 3 个")),
    "subcategories": ("subcategories", 3, gettext_lazy("商品没有子品类")),
    "birthdays": ("birthdays", 20, gettext_lazy("很少有会员填了生日")),
    "history": ("days", 120, gettext_lazy("订单历史不足 120 天")),
}


@dataclass(frozen=True)
class Found:
    """Goods of a recipe as a pool has them."""

    goods: Goods
    level: str  # "" when the pool sells none
    values: tuple[Any, ...]  # categories, subcategories, or ids of products
    names: tuple[str, ...]
    products: int

    @property
    def said(self) -> str:
        shown = SHOWN // 2 if self.level == "product" else SHOWN  # names of products are long
        more = f" +{len(self.names) - shown}" if len(self.names) > shown else ""
        return formats.listed(self.names[:shown]) + more


@dataclass(frozen=True)
class Look:
    """What a pool sells and records, read once for all recipes."""

    pool: Pool
    figures: dict[str, int]
    kinds: dict[str, dict[str, int]]  # per level how many products each value has
    found: dict[tuple[str, str], Found] = field(default_factory=dict)

    def goods(self, recipe: Recipe, name: str) -> Found:
        """The pool's own goods of that name."""
        if (recipe.key, name) not in self.found:
            self.found[recipe.key, name] = self._find(recipe.goods[name])
        return self.found[recipe.key, name]

    def _find(self, goods: Goods) -> Found:
        for level, patterns in goods.patterns():
            if level == "name":
                if (found := self._by_name(goods, patterns)) is not None:
                    return found
                continue
            known = self.kinds[level]
            names = [each for each in known if any(re.search(pattern, each, re.IGNORECASE) for pattern in patterns)]
            if names:
                return Found(goods, level, tuple(sorted(names)), tuple(names), sum(known[each] for each in names))
        return Found(goods, "", (), (), 0)

    def _by_name(self, goods: Goods, patterns: tuple[str, ...]) -> Found | None:
        pattern = "|".join(f"(?:{each})" for each in patterns).replace(r"\b", r"\y")  # as PostgreSQL writes a word's edge
        rows = Product.objects.filter(pool=self.pool, name__iregex=pattern).order_by("pk").values_list("pk", "name")
        found = list(rows[:MOST_PRODUCTS])
        if not found:
            return None
        names = tuple(dict.fromkeys(name for _pk, name in found))
        return Found(goods, "product", tuple(pk for pk, _name in found), names, len(found))


def look(pool: Pool) -> Look:
    """Read what a pool sells and records."""
    figures = sql.row("segmentation/tagging/look_at_pool", {"pool_id": pool.pk, "zone": pool.time_zone}) or {}
    kinds: dict[str, dict[str, int]] = {"category": {}, "subcategory": {}}
    for row in sql.rows("segmentation/tagging/list_kinds", {"pool_id": pool.pk}):
        kinds[row["level"]][row["value"]] = row["n"]
    figures |= {"categories": len(kinds["category"]), "subcategories": len(kinds["subcategory"])}
    return Look(pool, {key: int(value or 0) for key, value in figures.items()}, kinds)


@dataclass(frozen=True)
class Fit:
    """Whether a recipe applies to a pool, and why."""

    recipe: Recipe
    seen: Look
    values: list[tuple[int, str]]  # place in the recipe and name of the tags it would make
    reasons: list[str]  # why it applies, or why not
    goods: list[Found]
    installed: list[Tag]

    @property
    def applies(self) -> bool:
        return bool(self.values)


def fits(pool: Pool) -> list[Fit]:
    """Every recipe, those that apply first."""
    seen, there = look(pool), _installed(pool)
    found = [_fit(recipe, seen, there.get(recipe.key, [])) for recipe in recipes().values()]
    return sorted(found, key=lambda fit: (not fit.applies, fit.recipe.order))


def fit(pool: Pool, key: str) -> Fit:
    """One recipe, or Problem "tags.no_recipe"."""
    if key not in recipes():
        raise Problem("tags.no_recipe", _("规则库里没有「%(key)s」") % {"key": key[:40]}, {"recipe": [key[:40]]})
    return _fit(recipes()[key], look(pool), _installed(pool).get(key, []))


def _installed(pool: Pool) -> dict[str, list[Tag]]:
    found: dict[str, list[Tag]] = {}
    rows = TagRule.objects.filter(pool=pool, tag__retired_at=None).exclude(recipe="").select_related("tag__group")
    for rule in rows.order_by("tag__place", "pk"):
        found.setdefault(rule.recipe.partition(".")[0], []).append(rule.tag)
    return found


def _fit(recipe: Recipe, seen: Look, installed: list[Tag]) -> Fit:
    missing = [str(NEEDS[need][2]) for need in recipe.needs if seen.figures.get(NEEDS[need][0], 0) < NEEDS[need][1]]
    goods = [seen.goods(recipe, name) for name in recipe.goods]
    sold = [each for each in goods if each.level]
    values = [(n, str(value.name)) for n, value in enumerate(recipe.values) if _has_goods(recipe, value.rule, seen)]
    if missing or not values:
        absent = [_("没有卖：%(goods)s") % {"goods": each.goods.label} for each in goods if not each.level]
        return Fit(recipe, seen, [], [*missing, *absent], sold, installed)
    return Fit(recipe, seen, values, [_said(each) for each in sold] or [_("订单数据齐全")], sold, installed)


def _said(found: Found) -> str:
    told = {"goods": found.goods.label, "names": found.said, "n": f"{found.products:,}"}
    return _("%(goods)s：%(names)s（%(n)s 种商品）") % told


def _has_goods(recipe: Recipe, rule: Any, seen: Look) -> bool:
    return all(seen.goods(recipe, name).level for name in goods_in(rule))


# -- Rules ----------------------------------------------------------------------------------------
def rule_of(recipe: Recipe, place: int, seen: Look, as_of: datetime) -> dict[str, Any]:
    """A value's rule with the pool's own goods and thresholds in it."""
    made: dict[str, Any] = _filled(recipe.values[place].rule, recipe, seen, as_of)
    return made


def _filled(node: Any, recipe: Recipe, seen: Look, as_of: datetime) -> Any:
    if isinstance(node, list):
        return [_filled(child, recipe, seen, as_of) for child in node]
    if not isinstance(node, dict):
        return node
    if isinstance(node.get("goods"), str) and "op" in node and "field" not in node:
        node = _about_goods(node, seen.goods(recipe, node["goods"]))
    elif isinstance(node.get("goods"), str) and "field" in node:
        found = seen.goods(recipe, node["goods"])
        return {"field": found.level, "op": "in", "value": list(found.values)}
    filled = {key: _filled(child, recipe, seen, as_of) for key, child in node.items()}
    if isinstance(filled.get("value"), dict):
        filled["value"] = _threshold(filled, seen, as_of)
    return filled


def _about_goods(node: dict[str, Any], found: Found) -> dict[str, Any]:
    rest = {key: value for key, value in node.items() if key not in ("goods", "what")}
    return {"fact": f"{found.level}_{node.get('what', 'orders')}", "of": list(found.values), **rest}


def _threshold(node: dict[str, Any], seen: Look, as_of: datetime) -> int:
    """A number that depends on the pool: a quantile of its members' values, or a part of how many kinds there are."""
    wanted = node["value"]
    if "part" in wanted:
        return max(2, round(wanted["part"] * seen.figures[wanted["of"]]))
    condition = parse({**node, "op": "gte", "value": 1})  # any that becomes a single leaf
    assert isinstance(condition, Condition)
    leaf: Any = leaves(condition, as_of, seen.pool.zone)
    values = _values(Shelf(seen.pool), leaf)
    return int(np.quantile(values, wanted["quantile"], method="inverted_cdf")) if len(values) else 0


def _values(shelf: Shelf, leaf: Any) -> Any:
    """One number a member; of a mean the dividend over the divisor."""
    first, *others = [shelf.column(each) for each in measures_of(leaf)]
    if not others:
        return first.values
    _ids, mine, theirs = np.intersect1d(first.numbers, others[0].numbers, assume_unique=True, return_indices=True)
    return first.values[mine].astype(np.int64) // np.maximum(others[0].values[theirs].astype(np.int64), 1)


def counts(pool: Pool, fitting: Fit, as_of: datetime) -> list[tuple[str, str, int]]:
    """Per tag a recipe would make: name, sentence, and how many members it would have now."""
    from segmentation.segments.queries import sentence_of

    evaluation, taken = Evaluation(pool, as_of), None
    told = []
    for place, name in fitting.values:
        rule = rule_of(fitting.recipe, place, fitting.seen, as_of)
        tree = parse(rule)
        evaluation.prepare(tree)
        mine = evaluation.of(tree) & evaluation.universe
        if fitting.recipe.group.exclusive:
            mine, taken = (mine - taken, taken | mine) if taken is not None else (mine, mine)
        told.append((name, sentence_of(pool, rule), len(mine)))
    return told


@transaction.atomic
def install(*, pool: Pool, key: str, actor: User | None, as_of: datetime) -> list[TagRule]:
    """Make a recipe's group and tags; rules that are there already are brought up to the recipe. Problem when it does not fit."""
    found = fit(pool, key)
    if not found.applies:
        said = _("「%(title)s」不适用：%(why)s") % {"title": found.recipe.title, "why": formats.clauses(found.reasons)}
        raise Problem("tags.recipe_unfit", said, {"recipe": found.reasons})
    group = _group(pool, found.recipe, actor)
    return [_install(found, place, name, group, actor, as_of) for place, name in found.values]


def _install(found: Fit, place: int, name: str, group: TagGroup, actor: User | None, as_of: datetime) -> TagRule:
    """One tag; where it is already, whatever people made of its name, note and group stays."""
    pool, mark = group.pool, f"{found.recipe.key}.{place}"
    tag = Tag.objects.filter(rule__recipe=mark, pool=pool).first() or Tag.objects.filter(group=group, name=name).first()
    given = {"group": tag.group, "name": tag.name, "note": tag.note} if tag else {"group": group, "name": name}
    rule = rule_of(found.recipe, place, found.seen, as_of)
    return save_rule(pool=pool, rule=rule, actor=actor, cadence=found.recipe.cadence, tag=tag, recipe=mark, **given)


def _group(pool: Pool, recipe: Recipe, actor: User | None) -> TagGroup:
    found: TagGroup | None = TagGroup.objects.filter(pool=pool, name=str(recipe.group)).first()
    if found is not None:
        return found
    return tagging.save_group(
        pool=pool,
        group=None,
        name=str(recipe.group),
        color=recipe.group.color,
        is_exclusive=recipe.group.exclusive,
        actor=actor,
    )
