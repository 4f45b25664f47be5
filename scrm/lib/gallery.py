"""Galleries: ready things kept as data, one YAML file each, worded in Chinese and English."""

from pathlib import Path
from typing import TypeVar

import yaml
from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, Field


class Part(BaseModel):
    """A piece of an entry: nothing unknown in it, nothing changed later."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Part):
    """A wording in both languages."""

    zh: str = Field(min_length=1)
    en: str = Field(min_length=1)

    def __str__(self) -> str:
        return self.zh if (get_language() or "zh").startswith("zh") else self.en


class Entry(Part):
    """One ready thing, and where it stands in its gallery."""

    key: str = Field(pattern=r"^[a-z][a-z0-9_]+$", max_length=30)
    order: int
    icon: str
    title: Text
    pitch: Text


E = TypeVar("E", bound=Entry)


def load(path: Path, shape: type[E]) -> E:
    """The entry of a file. `ValueError` where the file is not of its shape, or is not named after its key."""
    made = shape.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    if made.key != path.stem:
        raise ValueError(f"{path.name} holds the entry {made.key!r}")
    return made


def read(folder: Path, shape: type[E]) -> dict[str, E]:
    """Everything in a folder by its key, in the order of the gallery."""
    found = sorted((load(path, shape) for path in folder.glob("*.yaml")), key=lambda made: made.order)
    return {made.key: made for made in found}
