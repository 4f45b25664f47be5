"""Make .venv and install what requirements.lock says, if it changed. Standard library only: runs on any Python 3.11+.

python3 tools/install.py
"""

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = VENV / "installed"
OLDEST = (3, 11)


def main() -> int:
    """Install when needed; a second run only compares a hash."""
    if sys.version_info < OLDEST:
        return refuse(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}; try: make PYTHON=python3.12 …")
    wanted = f"{hashlib.sha256(LOCK.read_bytes()).hexdigest()} {sys.version_info.major}.{sys.version_info.minor} {ROOT}"
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    if not works() and (code := create()):
        return code
    print("Installing the locked Python packages …", flush=True)
    command = [str(python()), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    if code := subprocess.run([*command, "--no-deps", "-r", str(LOCK)], env=environment()).returncode:
        return refuse(f"pip could not install {LOCK.name} (exit code {code}); the reason is above.")
    STAMP.write_text(wanted)
    return 0


def create() -> int:
    """A fresh environment; a moved or half-made one is replaced."""
    print("Making .venv …", flush=True)
    try:
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(VENV)
    except subprocess.CalledProcessError:
        return refuse("Python's venv module is incomplete here; on Debian or Ubuntu: apt-get install python3-venv")
    return 0


def works() -> bool:
    """Whether .venv is usable from where it stands, with the Python that runs this."""
    if not python().exists():
        return False
    probe = "import sys, pip; print(sys.prefix, *sys.version_info[:2])"
    found = subprocess.run([str(python()), "-c", probe], capture_output=True, text=True, env=environment())
    return found.stdout.rstrip("\n") == f"{VENV} {sys.version_info.major} {sys.version_info.minor}"


def python() -> Path:
    """The environment's interpreter."""
    return VENV / "bin" / "python"


def environment() -> dict[str, str]:
    """Nothing of another environment leaks in; pip's own configuration stays."""
    dropped = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    return {**{key: value for key, value in os.environ.items() if key not in dropped}, "PYTHONUTF8": "1"}


def refuse(text: str) -> int:
    """Say why not."""
    print(text, file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
