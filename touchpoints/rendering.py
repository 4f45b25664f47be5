"""A content made ready: subject, text and HTML with tracked links, compiled once per step.

The body is plain writing with a little markup: blank lines part paragraphs, `# ` heads, `- ` lists,
`**bold**`, `[words](https://…)` and `[words]({{campaign.link}})`.
"""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from django.utils.translation import gettext as _

from touchpoints import links
from touchpoints.fields import FIELDS, Field, Row
from touchpoints.placeholders import Hole, Invalid, Template, compile_plain, escaped, parse, plain

Fill = Callable[[Row], str]
# Private-use characters stand for holes while the markup is read; they cannot come from a user.
MARK, END = "\ue000", "\ue001"
MARKED = re.compile(f"({MARK}\\d+{END})")
LINK = re.compile(
    rf"\[([^\]\n]+)\]\(\s*((?:https?://[^\s()<>\"']+)|{MARK}\d+{END})\s*\)|(https?://[^\s<>\"'（）()，。；、！？{MARK}]+)"
)
BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
BUTTON = "color:#2f5bea"
FOOT = "margin:32px 0 0;padding-top:12px;border-top:1px solid #e4e7ec;font-size:13px;color:#5d6878"
SHELL = (
    '<!doctype html><html><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"></head>'
    '<body style="margin:0;background:#f4f5f7"><div style="max-width:600px;margin:0 auto;padding:24px;background:#fff;'
    'color:#1a2029;font:16px/1.7 system-ui,-apple-system,sans-serif">'
)


@dataclass
class Compiled:
    """One content for one purpose."""

    subject: Template
    text: Template
    html: Template
    targets: list[str]  # where the tracked links lead, by index; 0 is the content's own link
    fields: frozenset[str] = field(default_factory=frozenset)
    links: list[tuple[str, Callable[[int, int], str]]] = field(default_factory=list)  # made once per message
    values: list[tuple[str, Fill]] = field(default_factory=list)  # what holes say, worked out once for text and HTML

    def prepare(self, row: dict[str, Any]) -> None:
        """Put the delivery's own addresses into its row, before rendering."""
        member, step = row["member_id"], row["step_id"]
        for key, make in self.links:
            row[key] = make(member, step)
        for key, fill in self.values:
            row[key] = fill(row)

    def loaders(self) -> list[Field]:
        """Fields that an upper app has to be asked for."""
        return [FIELDS[key] for key in sorted(self.fields) if FIELDS[key].load]


def _click(index: int) -> Callable[[int, int], str]:
    return lambda member, step: links.click(member, step, index)


class _Writer:
    """Reads the markup once and writes it as text and as HTML."""

    def __init__(self, body: str, link: str) -> None:
        self.targets = [link]
        self.fills: list[tuple[Fill, Fill]] = []  # (text, HTML)
        self.links: dict[str, Callable[[int, int], str]] = {}
        self.holes: dict[Hole, str] = {}
        self.parsed = parse(body.replace(MARK, "").replace(END, "").replace("\r\n", "\n"))
        self.source = "".join(part if isinstance(part, str) else self._keep(part) for part in self.parsed.parts)

    def _keep(self, hole: Hole) -> str:
        if hole.field.key == "campaign.link":
            return self.link("link:0", _click(0))
        if hole.field.key == "unsubscribe.link":
            return self.link("leave", links.unsubscribe)
        key = self.holes.setdefault(hole, f"hole:{len(self.holes)}")
        return self._mark(itemgetter(key), escaped(key))

    def link(self, key: str, make: Callable[[int, int], str]) -> str:
        """A hole that the delivery's own address fills."""
        self.links[key] = make
        return self._mark(itemgetter(key), itemgetter(key))

    def _mark(self, text: Fill, rich: Fill) -> str:
        self.fills.append((text, rich))
        return f"{MARK}{len(self.fills) - 1}{END}"

    def _address(self, url: str) -> str:
        """A literal address becomes a tracked link; a placeholder is one already."""
        if url.startswith(MARK):
            return url
        if url not in self.targets[1:]:
            self.targets.append(url)
        index = self.targets.index(url, 1)
        return self.link(f"link:{index}", _click(index))

    # -- Two writings of the same markup ---------------------------------------------------------
    def text(self) -> str:
        lines = [re.sub(r"^(#{1,3}) ", "", line) for line in self.source.split("\n")]
        plain_text = BOLD.sub(r"\1", "\n".join(lines))
        return LINK.sub(lambda m: f"{m[1]} {self._address(m[2])}" if m[1] else self._address(m[3]), plain_text)

    def rich(self) -> str:
        return "".join(self._block(block) for block in re.split(r"\n\s*\n", self.source.strip()) if block.strip())

    def _block(self, block: str) -> str:
        lines = block.strip().split("\n")
        if len(lines) == 1 and (head := re.match(r"#{1,3} (.*)", lines[0])):
            return f'<h2 style="font-size:20px;margin:0 0 12px">{self._inline(head[1])}</h2>'
        if all(line.startswith("- ") for line in lines):
            return f"<ul>{''.join(f'<li>{self._inline(line[2:])}</li>' for line in lines)}</ul>"
        return f'<p style="margin:0 0 16px">{"<br>".join(self._inline(line) for line in lines)}</p>'

    def _inline(self, line: str) -> str:
        pieces, end = [], 0
        for found in LINK.finditer(line):
            pieces.append(_bold(line[end : found.start()]))
            words, url = (found[1], found[2]) if found[1] else (found[3], found[3])
            pieces.append(f'<a href="{self._address(url)}" style="{BUTTON}">{_bold(words)}</a>')
            end = found.end()
        return "".join([*pieces, _bold(line[end:])])

    def template(self, marked: str, which: int) -> Template:
        parts: list[str | Fill] = []
        for piece in MARKED.split(marked):
            parts.append(self.fills[int(piece[1:-1])][which] if piece.startswith(MARK) else piece)
        return Template(parts)


def _bold(text: str) -> str:
    return BOLD.sub(r"<strong>\1</strong>", html.escape(text))


def compile_content(*, subject: str, body: str, link: str, pool_name: str, marketing: bool) -> Compiled:
    """Make a content ready; raises Invalid with the place of the mistake."""
    writer = _Writer(body, link)
    named = writer.parsed.fields | parse(subject).fields
    if "campaign.link" in named and not link:
        raise Invalid(_("用到了活动链接，请先填写链接"), body, max(body.find("campaign.link"), 0))
    if any(FIELDS[key].is_link for key in parse(subject).fields):
        raise Invalid(_("主题中不能放链接"), subject, 0)
    text, rich = writer.text(), writer.rich()
    look = writer.link("pixel", links.pixel)
    if marketing:
        leave = writer.link("leave", links.unsubscribe)
        words = html.escape(_("不想再收到此类消息？"))
        text += f"\n\n--\n{pool_name}\n{_('退订')}：{leave}\n"
        rich += (
            f'<p style="{FOOT}">{html.escape(pool_name)} · {words}'
            f'<a href="{leave}" style="color:#5d6878">{html.escape(_("退订"))}</a></p>'
        )
    rich = f'{SHELL}{rich}<img src="{look}" width="1" height="1" alt=""></div></body></html>'
    values = [(key, plain(hole)) for hole, key in writer.holes.items()]
    made = list(writer.links.items())
    return Compiled(
        compile_plain(subject), writer.template(text, 0), writer.template(rich, 1), writer.targets, named, made, values
    )
