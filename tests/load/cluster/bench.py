"""`firn bench cluster`: one, two and three workers on MariaDB, Redis and RocketMQ."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import LoadError, build
from tests.load.cluster.fleet import Services
from tests.load.cluster.page import page, tables
from tests.load.cluster.phases import FULL, PHASES, QUICK, Bench, set_up
from tests.load.places import fresh
from tests.load.server import ROOT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.client import Line

PAGE = ROOT / "docs" / "operate" / "benchmarks-cluster.md"
RESULTS = ROOT / ".cache" / "bench" / "cluster.jsonl"


_UNMEASURED = (LoadError, RuntimeError, TimeoutError, subprocess.SubprocessError)


@dataclass
class Run:
    """What was measured so far, and whether something could not be."""

    lines: list[Line] = field(default_factory=list)
    version: str = ""
    failed: bool = False

    def add(self, lines: Sequence[Line]) -> None:
        """Take result lines, and keep them on disk."""
        self.lines += lines
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        text = "".join(json.dumps(line) + "\n" for line in self.lines)
        RESULTS.write_text(text, encoding="utf-8")

    def fail(self, phase: str, error: Exception) -> None:
        """Say what could not be measured."""
        self.failed = True
        sys.stderr.write(f"bench: {phase}: {type(error).__name__} {str(error)[-2000:]}\n")


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; returns 0, or 1 where something could not be measured."""
    options = _options(arguments)
    wanted = list(PHASES) if options.only is None else options.only.split(",")
    run = Run()
    try:
        asyncio.run(_measure(run, wanted, quick=options.quick))
    except _UNMEASURED as error:
        run.fail("setup", error)
    sys.stdout.write("\n" + tables(run.lines))
    if options.write and not run.failed:
        command = " ".join(("firn bench cluster", *arguments))
        PAGE.write_text(page(run.lines, command, run.version), encoding="utf-8")
    return 1 if run.failed else 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="firn bench cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, less exact, less held")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--only", metavar="PHASE,…", help=f"some of {', '.join(PHASES)}")
    return parser.parse_args(arguments)


async def _measure(run: Run, wanted: Sequence[str], *, quick: bool) -> None:
    """Run the phases; one that cannot be measured does not keep the others from it."""
    program, services = build(), Services.running()
    with (
        tempfile.TemporaryDirectory(prefix="firn-bench-") as name,
        fresh("mysql", Path(name)) as place,
    ):
        run.version = place.version
        bench = Bench(program, place, services, QUICK if quick else FULL)
        run.add(await set_up(bench))
        for phase in wanted:
            sys.stdout.write(f"bench: cluster: {phase}\n")
            sys.stdout.flush()
            try:
                run.add(await PHASES[phase](bench))
            except _UNMEASURED as error:
                run.fail(phase, error)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
