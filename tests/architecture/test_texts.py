"""Words are chosen when somebody reads them: a text translated while a module is imported stays in one language for all."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

APPS = ("scrm", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights")
EAGER = {"gettext", "ngettext", "pgettext", "npgettext"}


def eager_names(tree: ast.Module) -> set[str]:
    """What a module calls the functions that translate at once."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation"]
    return {alias.asname or alias.name for node in imports for alias in node.names if alias.name in EAGER}


def at_import(node: ast.AST, names: set[str]) -> Iterator[int]:
    """Lines that call one of these names outside any function."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
        yield node.lineno
    for child in ast.iter_child_nodes(node):
        yield from at_import(child, names)


@pytest.mark.parametrize("app", APPS)
def test_no_text_is_translated_while_a_module_is_imported(app: str) -> None:
    found = []
    for path in sorted(Path(settings.BASE_DIR, app).rglob("*.py")):
        tree = ast.parse(path.read_text())
        found += [f"{path.relative_to(settings.BASE_DIR)}:{line}" for line in at_import(tree, eager_names(tree))]
    assert not found, "use gettext_lazy: " + ", ".join(found)


def test_the_search_finds_what_it_looks_for() -> None:
    tree = ast.parse("from django.utils.translation import gettext as _\nA = {1: _('x')}\ndef f():\n    return _('y')\n")
    assert list(at_import(tree, eager_names(tree))) == [2]
