"""Installs Debian packages without starting their services."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.services.service import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator

_POLICY = Path("/usr/sbin/policy-rc.d")


def install(*packages: str) -> None:
    """Install packages; raises UnavailableError without root, without apt, or if it fails."""
    wanted = " ".join(packages)
    if os.getuid() != 0 or shutil.which("apt-get") is None:
        raise UnavailableError(f"not installed, and no root to install it (packages: {wanted})")
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with _no_service_starts():
        for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
            result = subprocess.run(  # noqa: S603 (package names of ours)
                ["apt-get", "-qq", *command],  # noqa: S607 (root's own PATH)
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                env=environ,
            )
    if result.returncode != 0:
        last = (result.stderr.strip().splitlines() or ["no message"])[-1]
        raise UnavailableError(f"apt-get install {wanted} failed: {last}")


@contextmanager
def _no_service_starts() -> Iterator[None]:
    """Have policy-rc.d refuse every start, unless the machine has a policy of its own."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
