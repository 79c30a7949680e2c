"""One room hammered through several workers: `python -m tests.load.crowded_room`.

After `make services`. Rounds are interleaved, because the machine is not the same twice: all
senders at one worker, then spread over all workers with and without forwarded writes.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import aiohttp

from tests.support.client import Device
from tests.support.databases import database_of_its_own
from tests.support.services import adopt_services, require_service
from tests.support.workers import running_workers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.support.server import FirnProcess

WORKERS = ("a", "b", "c")
_FATES = re.compile(r'^firn_forwarded_writes_total{fate="(.*)"} (.*)$', re.MULTILINE)


@dataclass
class Round:
    """What one round showed; rates are messages a second, latencies milliseconds."""

    seconds: float = 0.0
    latencies: list[float] = field(default_factory=list)
    cpu: float = 0.0
    fates: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        """One line of figures."""
        spread = sorted(self.latencies)
        p99 = spread[int(len(spread) * 0.99)] * 1000
        cost = self.cpu / len(spread) * 1000
        return (
            f"{len(spread) / self.seconds:7.0f}/s  p50 {median(spread) * 1000:6.1f} ms  "
            f"p99 {p99:6.1f} ms  workers' CPU {cost:4.2f} ms each  {dict(self.fates) or ''}"
        )


class Crowd:
    """Senders in one room, `each` per worker, each one message at a time."""

    def __init__(self, workers: Sequence[FirnProcess], each: int) -> None:
        self.workers = workers
        self.each = each
        self.phones: list[Device] = []
        self.room = ""

    async def gather(self) -> None:
        """Register and join."""
        for number in range(len(self.workers)):
            phone = Device(self.workers[number].base)
            await phone.register(f"sender{number}")
            self.phones.append(phone)
        self.room = await self.phones[0].create_room(preset="public_chat")
        for phone in self.phones[1:]:
            await phone.room_call("POST", self.room, "join", {})

    async def leave(self) -> None:
        """Close all connections."""
        for phone in self.phones:
            await phone.__aexit__(None, None, None)

    async def hammer(self, seconds: float, *, spread: bool) -> Round:
        """Send for so long, everybody at one worker or each at one."""
        for phone, worker in zip(self.phones, self.workers, strict=True):
            phone.base = (worker if spread else self.workers[0]).base
        result = Round()
        fates, cpu, start = await self._fates(), self._cpu(), time.monotonic()
        end = start + seconds
        await asyncio.gather(
            *(self._send(phone, end, result) for phone in self.phones for _ in range(self.each))
        )
        result.seconds = time.monotonic() - start
        result.cpu = self._cpu() - cpu
        result.fates = await self._fates() - fates
        return result

    async def _send(self, phone: Device, end: float, result: Round) -> None:
        while (begin := time.monotonic()) < end:
            await phone.send(self.room, "hammer")
            result.latencies.append(time.monotonic() - begin)

    async def _fates(self) -> Counter[str]:
        """What became so far of writes that a worker handed to another."""
        total = Counter[str]()
        async with aiohttp.ClientSession() as http:
            for worker in self.workers:
                async with http.get(f"{worker.base}/metrics") as answer:
                    for fate, number in _FATES.findall(await answer.text()):
                        total[fate] += int(float(number))
        return total

    def _cpu(self) -> float:
        """Processor seconds of all workers so far."""
        total = 0
        for worker in self.workers:
            assert worker.process is not None
            fields = Path(f"/proc/{worker.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
            total += int(fields[11]) + int(fields[12])
        return total / 100


async def measure(rounds: int, seconds: float, each: int) -> None:
    """Print a line for each round."""
    async with AsyncExitStack() as stack:
        crowds = {}
        for name, forward in (("with", "true"), ("without", "false")):
            url = stack.enter_context(database_of_its_own(require_service("mysql")))
            folder = Path(stack.enter_context(TemporaryDirectory()))
            settings = {"FIRN__CLUSTER__FORWARD_WRITES": forward, "FIRN__LOG__LEVEL": "warning"}
            names = [f"{name}-{worker}" for worker in WORKERS]
            workers = await stack.enter_async_context(
                running_workers(folder, url, *names, **settings)
            )
            crowd = crowds[name] = Crowd(workers, each)
            await crowd.gather()
            stack.push_async_callback(crowd.leave)
        for _ in range(rounds):
            _say("one worker              ", await crowds["with"].hammer(seconds, spread=False))
            for name, crowd in crowds.items():
                _say(f"three, {name:7} forwarding", await crowd.hammer(seconds, spread=True))


def _say(name: str, result: Round) -> None:
    sys.stdout.write(f"{name}  {result}\n")
    sys.stdout.flush()


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--each", type=int, default=8, help="senders per worker")
    options = parser.parse_args()
    adopt_services()
    asyncio.run(measure(options.rounds, options.seconds, options.each))


if __name__ == "__main__":
    main()
