"""Campaign templates: data in templates_data/*.yaml, one file each, in Chinese and English."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, Field

FOLDER = Path(__file__).parent / "templates_data"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Part):
    """A wording in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def __str__(self) -> str:
        return self.zh if (get_language() or "zh").startswith("zh") else self.en


class Audience(_Part):
    """Whom the template suggests, as a rule a segment can be made of."""

    title: Text
    rule: dict[str, Any]


class TemplateLayer(_Part):
    name: Text
    rule: dict[str, Any] | None = None
    subject: Text
    body: Text


class Template(_Part):
    """One entry of the gallery."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]+$")
    order: int
    icon: str
    tone: str = Field(pattern=r"^(blue|green|amber|red|violet|slate)$")
    title: Text
    pitch: Text
    goal_days: int = Field(ge=1, le=180)
    holdout_percent: int = Field(ge=0, le=50)
    audience: Audience
    layers: tuple[TemplateLayer, ...] = Field(min_length=1, max_length=8)


def load(path: Path) -> Template:
    """A template from its file; its key is the file's name."""
    made = Template.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    if made.key != path.stem:
        raise ValueError(f"{path.name} holds the template {made.key!r}")
    return made


@cache
def templates() -> dict[str, Template]:
    """All templates by key, in the order of the gallery."""
    found = sorted((load(path) for path in FOLDER.glob("*.yaml")), key=lambda made: made.order)
    return {made.key: made for made in found}
