"""Versions of a rule: each in words, and what changed from one to another."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from django.utils.translation import get_language

from scrm.lib import formats
from segmentation.choices import namer
from segmentation.models import Segment, SegmentVersion
from segmentation.rules.ast import EVERYBODY, All, AnyOf, Condition
from segmentation.rules.explain import explain
from segmentation.rules.parse import read
from segmentation.segments import diff
from segmentation.segments.queries import sentence_of

SHOWN = 50
WORDS = {"zh": ("满足全部", "满足任一", "排除"), "en": ("all of", "any of", "none of")}


@dataclass(frozen=True)
class Version:
    """A version as its page shows it; `changes` counts the conditions that differ from the one before."""

    row: SegmentVersion
    sentence: str
    changes: int


def versions(segment: Segment) -> list[Version]:
    """The latest versions of a segment's rule in words, the latest first."""
    rows = list(SegmentVersion.objects.filter(segment=segment).select_related("actor").order_by("-n")[: SHOWN + 1])
    names, before = namer(segment.pool), [*rows[1:], None]
    found = [
        Version(row, sentence_of(segment.pool, row.rule, names), _changes(old, row))
        for row, old in zip(rows, before, strict=True)
    ]
    return found[:SHOWN]


def _changes(old: SegmentVersion | None, new: SegmentVersion) -> int:
    if old is None:
        return 0
    lines = diff.compare(*_trees(old, new)).flat()
    return sum(line.what != "same" and not _is_group_of_others(line) for line in lines)


def _is_group_of_others(line: diff.Line) -> bool:
    """A group that came or went with its conditions: they are counted, it is not."""
    node = line.after if line.after is not None else line.before
    return not isinstance(node, Condition) and line.what in ("added", "removed") and bool(line.children)


def _trees(*rows: SegmentVersion) -> list[Any]:
    """As far as they can be read: a fact that is gone must not hide the rest."""
    return [read(row.rule)[0] or EVERYBODY for row in rows]


def difference(segment: Segment, old: SegmentVersion, new: SegmentVersion, language: str | None = None) -> list[diff.Told]:
    """What changed, line by line, in the language of the moment unless another is named."""
    said = language or get_language() or "zh-hans"
    return diff.told(diff.compare(*_trees(old, new)), teller(segment, said))


def teller(segment: Segment, language: str) -> Callable[[Any], str]:
    """A condition as its sentence, a group as its relation."""
    names, words = namer(segment.pool, language), WORDS["zh" if language.startswith("zh") else "en"]
    whole = partial(explain, language=language, names=names, currency=formats.sign_of(segment.pool.currency))

    def say(node: Any) -> str:
        match node:
            case Condition():
                return whole(node)
            case All(found):
                return words[0] if found else whole(node)
            case AnyOf():
                return words[1]
        return words[2]

    return say


def pair(segment: Segment, old: int | None, new: int | None) -> tuple[SegmentVersion, SegmentVersion] | None:
    """Two versions to set beside each other: those named, else the current one and the one before."""
    newer = new or segment.version
    wanted = sorted({old or newer - 1, newer})
    rows = list(SegmentVersion.objects.filter(segment=segment, n__in=wanted).select_related("actor").order_by("n"))
    return (rows[0], rows[1]) if len(rows) == 2 else None


def current(segment: Segment) -> SegmentVersion:
    """The version in force."""
    return SegmentVersion.objects.select_related("actor").get(segment=segment, n=segment.version)
