"""What the documents say is there, is there: targets, pages, files, settings, pictures."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import Resolver404, resolve

from scrm.shell import NAV
from scrm.staff.permissions import Role, granted

ROOT = Path(settings.BASE_DIR)
GUIDES = sorted((ROOT / "docs" / "guide").glob("*.md"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
APPS = ("scrm", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights")


def read(path: Path | str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def screen() -> str:
    """Every text that a page may show."""
    files = [*(ROOT / "templates").rglob("*.html"), *(file for app in APPS for file in (ROOT / app).rglob("*.py"))]
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


def test_every_role_has_a_guide_with_its_login() -> None:
    assert {guide.stem for guide in GUIDES} == {role.value for role in Role}
    for guide in GUIDES:
        assert f"`{guide.stem}` / `demo-{guide.stem}`" in read(guide)
        assert "## In English" in read(guide)


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_names_only_what_is_on_a_page(guide: Path, screen: str) -> None:
    names = re.findall(r"\*\*(.+?)\*\*", read(guide))
    assert names
    assert [name for name in names if name not in screen] == []
    addresses = re.findall(r"`(/[\w/-]*)`", read(guide))
    assert [address for address in addresses if not _answers(address)] == []


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.stem)
def test_a_guide_names_only_pages_its_role_may_open(guide: Path) -> None:
    needs = {str(item.label): item.permission for group in NAV for item in group.items}
    named = set(re.findall(r"\*\*(.+?)\*\*", read(guide))) & set(needs)
    assert named, "a guide that names no page of the navigation"
    assert {name for name in named if needs[name] not in granted(Role(guide.stem))} == set()


def _answers(address: str) -> bool:
    try:
        resolve(address)
    except Resolver404:
        return False
    return True


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_targets_exist(document: Path) -> None:
    phony = re.search(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)
    assert phony
    named = re.findall(r"\bmake ([a-z]+)", "\n".join(re.findall(r"```.*?```|`[^`]+`", read(document), re.DOTALL)))
    assert set(named) <= set(phony[1].split())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_and_files_exist(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)[^)]*\)", read(document))
    pictures = {link for link in links if link.endswith(".png")}
    written = {"docs/benchmarks.md", "benchmarks.md"}  # by `make bench`
    assert [link for link in links if link not in pictures | written and not (document.parent / link).exists()] == []
    files = re.findall(rf"`((?:{'|'.join(APPS)})/[\w/.]+?)`", read(document))
    assert [file for file in files if not any((ROOT / f"{file}{end}").exists() for end in ("", ".py"))] == []


def test_pictures_are_those_that_can_be_taken_again() -> None:
    tree = ast.parse(read("tools/screenshots.py"))
    pages = next(node.value for node in tree.body if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "PAGES")
    taken = [ast.literal_eval(name) for name in pages.keys if name] if isinstance(pages, ast.Dict) else []
    assert taken
    shown = [name for readme in ROOT.glob("README*.md") for name in re.findall(r"docs/screens/([\w-]+)\.png", read(readme))]
    assert shown
    assert [name for name in shown if not re.fullmatch(rf"({'|'.join(taken)})-(light|dark)-(1440|390)", name)] == []


def test_no_setting_is_documented_that_nothing_reads() -> None:
    """The other direction stands in test_files."""
    table = read("docs/operations.md").partition("## Settings")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`[A-Z].*?) \|", table, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}
    read_somewhere = "".join(read(file) for file in ("scrm/settings.py", "scrm/up.py", "scrm/inbox.py"))
    assert len(named) > 15
    assert {name for name in named if f'"{name}"' not in read_somewhere} == set()


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(path.name[:4]) for path in (ROOT / "docs" / "adr").glob("*.md"))
    assert numbers == list(range(1, len(numbers) + 1))
    for path in (ROOT / "docs" / "adr").glob("*.md"):
        for part in ("Context", "Decision", "Consequence"):
            assert f"**{part}" in read(path), f"{path.name} does not say its {part.lower()}"
