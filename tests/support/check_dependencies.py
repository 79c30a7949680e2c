"""Runs deptry on what setup.cfg declares (deptry itself reads no setup.cfg)."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_CLIENT = _ROOT / "clients" / "python"
_CLIENT_PACKAGE = "firn_client"
_FIRST_PARTY = ("homeserver", "workers", "migrations", "deploy", "tests")
_FOLDERS = ("homeserver", "workers", "migrations")
# Named by the user, with adapters still to come; or loaded by another package.
_NOT_IMPORTED = (
    "alembic",
    "argon2-cffi",
    "minio",
    "openai",
    "hiredis",
)
_NAMES = {
    "rocketmq-client-python": "rocketmq",
    "PyMySQL": "pymysql",
    "argon2-cffi": "argon2",
    "google-re2": "re2",
    "PyYAML": "yaml",
    "prometheus-client": "prometheus_client",
}


def main() -> int:
    """Return deptry's exit code: the server's, or the client's."""
    folders = [name for name in _FOLDERS if (_ROOT / name).is_dir()]
    server = _deptry(
        *(_ROOT, folders),
        *(part for name in _FIRST_PARTY for part in ("--known-first-party", name)),
        *("--package-module-name-map", ",".join(f"{k}={v}" for k, v in _NAMES.items())),
        *("--per-rule-ignores", f"DEP002={'|'.join(_NOT_IMPORTED)}"),
    )
    client = _deptry(_CLIENT, [_CLIENT_PACKAGE], "--known-first-party", _CLIENT_PACKAGE)
    return server or client


def _deptry(root: Path, folders: list[str], *options: str) -> int:
    setup = ConfigParser()
    setup.read(root / "setup.cfg")
    cache = _ROOT / ".cache" / "deptry"
    cache.mkdir(parents=True, exist_ok=True)
    run, dev = cache / "run.txt", cache / "dev.txt"
    run.write_text(setup["options"]["install_requires"], encoding="utf-8")
    dev.write_text(setup.get("options.extras_require", "dev", fallback=""), encoding="utf-8")
    command = [
        *(sys.executable, "-m", "deptry", *folders),
        *("--requirements-files", str(run), "--requirements-files-dev", str(dev)),
        *(*options, "--no-ansi"),
    ]
    return subprocess.run(command, cwd=root, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
