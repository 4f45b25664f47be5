"""What import-linter cannot see: foreign keys by name, receivers by text, tasks by name."""

import ast
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
# From the cellar up; apps on one line do not know each other.
FLOORS = [{"contenttypes", "auth", "sessions"}, {"staff"}, {"jobs"}, {"members"}, {"touchpoints", "loyalty"}, {"segmentation"}]
FLOORS += [{"campaigns"}, {"insights"}]
FLOOR = {app: number for number, floor in enumerate(FLOORS) for app in sorted(floor)}
OURS = [app for app in FLOOR if FLOOR[app] > 0]


@pytest.mark.parametrize("app", OURS)
def test_foreign_keys_point_down(app: str) -> None:
    """Also those given as text, which no import shows."""
    upward = [
        f"{model._meta.label}.{field.name} → {field.related_model._meta.label}"
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
        for field in model._meta.get_fields()
        if field.is_relation and not field.auto_created and field.related_model
        if not _may_know(app, field.related_model._meta.app_label)
    ]
    assert not upward, "a lower app must not know an upper one: " + ", ".join(upward)


@pytest.mark.parametrize("app", OURS)
def test_migrations_depend_downwards(app: str) -> None:
    from django.db.migrations.loader import MigrationLoader

    needed = {
        parent[0] for node in MigrationLoader(None).graph.nodes.values() if node.app_label == app for parent in node.dependencies
    }
    upward = {other for other in needed - {"__setting__"} if not _may_know(app, other)}
    assert not upward, f"migrations of {app} depend on {', '.join(upward)}, which is above or beside it"


def _may_know(app: str, other: str) -> bool:
    return app == other or FLOOR[other] < FLOOR[app]


def test_every_scheduled_task_exists() -> None:
    from scrm.celery import app

    app.loader.import_default_modules()
    missing = [entry["task"] for entry in app.conf.beat_schedule.values() if entry["task"] not in app.tasks]
    assert not missing, f"the beat schedule names tasks that do not exist: {', '.join(missing)}"


SERVICES = sorted(path.relative_to(ROOT) for folder in ("", "scrm/") for path in ROOT.glob(f"{folder}*/services*"))


def test_services_know_no_http() -> None:
    """Services are called by pages, the API and workers alike."""
    files = [file for path in SERVICES if (ROOT / path).exists() for file in _python(ROOT / path)]
    assert files
    found = [f"{file.relative_to(ROOT)} imports {name}" for file in files for name in _imports(file) if _is_http(name)]
    assert not found


def _python(path: Path) -> list[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _imports(file: Path) -> list[str]:
    found: list[str] = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append(node.module or "")
    return found


def _is_http(name: str) -> bool:
    return name.startswith(("django.http", "django.shortcuts", "django.views", "rest_framework", "celery"))


def test_no_module_is_a_drawer() -> None:
    """A file called utils or helpers has no subject."""
    names = {"utils.py", "helpers.py", "manager.py", "common.py", "misc.py"}
    apps_dirs = ["scrm", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights"]
    assert not [path for app in apps_dirs for path in (ROOT / app).rglob("*.py") if path.name in names]
