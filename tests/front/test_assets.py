"""What pages name must exist: icons, npm files, modules, components."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from scrm.lib import assets, ui
from scrm.shell import NAV

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
APPS = ("scrm", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights")
ICON = re.compile(r"""{%\s*icon\s+["']([a-z0-9-]+)["']""")
ICON_PROP = re.compile(r"""<c-[a-z-]+[^>]*?\s(?<![:\w])icon=["']([a-z0-9-]+)["']""", re.DOTALL)
COMPONENT = re.compile(r"<c-([a-z][a-z0-9.-]*)")
STATIC = re.compile(r"""{%\s*static\s+["']([^"']+)["']""")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_every_icon_a_template_names_exists(path: Path) -> None:
    text = path.read_text()
    for name in {*ICON.findall(text), *ICON_PROP.findall(text)}:
        assert ui.icon_body(name), name


def test_every_icon_of_the_navigation_exists() -> None:
    for group in NAV:
        for item in group.items:
            assert ui.icon_body(item.icon), item.icon


def test_an_unknown_icon_is_an_error() -> None:
    with pytest.raises(FileNotFoundError):
        ui.icon_body("no-such-icon")


def test_every_component_and_static_file_named_exists() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        for name in set(COMPONENT.findall(text)) - {"vars", "slot"}:
            file = ROOT / "templates/cotton" / (name.replace("-", "_").replace(".", "/") + ".html")
            assert file.exists(), f"{path.name}: <c-{name}>"
        for name in STATIC.findall(text):
            assert finders.find(name), f"{path.name}: {name}"


def test_every_npm_file_is_on_disk_and_found() -> None:
    for name, source in settings.NPM_FILES.items():
        assert (settings.NPM_DIR / source).exists(), source
        assert finders.find(name), name
    assert not finders.find("npm/package.json")
    assert assets.packages_installed() == []


def test_a_missing_package_is_named_by_the_system_check(settings: object) -> None:
    settings.NPM_FILES = {"npm/x.js": "nowhere/x.js"}  # type: ignore[attr-defined]
    (found,) = assets.packages_installed()
    assert "nowhere/x.js" in found.msg
    assert "tools/assets.py" in str(found.hint)


def test_every_module_of_the_import_map_is_found() -> None:
    for name, path in settings.IMPORT_MAP.items():
        assert finders.find(path), name


def test_templates_keep_to_the_content_policy() -> None:
    for path in TEMPLATES:
        text = path.read_text()
        assert "hx-on" not in text, path
        # A person's copy of their data is a file that is opened without us.
        assert path.name == "dossier.html" or not re.search(r"<style\b", text), path
        assert not re.search(r"\son(click|change|submit|load|input)=", text), path
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)[^>]*>", text), path
        assert not re.search(r"""(?:src|href)=["']https?://""", text), path
