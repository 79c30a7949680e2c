"""`firn bench micro`: the hot path's functions, one at a time.

Each is called in a loop that takes about `--ms` milliseconds, `--repeats` times; the median and
the best are shown, in microseconds per call. The best is steady from run to run, the median
says how disturbed this one was.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from pathlib import Path
from timeit import Timer
from typing import TYPE_CHECKING

from tests.load.pieces import PIECES
from tests.load.report import markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Result = dict[str, float]


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; print the table; returns 0."""
    options = _options(arguments)
    wanted = {name: make for name, make in PIECES.items() if options.only in name}
    found = {
        name: measure(make(), seconds=options.ms / 1000, repeats=options.repeats)
        for name, make in wanted.items()
    }
    rows = [[name, *(f"{found[name][key]:.2f}" for key in ("best", "median"))] for name in found]
    sys.stdout.write(markdown(["µs per call", "best", "median"], rows))
    if options.json:
        Path(options.json).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="firn bench micro", description=__doc__)
    parser.add_argument("--ms", type=float, default=50.0, help="length of one repeat")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--only", default="", help="pieces whose name contains this")
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    return parser.parse_args(arguments)


def measure(call: Callable[[], object], *, seconds: float, repeats: int) -> Result:
    """Return best and median microseconds per call, and the calls per repeat."""
    timer = Timer(call)
    calls, taken = timer.autorange()
    number = max(1, round(calls * seconds / taken))
    times = [t / number * 1e6 for t in timer.repeat(repeats, number)]
    return {"best": min(times), "median": statistics.median(times), "calls": number}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
