"""Profiles workers while they deliver: `python -m tests.load.cluster.profile across.poll …`.

Prints, for each phase and each worker, the functions that took most time of their own, and
most with what they call. Worker 0 has the senders; in `across` worker 1 has the receivers.
"""

from __future__ import annotations

import asyncio
import pstats
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import build
from tests.load.cluster.fleet import Services, running_fleet
from tests.load.cluster.phases import QUICK, Bench, fanout, set_up
from tests.load.places import fresh

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.cluster.fleet import Fleet

_OPEN_S = 5
"""Seconds that csload is given to open its streams."""
_S = 5
_SHOWN = 45
_FILE = "profile"  # in the folder of each worker, where it runs


def main(names: Sequence[str]) -> int:
    """Profile these phases; returns 0."""
    asyncio.run(_profile(names))
    return 0


async def _profile(names: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, fresh("mysql", Path(folder)) as place:
        bench = Bench(build(), place, Services.running(), QUICK)
        await set_up(bench)
        async with running_fleet(
            bench.csload,
            place,
            bench.services,
            2,
            program="tests.load.profiled",
            FIRN_PROFILE=_FILE,
        ) as fleet:
            for name in names:
                where, _, transport = name.partition(".")
                step = fanout(name, "-transport", transport, "-d", f"{_OPEN_S + _S + 1}s")
                receivers = (1,) if where == "across" else (0,)
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(fleet.run(step, to=(0,), streams=receivers))
                    await _watch(fleet, name)


async def _watch(fleet: Fleet, name: str) -> None:
    """Profile all workers for a while, then print what was found."""
    await asyncio.sleep(_OPEN_S)
    _signal(fleet, signal.SIGUSR1)
    await asyncio.sleep(_S)
    _signal(fleet, signal.SIGUSR2)
    await asyncio.sleep(1)
    for number, worker in enumerate(fleet.workers):
        sys.stdout.write(f"## {name}: worker {number}\n")
        stats = pstats.Stats(str(worker.folder / _FILE))
        stats.sort_stats("tottime").print_stats(_SHOWN)
        stats.sort_stats("cumtime").print_stats(_SHOWN * 2)


def _signal(fleet: Fleet, number: signal.Signals) -> None:
    for worker in fleet.workers:
        if worker.process is not None:
            worker.process.send_signal(number)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
