"""`firn bench move`: how long a live embedded server is read-only while it moves to MariaDB.

A server on a store of many messages goes on being written to; `firn move` moves it.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import LoadError
from tests.load.engine import opened
from tests.load.places import fresh
from tests.load.report import markdown
from tests.load.server import SERVER_NAME, running
from tests.load.storage import write_messages
from tests.support.client import Device, MatrixRefusal
from tests.support.command import run_firn
from tests.support.server import FirnProcess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.places import Place

TARGET_SECONDS = 5.0
"""For 10^5 events."""
WRITERS = 4
_FOUND = re.compile(r"moved (\d+) rows; nothing could be written for ([\d.]+) s")


@dataclass(slots=True)
class Measured:
    """A move: rows, seconds in all and read-only, and messages that were sent meanwhile."""

    rows: int
    seconds: float
    read_only: float
    sent: int


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; returns 1 where it took too long or cannot be measured."""
    parser = argparse.ArgumentParser(prog="firn bench move", description=__doc__)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rooms", type=int, default=1000)
    options = parser.parse_args(arguments)
    try:
        found = _measure(options.events, options.rooms)
    except LoadError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.write(_table(found, options.events))
    return 0 if found.read_only <= TARGET_SECONDS * options.events / 100_000 else 1


def _measure(events: int, rooms: int) -> Measured:
    with (
        tempfile.TemporaryDirectory(prefix="firn-bench-") as name,
        fresh("sqlite", Path(name)) as source,
        fresh("mysql", Path(name)) as target,
    ):
        asyncio.run(_fill(source, events, rooms))
        with running(source) as server:
            return asyncio.run(_move(source, server.base, target.url))


async def _fill(source: Place, events: int, rooms: int) -> None:
    began = time.monotonic()
    async with opened(source) as engine:
        await write_messages(engine.core, events, rooms)
    sys.stdout.write(f"bench: {events:,} events in {time.monotonic() - began:.0f} s\n")


async def _move(source: Place, base: str, url: str) -> Measured:
    firn = FirnProcess(source.folder, settings={"FIRN__SERVER_NAME": SERVER_NAME})
    async with Device(base) as device:
        await device.register("writer")
        room = await device.create_room()
        sent = [0] * WRITERS
        tasks = [asyncio.create_task(_write(device, room, sent, n)) for n in range(WRITERS)]
        began = time.monotonic()
        ran = await run_firn(firn, "move", "--read-only", "600", text=url + "\n", seconds=1_800)
        seconds = time.monotonic() - began
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    match = _FOUND.search(ran.out)
    if match is None:
        raise LoadError(f"the move failed: {ran.err}")
    return Measured(int(match[1]), seconds, float(match[2]), sum(sent))


async def _write(device: Device, room: str, sent: list[int], own: int) -> None:
    """Send one message after another until there is nobody to write."""
    while True:
        try:
            await device.send(room, "meanwhile", txn=f"{own}-{sent[own]}")
        except MatrixRefusal:
            await asyncio.sleep(0.1)
        else:
            sent[own] += 1


def _table(found: Measured, events: int) -> str:
    return markdown(
        ["moving", "measured", "target"],
        [
            ["events before", f"{events:,}", ""],
            ["messages sent meanwhile", f"{found.sent:,}", ""],
            ["rows", f"{found.rows:,}", ""],
            ["whole move", f"{found.seconds:.1f} s", ""],
            [
                "read-only",
                f"{found.read_only:.2f} s",
                f"{TARGET_SECONDS * events / 100_000:.1f} s",
            ],
        ],
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
