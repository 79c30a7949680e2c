"""An hour of RocketMQ: `python -m tests.load.bus_soak --minutes 60 --rate 50`.

Three workers, each a process, send each other frames at a steady rate, with a burst each minute,
while a broker of their own is killed, paused and robbed of topics, and workers come and go. What
happened goes to `.cache/bus-soak.jsonl` as it happens; `tests.load.soak_report` judges it.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tests.load import soak_report
from tests.load.client import CACHE
from tests.load.soak_cluster import NAMES, SoakCluster
from tests.load.soak_report import RECORD
from tests.support.broker import own_rocketmq

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from tests.support.broker import OwnRocketMq

BURST = 2000
DRAIN_S = 5.0
HOUR = 60
# When, in minutes of an hour; what; how long or whom. A shorter run has them closer together.
FAULTS: Sequence[tuple[float, str, float | str]] = (
    (5, "kill_broker", 3.0),
    (10, "pause_broker", 5.0),
    (14, "kill_worker", "ben"),
    (18, "kill_broker", 20.0),
    (22, "leave_and_join", "cleo"),
    (26, "delete_topic", "anna"),
    (30, "kill_broker", 5.0),
    (34, "pause_broker", 20.0),
    (38, "kill_worker", "ben"),
    (42, "kill_broker", 60.0),
    (46, "leave_and_join", "cleo"),
    (49, "delete_topic", "ben"),
    (52, "kill_broker", 3.0),
    (55, "pause_broker", 3.0),
)


class Soak:
    """One run."""

    def __init__(self, cluster: SoakCluster, broker: OwnRocketMq, minutes: float) -> None:
        self._cluster, self._broker, self._minutes = cluster, broker, minutes
        self._begun = time.monotonic()
        self._membership = asyncio.Lock()  # nobody is asked while workers come and go

    async def run(self, note: Callable[[dict[str, Any]], None]) -> None:
        """Have everything happen; `note` is given records, in their order."""
        note({"begun": self._begun, "minutes": self._minutes, "pids": [os.getpid()]})
        faults = asyncio.create_task(self._faults(note))
        minute = 0
        while minute < self._minutes:
            await self._until(minute + 0.5)
            await self._burst(minute)
            minute += 1
            await self._until(minute)
            note(await self._minute(minute))
        await faults
        await self._cluster.flows_since(time.monotonic())
        await self._cluster.quiet()
        await asyncio.sleep(DRAIN_S)
        note({"end": True, **await self._minute(minute + 1)})

    async def _until(self, minute: float) -> None:
        await asyncio.sleep(self._begun + minute * 60 - time.monotonic())

    async def _faults(self, note: Callable[[dict[str, Any]], None]) -> None:
        for minute, kind, argument in FAULTS:
            await self._until(minute * self._minutes / HOUR)
            began = time.monotonic()
            ended = await self._fault(kind, argument)
            back: float | None = None
            with suppress(TimeoutError):  # the report says so
                await self._cluster.flows_since(ended)
                back = time.monotonic()
            note({"fault": kind, "of": argument, "began": began, "ended": ended, "back": back})

    async def _fault(self, kind: str, argument: float | str) -> float:
        fault: Callable[[float | str], Awaitable[float]] = getattr(self._cluster, kind)
        if isinstance(argument, float):
            return await fault(argument)
        async with self._membership:
            return await fault(argument)

    async def _burst(self, minute: int) -> None:
        async with self._membership:
            await self._cluster.workers[NAMES[minute % len(NAMES)]].ask(burst=BURST)

    async def _minute(self, minute: int) -> dict[str, Any]:
        async with self._membership:
            workers = list(self._cluster.workers.values())
            figures = {worker.name: await worker.ask(figures=True) for worker in workers}
        pids = {worker.name: worker.pid for worker in workers}
        broker = self._broker.broker_pid
        if broker is not None:
            pids[f"broker {broker}"] = broker
        return {
            "minute": minute,
            "moment": time.monotonic(),
            "load": os.getloadavg()[0],
            "workers": figures,
            "processes": {
                name: found for name, pid in pids.items() if (found := process_figures(pid))
            },
        }


def process_figures(pid: int) -> dict[str, float]:
    """Return KiB of memory, threads, file descriptors and processor seconds of a process.

    Nothing of one that has ended, and was not waited for yet.
    """
    status = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    )
    if "VmRSS" not in status:
        return {}
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return {
        "rss_kb": int(status["VmRSS"].split()[0]),
        "threads": int(status["Threads"]),
        "files": len(list(Path(f"/proc/{pid}/fd").iterdir())),
        "cpu_s": (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK"),
    }


async def soak(broker: OwnRocketMq, minutes: float, rate: float) -> None:
    """Run; write the record."""
    cluster = SoakCluster(broker, rate)
    try:
        await cluster.start()
        with RECORD.open("wb", buffering=0) as file:
            await Soak(cluster, broker, minutes).run(lambda record: print_line(file.write, record))
    finally:
        await cluster.close()


def print_line(write: Callable[[bytes], object], record: dict[str, Any]) -> None:
    """Write a record as a line of JSON."""
    write(msgspec.json.encode(record) + b"\n")


def main(arguments: Sequence[str] = ()) -> int:
    """Run, and judge; returns 0, or 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="firn bench bus-soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--rate", type=float, default=50, help="frames a second of each worker")
    parser.add_argument("--write", action="store_true", help="write docs/operate/bus-soak.md")
    options = parser.parse_args(arguments)
    CACHE.mkdir(exist_ok=True)
    with own_rocketmq() as broker:
        asyncio.run(soak(broker, options.minutes, options.rate))
    return soak_report.main(["--write"] if options.write else [])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
