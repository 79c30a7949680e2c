"""Builds csload, the load generator, and runs its phases."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

SOURCE = Path(__file__).parent / "csload"
CACHE = Path(__file__).parents[2] / ".cache"

Line = dict[str, Any]


class LoadError(Exception):
    """The load could not be made; the text says why."""


@dataclass(frozen=True)
class Step:
    """One run of csload: `name` keys its results, `state` is the population that it uses."""

    name: str
    phase: str
    options: tuple[str, ...] = ()
    state: str = "main"

    def also(self, *options: str) -> Step:
        """The same with more options."""
        return replace(self, options=(*self.options, *options))


def build() -> Path:
    """Compile csload into `.cache/`. Raises LoadError where there is no Go."""
    go = shutil.which("go")
    if go is None:
        raise LoadError("there is no Go to build the load generator with: install Go 1.22 or later")
    CACHE.mkdir(exist_ok=True)
    program = CACHE / "csload"
    result = subprocess.run(
        [go, "build", "-trimpath", "-o", str(program), "."],
        cwd=SOURCE,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": "-mod=mod", "GOWORK": "off"},
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        raise LoadError(f"go build failed: {result.stderr.strip()}")
    return program


def run_step(
    program: Path,
    step: Step,
    *,
    folder: Path,
    pids: list[int],
    base: str,
    stdin: int = subprocess.DEVNULL,
) -> list[Line]:
    """Run one phase; return its result lines. Raises LoadError where it fails.

    `stdin` is a file descriptor, for `-until-eof`.
    """
    command = [str(program), step.phase, "-state", str(folder / f"{step.state}.json")]
    command += ["-base", base, "-pid", ",".join(map(str, pids)), *step.options]
    result = subprocess.run(command, stdin=stdin, capture_output=True, text=True, check=False)
    lines: list[Line] = [json.loads(line) for line in result.stdout.splitlines()]
    if result.returncode != 0:
        samples = [sample for line in lines for sample in line.get("error_samples", ())]
        raise LoadError(f"{step.name}: {result.stderr.strip()} {samples}")
    for line in lines:
        line["key"] = step.name if line["phase"] == step.phase else line["phase"]
    return lines
