"""Translations with Babel alone, so no gettext programs are needed.

`messages` refreshes locale/en/…/django.po from the code and compiles it; `--merge FILE…` fills in
English from JSON files of {"中文": "English"}; `--check` only fails when a string lacks English or
its placeholders differ; `--compile` only writes the .mo file (at set-up).
"""

import json
import re
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir, extract_javascript
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation.template import templatize

KEYWORDS: dict[str, Any] = {
    "_": None,
    "N_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
}
ROOTS = ("scrm", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights", "templates")
SKIPPED = {"migrations", "__pycache__", "node_modules"}
PLACEHOLDER = re.compile(r"%\(\w+\)[sdf]|%[sd]|\{\w*\}")
CHINESE = re.compile(r"[\u3001-\u303f\u4e00-\u9fff\uff00-\uffef]")  # characters and punctuation


def extract_template(file: Any, keywords: Any, comment_tags: Any, options: Any) -> Any:
    """Django turns a template into call-like text; Babel's tolerant JavaScript reader finds the calls."""
    calls = templatize(file.read().decode())
    return extract_javascript(BytesIO(calls.encode()), keywords, comment_tags, options)


METHODS: list[tuple[str, Any]] = [("**.py", "python"), ("**.html", extract_template)]


def source() -> Catalog:
    """Every string of the code and the templates, without places (they change with each edit)."""
    found = Catalog(charset="utf-8")
    for root in ROOTS:
        folder = Path(settings.BASE_DIR) / root
        if folder.is_dir():
            for _file, _line, message, _comments, context in extract_from_dir(
                folder, METHODS, keywords=KEYWORDS, directory_filter=lambda path: Path(path).name not in SKIPPED
            ):
                found.add(message, None, context=context)
    return found


def po_path() -> Path:
    return Path(settings.LOCALE_PATHS[0]) / "en/LC_MESSAGES/django.po"


def refreshed(path: Path) -> Catalog:
    """The English catalogue with the strings of today; what vanished is dropped."""
    with path.open("rb") if path.exists() else BytesIO() as file:
        catalog = read_po(file, locale="en", charset="utf-8")
    catalog.update(source(), no_fuzzy_matching=True)
    catalog.obsolete.clear()
    for message in catalog:
        # "OpenID", "CSV": a string without Chinese is its own English.
        if isinstance(message.id, str) and message.id and not message.string and not CHINESE.search(message.id):
            message.string = message.id
    return catalog


def _texts(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if isinstance(message.string, (tuple, list)) else (message.string or "",)


def missing(catalog: Iterable[Message]) -> list[str]:
    """Strings without English. What is marked fuzzy is not compiled, so it has none either."""
    return [str(message.id) for message in catalog if message.id and (message.fuzzy or not all(_texts(message)))]


def broken(catalog: Iterable[Message]) -> list[str]:
    """Strings whose English names other placeholders, or still is Chinese."""
    return list(_broken(catalog))


def _broken(catalog: Iterable[Message]) -> Iterator[str]:
    for message in catalog:
        if not message.id or not all(_texts(message)):
            continue
        wanted = set(PLACEHOLDER.findall(message.id if isinstance(message.id, str) else message.id[-1]))
        if set(PLACEHOLDER.findall(_texts(message)[-1])) != wanted:
            yield f"{message.id} (placeholders)"
        elif CHINESE.search("".join(_texts(message))):
            yield f"{message.id} (Chinese left)"


def fill(catalog: Catalog, english: dict[str, Any]) -> int:
    """Give strings that lack it their English; the number filled."""
    filled = 0
    for message in catalog:
        if message.id and (message.fuzzy or not all(_texts(message))):
            key = message.id if isinstance(message.id, str) else message.id[0]
            if text := english.get(key):
                many = not isinstance(message.id, str)
                message.string = tuple(text) if isinstance(text, list) else (text, text) if many else text
                message.flags.discard("fuzzy")
                filled += 1
    return filled


def compile_mo(catalog: Catalog, path: Path) -> None:
    with path.with_suffix(".mo").open("wb") as out:
        write_mo(out, catalog)


class Command(BaseCommand):
    help = "Refresh, check or compile the English texts."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")
        parser.add_argument("--compile", action="store_true")
        parser.add_argument("--merge", nargs="*", default=[], metavar="FILE")
        parser.add_argument("--missing", action="store_true", help="print the strings that lack English as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        path = po_path()
        if options["compile"]:
            with path.open("rb") as file:
                compile_mo(read_po(file, locale="en"), path)
            return
        catalog = refreshed(path)
        for name in options["merge"]:
            self.stdout.write(f"{name}: {fill(catalog, json.loads(Path(name).read_text()))} strings")
        if options["missing"]:
            self.stdout.write(json.dumps(dict.fromkeys(missing(catalog), ""), ensure_ascii=False, indent=1))
        elif options["check"]:
            self._check(catalog)
        else:
            self._write(catalog, path)

    def _check(self, catalog: Catalog) -> None:
        lacking, wrong = missing(catalog), broken(catalog)
        if lacking or wrong:
            raise CommandError(f"{len(lacking)} strings lack English: {lacking[:8]}; {len(wrong)} are wrong: {wrong[:8]}")
        self.stdout.write(f"{len(catalog)} strings, all with English")

    def _write(self, catalog: Catalog, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        catalog.header_comment = "# English texts. The msgids are the Chinese of the code; run `manage.py messages`."
        with path.open("wb") as out:
            write_po(out, catalog, no_location=True, sort_output=True, ignore_obsolete=True, width=0, omit_header=False)
        compile_mo(catalog, path)
        lacking = missing(catalog)
        self.stdout.write(f"{len(catalog)} strings, {len(lacking)} lack English {lacking[:8] if lacking else ''}")
