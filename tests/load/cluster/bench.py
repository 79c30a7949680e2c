"""`firn bench cluster`: one, two and three workers on MariaDB, Redis and RocketMQ."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
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


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; returns 0, or 1 where something could not be measured."""
    options = _options(arguments)
    wanted = list(PHASES) if options.only is None else options.only.split(",")
    try:
        version, lines = asyncio.run(_measure(wanted, quick=options.quick))
    except (LoadError, RuntimeError, TimeoutError) as error:
        sys.stderr.write(f"bench: {type(error).__name__}: {str(error)[-2000:]}\n")
        return 1
    sys.stdout.write("\n" + tables(lines))
    if options.write:
        command = " ".join(("firn bench cluster", *arguments))
        PAGE.write_text(page(lines, command, version), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="firn bench cluster", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="shorter, less exact, less held")
    parser.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    parser.add_argument("--only", metavar="PHASE,…", help=f"some of {', '.join(PHASES)}")
    return parser.parse_args(arguments)


async def _measure(wanted: Sequence[str], *, quick: bool) -> tuple[str, list[Line]]:
    """Return the database's version and all result lines."""
    program, services = build(), Services.running()
    with (
        tempfile.TemporaryDirectory(prefix="firn-bench-") as name,
        fresh("mysql", Path(name)) as place,
    ):
        bench = Bench(program, place, services, QUICK if quick else FULL)
        lines = await set_up(bench)
        for phase in wanted:
            sys.stdout.write(f"bench: cluster: {phase}\n")
            sys.stdout.flush()
            lines += await PHASES[phase](bench)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return place.version, lines


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
