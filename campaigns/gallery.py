"""Campaign templates: data in templates_data/*.yaml, one file each, in Chinese and English."""

from functools import cache
from pathlib import Path
from typing import Any

from pydantic import Field

from scrm.lib.gallery import Entry, Part, Text, read

FOLDER = Path(__file__).parent / "templates_data"


class Audience(Part):
    """Whom the template suggests, as a rule a segment can be made of."""

    title: Text
    rule: dict[str, Any]


class TemplateLayer(Part):
    name: Text
    rule: dict[str, Any] | None = None
    subject: Text
    body: Text


class Template(Entry):
    """One entry of the gallery."""

    tone: str = Field(pattern=r"^(blue|green|amber|red|violet|slate)$")
    goal_days: int = Field(ge=1, le=180)
    holdout_percent: int = Field(ge=0, le=50)
    audience: Audience
    layers: tuple[TemplateLayer, ...] = Field(min_length=1, max_length=8)


@cache
def templates() -> dict[str, Template]:
    """All templates by key, in the order of the gallery."""
    return read(FOLDER, Template)
