"""Keys that a machine makes for itself on first start, readable by its owner alone."""

import base64
import os
from pathlib import Path


def kept(path: Path, prefix: str = "") -> str:
    """The secret stored at `path`; made from 32 random bytes when there is none yet.

    Two processes that start together agree: the file is created exclusively, the loser reads it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        file.write(prefix + base64.urlsafe_b64encode(os.urandom(32)).decode())
    return path.read_text().strip()
