"""Keys that a machine makes for itself on first start, readable by its owner alone."""

import base64
import os
import tempfile
from pathlib import Path


def kept(path: Path, prefix: str = "") -> str:
    """The secret stored at `path`; made from 32 random bytes when there is none yet.

    Two processes that start together agree: a file is written whole beside it and linked into place,
    the first link wins and everybody reads that one.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        _make(path, prefix + base64.urlsafe_b64encode(os.urandom(32)).decode())
    return path.read_text().strip()


def read(path: Path) -> str:
    """The secret at `path`, or nothing when there is none."""
    return path.read_text().strip() if path.exists() else ""


def write(path: Path, secret: str) -> None:
    """Put another secret in place of the one at `path`, whole or not at all."""
    handle, beside = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _make(path: Path, secret: str) -> None:
    handle, beside = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secret)
        os.link(beside, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(beside)
