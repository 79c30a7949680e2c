"""`firn bench load`: the whole path under load, on each store."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load import plan
from tests.load.client import CACHE, LoadError, build, run_step
from tests.load.crowd import make_users
from tests.load.measures import by_key, is_disturbed
from tests.load.places import KINDS, fresh
from tests.load.report import page, table
from tests.load.rest import settle
from tests.load.server import ROOT, running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.client import Line, Step
    from tests.load.places import Place

PAGE = ROOT / "docs" / "operate" / "benchmarks.md"
RESULTS = CACHE / "bench"
REPEATABLE = {"send", "fanout", "sync", "read"}
"""Phases that find things as before when they are run again."""
MOST_TRIES = 3


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; returns 0, or 1 where something could not be measured."""
    options = _options(arguments)
    kinds = KINDS if options.store == "both" else (options.store,)
    try:
        program = build()
        measured = [_measure(program, kind, options) for kind in kinds]
    except LoadError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    runs = {kind: lines for kind, (_, lines) in zip(kinds, measured, strict=True)}
    sys.stdout.write("\n" + table(runs))
    if options.write:
        command = " ".join(("firn bench load", *arguments))
        PAGE.write_text(page(runs, command, (name for name, _ in measured)), encoding="utf-8")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="firn bench load", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the time, less exact")
    parser.add_argument("--store", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--write", action="store_true", help="write docs/operate/benchmarks.md")
    parser.add_argument("--only", metavar="STEP,…", help="these steps alone (after the setup)")
    return parser.parse_args(arguments)


def _measure(program: Path, kind: str, options: argparse.Namespace) -> tuple[str, dict[str, Line]]:
    """Run all phases on one store; return the store's version and the lines by key."""
    size = plan.QUICK if options.quick else plan.FULL
    wanted = None if options.only is None else set(options.only.split(","))
    with (
        tempfile.TemporaryDirectory(prefix="firn-bench-") as name,
        fresh(kind, Path(name)) as place,
    ):
        lines = _phases(program, place, size, wanted)
    RESULTS.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (RESULTS / f"{kind}.jsonl").write_text(text, encoding="utf-8")
    return place.version, by_key(lines)


def _phases(program: Path, place: Place, size: plan.Size, wanted: set[str] | None) -> list[Line]:
    """Three lives of one server: busy users, a crowd that idles, one large room."""
    busy = [s for s in plan.busy(size) if wanted is None or s.name in {"setup", *wanted}]
    crowd = [plan.crowd(size)] if wanted is None or "idle" in wanted else []
    lines = _life(program, place, [*busy, *crowd])
    if crowd:
        lines += _life(program, place, [plan.idle(size)])
    if wanted is None or "large" in wanted:
        lines += _life(program, place, plan.large(size, _people(place, size.large)))
    # the other populations are there to be used, the first one to be measured too
    return [line for line in lines if line["state"] == "main" or line["key"] in {"idle", "large"}]


def _people(place: Place, count: int) -> Path:
    """Make users; return the file that csload reads them from."""
    names = [f"large{number}" for number in range(count)]
    file = place.folder / "large.tokens"
    file.write_text("".join(asyncio.run(make_users(place, names))), encoding="utf-8")
    return file


def _life(program: Path, place: Place, steps: Sequence[Step]) -> list[Line]:
    """Run phases on one server, disturbed ones again where they can be; `by_key` chooses."""
    lines: list[Line] = []
    with running(place) as server:
        pids = [server.pid, *place.pids]
        for step in steps:
            for _ in range(MOST_TRIES if step.phase in REPEATABLE else 1):
                sys.stdout.write(f"bench: {place.kind}: {step.name}\n")
                sys.stdout.flush()
                found = run_step(program, step, folder=place.folder, pids=pids, base=server.base)
                after = {"state": step.state, "cpu_after_ms": settle(pids)}
                lines += [{**line, **after} for line in found]
                if not any(is_disturbed(line) for line in found):
                    break
    return lines


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
