"""Files of npm packages as Django static files: no bundler, an explicit list, hashed names."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.files.storage import FileSystemStorage, Storage
from whitenoise.storage import CompressedManifestStaticFilesStorage


class NpmStorage(FileSystemStorage):
    """Reads `npm/echarts.js` from the package file that NPM_FILES names."""

    prefix = None

    def path(self, name: str) -> str:
        return super().path(settings.NPM_FILES[name])


class NpmFinder(BaseFinder):
    """Finds exactly the files of NPM_FILES; nothing else of node_modules is served."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.storage = NpmStorage(settings.NPM_DIR)

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> str | list[str]:  # type: ignore[override]
        if path not in settings.NPM_FILES:
            return []
        found = self.storage.path(path)
        return [found] if find_all else found

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        ignored = list(ignore_patterns or ())
        return ((name, self.storage) for name in settings.NPM_FILES if not matches_patterns(name, ignored))


class StaticStorage(CompressedManifestStaticFilesStorage):
    """Hashed names and .br/.gz beside every file."""

    # Modules reach each other through the import map and no style sheet names a file, so nothing
    # needs rewriting (source maps, which are not served, least of all).
    patterns = ()


@register(Tags.staticfiles)
def packages_installed(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Names the missing npm files and how to get them."""
    missing = [file for file in settings.NPM_FILES.values() if not (Path(settings.NPM_DIR) / file).exists()]
    if not missing:
        return []
    return [Error(f"front-end packages are missing: {', '.join(missing)}", hint="Run: python tools/assets.py", id="scrm.E101")]
