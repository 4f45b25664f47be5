from pathlib import Path
from typing import Any

import pytest


@pytest.fixture(autouse=True)
def _files(settings: Any, tmp_path: Path) -> None:
    """Files of a test lie in a directory of its own."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.INBOX_DIR = tmp_path / "inbox"
