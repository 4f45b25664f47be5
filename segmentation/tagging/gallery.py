"""Ready rules of tags: data in recipes/*.yaml, one file each, in Chinese and English.

A recipe names goods by patterns over categories, subcategories and names, and says what else the pool's data must have.
In its rules `{"goods": "diapers", "what": "orders", …}` stands for a condition over the goods that were found,
`{"quantile": 0.9}` for that quantile of the members' own values, `{"part": 0.4, "of": "categories"}` for a part of how many
there are. What a pool does not sell drops out: a value without goods is left away, a recipe without values does not apply.
"""

import re
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from scrm.lib.gallery import Entry, Part, Text, read

FOLDER = Path(__file__).parent / "recipes"
LEVELS = ("subcategory", "category", "name")


class Goods(Part):
    """Patterns (regular expressions, any case); the first level that finds something counts."""

    label: Text
    subcategory: tuple[str, ...] = ()
    category: tuple[str, ...] = ()
    name: tuple[str, ...] = ()

    def patterns(self) -> list[tuple[str, tuple[str, ...]]]:
        return [(level, getattr(self, level)) for level in LEVELS if getattr(self, level)]


class Group(Text):
    """The tag group the recipe's tags go into; made where it is not there."""

    zh: str = Field(min_length=1, max_length=40)
    en: str = Field(min_length=1, max_length=40)
    color: str = Field(pattern=r"^(blue|green|amber|red|violet|slate)$")
    exclusive: bool = False


class Value(Part):
    """One tag: its name and whom it is for."""

    name: Text
    rule: dict[str, Any]


class Recipe(Entry):
    """One entry of the gallery. Values of an exclusive group are tried in their order."""

    group: Group
    needs: tuple[str, ...] = ()
    goods: dict[str, Goods] = Field(default_factory=dict)
    cadence: str = Field(default="nightly", pattern=r"^(nightly|changes)$")
    values: tuple[Value, ...] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _sound(self) -> "Recipe":
        for goods in self.goods.values():
            for _level, patterns in goods.patterns():
                for pattern in patterns:
                    re.compile(pattern, re.IGNORECASE)
        named = {each for value in self.values for each in goods_in(value.rule)}
        if named - set(self.goods):
            raise ValueError(f"{self.key}: unknown goods {sorted(named - set(self.goods))}")
        return self


def goods_in(node: Any) -> set[str]:
    """The goods a rule of a recipe names."""
    if isinstance(node, list):
        return {name for child in node for name in goods_in(child)}
    if not isinstance(node, dict):
        return set()
    here = {str(node["goods"])} if isinstance(node.get("goods"), str) else set()
    return here | {name for child in node.values() for name in goods_in(child)}


@cache
def recipes() -> dict[str, Recipe]:
    """All recipes by key, in the order of the gallery."""
    return read(FOLDER, Recipe)
