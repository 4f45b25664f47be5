"""Ready ways of reading platforms' exports: one declared file per platform beside this module.

Each names the columns and status words as the platform writes them, where they are known from, and whether that is sure.
A preset only fills in the mapping page; everything it says can be changed there and kept as a mapping of the pool's own.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from django.utils.translation import get_language

from members.importing import fields, words
from members.models import ImportRun

SCORE = 0.6  # less of a file's headings known, and it is not this export
_KEYS = {"title", "title_en", "known_from", "known_from_en", "sure", "unit", "columns", "other", "words", "notes", "notes_en"}
_OPTIONAL = {"dates", "decimal", "negative", "notes", "notes_en", "other", "words"}


@dataclass(frozen=True)
class Preset:
    """How one export of one platform is read."""

    platform: str
    kind: str
    channel: str  # code
    labels: tuple[str, str]  # Chinese, English
    titles: tuple[str, str]
    sources: tuple[str, str]
    notes_in: tuple[tuple[str, ...], tuple[str, ...]]
    sure: bool
    columns: dict[str, list[str]]  # field → headings, most likely first
    other: tuple[str, ...]  # further headings of the export that nothing is done with
    words: dict[str, dict[str, str]]
    options: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return f"{self.platform}.{self.kind}"

    @property
    def label(self) -> str:
        return self.labels[_language()]

    @property
    def title(self) -> str:
        return self.titles[_language()]

    @property
    def kind_label(self) -> str:
        return str(ImportRun.Kind(self.kind).label)

    @property
    def known_from(self) -> str:
        return self.sources[_language()]

    @property
    def notes(self) -> tuple[str, ...]:
        return self.notes_in[_language()]

    @property
    def headings(self) -> set[str]:
        """Every heading the export is known to have, written plainly."""
        return {fields.plain(name) for names in (*self.columns.values(), self.other) for name in names}

    def mapping(self, columns: Iterable[str]) -> dict[str, str]:
        """Field → column of a file with these headings; each column once."""
        return fields.pick(self.columns, columns)

    def score(self, columns: list[str]) -> float:
        """The share of a file's headings this export has; 0 when what it needs is missing."""
        if not columns or fields.missing(self.kind, self.mapping(columns)):
            return 0.0
        known = self.headings
        return sum(fields.plain(column) in known for column in columns) / len(columns)


def _language() -> int:
    return 0 if (get_language() or "zh").startswith("zh") else 1


@dataclass(frozen=True)
class Match:
    """A preset and how well it fits a file."""

    preset: Preset
    score: float

    @property
    def percent(self) -> int:
        return round(100 * self.score)


@cache
def every() -> dict[str, Preset]:
    """All presets by key. A file that says what nobody knows is an error at the first look."""
    found: dict[str, Preset] = {}
    for path in sorted(Path(__file__).parent.glob("*.yaml")):
        declared = yaml.safe_load(path.read_text())
        for kind, said in declared["files"].items():
            preset = _preset(path.stem, declared, kind, said)
            found[preset.key] = preset
    return found


def _preset(platform: str, declared: dict[str, Any], kind: str, said: dict[str, Any]) -> Preset:
    _validate(f"{platform}.{kind}", kind, said)
    return Preset(
        platform=platform,
        kind=kind,
        channel=declared["channel"],
        labels=(declared["label"], declared["label_en"]),
        titles=(said["title"], said["title_en"]),
        sources=(said["known_from"], said["known_from_en"]),
        notes_in=(tuple(said.get("notes", ())), tuple(said.get("notes_en", ()))),
        sure=said["sure"],
        columns={key: [str(name) for name in names] for key, names in said["columns"].items()},
        other=tuple(str(name) for name in said.get("other", ())),
        words={key: {str(word): value for word, value in known.items()} for key, known in said.get("words", {}).items()},
        options={
            "unit": said["unit"],
            "date_order": said.get("dates", "ymd"),
            "decimal": said.get("decimal", "."),
            **({"negative": said["negative"]} if "negative" in said else {}),
        },
    )


def _validate(key: str, kind: str, said: dict[str, Any]) -> None:
    known = fields.fields_of(kind)
    wrong = [f"{name}?" for name in (_KEYS - _OPTIONAL) - set(said)] + [f"{name}!" for name in set(said) - _KEYS - _OPTIONAL]
    wrong += [name for name in (*said["columns"], *said.get("words", {})) if name not in known]
    for name, meanings in said.get("words", {}).items():
        wrong += [f"{name}: {value}" for value in meanings.values() if value not in words.MEANINGS.get(known[name].parser, {})]
    if (
        said["unit"] not in ("yuan", "fen")
        or said.get("negative", "refund") != "refund"
        or len(said.get("notes", ())) != len(said.get("notes_en", ()))
    ):
        wrong.append("unit, notes")
    if wrong:
        raise ValueError(f"preset {key}: {', '.join(sorted(wrong))}")


def get(key: str) -> Preset | None:
    """A preset by its key ("tmall.orders"), or nothing."""
    return every().get(key)


def matches(columns: list[str], kind: str = "", channel: str = "") -> list[Match]:
    """Presets that fit a file's headings, the best first; those of a kind or of every kind."""
    found = [
        Match(preset, score)
        for preset in every().values()
        if (not kind or preset.kind == kind) and (score := preset.score(columns)) >= SCORE
    ]
    return sorted(found, key=lambda match: (match.preset.channel == channel, match.score, match.preset.sure), reverse=True)
