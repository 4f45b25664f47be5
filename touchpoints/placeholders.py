"""Our own placeholder language: `{{member.name|default:"您"}}`.

Fields come from a whitelist, filters are pure functions on text; there are no attributes, no calls
and no lookups to leak anything. A text is parsed once; rendering fills holes in a list.
"""

import html
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.utils.translation import gettext as _

from scrm.lib import formats
from touchpoints.fields import FIELDS, Field, Row

LONGEST = 100_000
MOST = 500  # placeholders in one text
HOLE = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
NAME = re.compile(r"\s*([a-z_]+(?:\.[a-z_]+)*)\s*")
FILTER = re.compile(r"\|\s*([a-z_]+)\s*(?::\s*(\"[^\"]*\"|'[^']*'|\d{1,6})\s*)?")
Step = Callable[[str], str]


class Invalid(ValueError):
    """A text that cannot be saved: what is wrong, and where."""

    def __init__(self, message: str, source: str, position: int) -> None:
        self.line = source.count("\n", 0, position) + 1
        self.column = position - (source.rfind("\n", 0, position) + 1) + 1
        self.message = message
        super().__init__(
            _("第 %(line)s 行第 %(column)s 列：%(message)s") % {"line": self.line, "column": self.column, "message": message}
        )


def _default(argument: str) -> Step:
    return lambda text: text or argument


def _truncate(argument: str) -> Step:
    longest = int(argument)
    return lambda text: text if len(text) <= longest else text[: max(longest - 1, 0)] + "…"


def _first(argument: str) -> Step:
    return lambda text: text[: int(argument)]


FILTERS: dict[str, Callable[[str], Step]] = {
    "default": _default,
    "truncate": _truncate,
    "first": _first,
    "upper": lambda _argument: str.upper,
    "lower": lambda _argument: str.lower,
}
NEEDS_NUMBER = {"truncate", "first"}
TAKES_NOTHING = {"upper", "lower"}


@dataclass(frozen=True)
class Hole:
    """One placeholder: a field and what happens to its text."""

    field: Field
    steps: tuple[Step, ...]

    def fill(self, row: Row) -> str:
        text = self.field.read(row)
        for step in self.steps:
            text = step(text)
        return text


@dataclass(frozen=True)
class Parsed:
    """Literal texts and placeholders in turn."""

    parts: tuple[str | Hole, ...]

    @property
    def fields(self) -> frozenset[str]:
        return frozenset(part.field.key for part in self.parts if isinstance(part, Hole))


def parse(source: str) -> Parsed:
    """Read a text; raises Invalid at the first thing that is wrong."""
    if len(source) > LONGEST:
        raise Invalid(_("文本最长 %(n)s 个字符") % {"n": LONGEST}, source, LONGEST)
    parts: list[str | Hole] = []
    end = 0
    for found in HOLE.finditer(source):
        parts += [_literal(source, end, found.start()), _hole(source, found)]
        end = found.end()
        if len(parts) > MOST * 2:
            raise Invalid(_("变量最多 %(n)s 个") % {"n": MOST}, source, found.start())
    parts.append(_literal(source, end, len(source)))
    return Parsed(tuple(part for part in parts if part != ""))


def _literal(source: str, start: int, end: int) -> str:
    text = source[start:end]
    for mark in ("{{", "}}"):
        if mark in text:
            raise Invalid(_("%(mark)s 没有配对") % {"mark": mark}, source, start + text.index(mark))
    return text


def _hole(source: str, found: "re.Match[str]") -> Hole:
    inner, start = found[1], found.start(1)
    name = NAME.match(inner)
    if name is None:
        raise Invalid(_("这里须是变量名，例如 member.name"), source, start)
    if name[1] not in FIELDS:
        raise Invalid(
            _("没有变量“%(name)s”，可用的有：%(known)s") % {"name": name[1], "known": formats.listed(FIELDS)},
            source,
            start + name.start(1),
        )
    return Hole(FIELDS[name[1]], tuple(_filters(source, inner, start, name.end())))


def _filters(source: str, inner: str, start: int, position: int) -> Iterator[Step]:
    while position < len(inner):
        found = FILTER.match(inner, position)
        if found is None:
            raise Invalid(_('这里须是 | 和过滤器，例如 |default:"您"'), source, start + position)
        yield _filter(found[1], found[2], source, start + found.start(1))
        position = found.end()


def _filter(name: str, argument: str | None, source: str, position: int) -> Step:
    if name not in FILTERS:
        raise Invalid(
            _("没有过滤器“%(name)s”，可用的有：%(known)s") % {"name": name, "known": formats.listed(FILTERS)}, source, position
        )
    if name in TAKES_NOTHING:
        if argument is not None:
            raise Invalid(_("%(name)s 不带参数") % {"name": name}, source, position)
        return FILTERS[name]("")
    if argument is None or (name in NEEDS_NUMBER) != argument.isdecimal():
        wanted = _("一个数字") if name in NEEDS_NUMBER else _("一段引号里的文字")
        raise Invalid(_("%(name)s 需要%(wanted)s") % {"name": name, "wanted": wanted}, source, position)
    return FILTERS[name](argument.strip("\"'") if not argument.isdecimal() else argument)


class Template:
    """A compiled text: literal pieces with holes between them."""

    __slots__ = ("base", "holes")

    def __init__(self, parts: "list[str | Callable[[Row], str]]") -> None:
        self.base = [part if isinstance(part, str) else "" for part in parts]
        self.holes = [(index, part) for index, part in enumerate(parts) if not isinstance(part, str)]

    def render(self, row: Row) -> str:
        """The text for one member."""
        pieces = self.base[:]
        for index, fill in self.holes:
            pieces[index] = fill(row)
        return "".join(pieces)


def plain(hole: Hole) -> Callable[[Row], str]:
    """How a hole is filled in plain text."""
    return hole.field.read if not hole.steps else hole.fill


def escaped(key: str) -> Callable[[Row], str]:
    """A text worked out before, as HTML."""

    def filled(row: Row) -> str:
        text: str = row[key]
        return text if text.isalnum() else html.escape(text)

    return filled


def compile_plain(source: str) -> Template:
    """A text without markup, such as a subject."""
    return Template([part if isinstance(part, str) else plain(part) for part in parse(source).parts])
