"""A worker of `tests.load.bus_soak`: `python -m tests.load.soak_worker NAMESRV WORKER RATE`.

It sends frames to its peers round about, RATE a second together, and keeps account of what it
hears. It takes commands from its standard input, a JSON object a line, and answers each with a
line of JSON.
"""

from __future__ import annotations

import asyncio
import random
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import msgspec
import structlog

from homeserver.infrastructure.telemetry.metrics import REGISTRY
from tests.support.buses import rocketmq_maker

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.event_bus import EventBus

SIZES = (1000, 4000)
STEADY, BURST = b"s", b"b"
_PADDING = b"." * SIZES[1]


class Received:
    """What one sender sent us: `number` counts its frames to us, from 0."""

    def __init__(self) -> None:
        self.next = 0
        self.moment = 0.0  # of the newest frame
        self.gaps: list[tuple[int, int, float, float]] = []  # numbers, and when they were sent

    def take(self, number: int, moment: float) -> str:
        """Return what a frame is: `new`, `repeated`, or `late` (it fills a gap)."""
        if number < self.next:
            is_late = any(first <= number < end for first, end, _, _ in self.gaps)
            return "late" if is_late else "repeated"
        if number > self.next:
            self.gaps.append((self.next, number, self.moment or moment, moment))
        self.next, self.moment = number + 1, moment
        return "new"


class SoakWorker:
    """Sends, listens, counts."""

    def __init__(self, bus: EventBus, worker: str, rate: float) -> None:
        self._bus, self._worker, self._rate = bus, worker, rate
        self._peers: Sequence[str] = ()
        self._sent: Counter[str] = Counter()
        self._received: dict[str, Received] = {}
        self._fates: Counter[str] = Counter()
        self._lags: dict[bytes, list[float]] = {STEADY: [], BURST: []}
        self._told = 0.0  # up to when gaps were told

    def take(self, frame: bytes) -> None:
        """Keep account of a frame."""
        now = time.monotonic()
        sender, number, moment, kind = frame.split(b" ", 4)[:4]
        received = self._received.setdefault(sender.decode(), Received())
        fate = received.take(int(number), float(moment))
        self._fates[fate] += 1
        if fate == "new":
            self._lags[kind].append(round((now - float(moment)) * 1000, 2))

    async def send_steadily(self) -> None:
        """Send for ever, to the peers in turn."""
        turn, due = 0, time.monotonic()
        while True:
            due = max(due + 1 / self._rate, time.monotonic() - 1)
            await asyncio.sleep(due - time.monotonic())
            if self._peers:
                turn += 1
                self._send(self._peers[turn % len(self._peers)], STEADY)

    def burst(self, count: int) -> None:
        """Send many frames to the first peer at once."""
        for _ in range(count):
            self._send(self._peers[0], BURST)

    def _send(self, target: str, kind: bytes) -> None:
        head = b"%s %d %.6f %s " % (
            *(self._worker.encode(), self._sent[target], time.monotonic(), kind),
        )
        self._sent[target] += 1
        self._bus.send(target, head + _PADDING[: random.randint(*SIZES) - len(head)])

    def answer(self, command: dict[str, Any]) -> dict[str, Any]:
        """Do what a command says; return figures where it asks for some."""
        if "peers" in command:
            self._peers = command["peers"]
        if "burst" in command:
            self.burst(command["burst"])
        if "figures" in command:
            return self._figures()
        return {"moments": {sender: r.moment for sender, r in self._received.items()}}

    def _figures(self) -> dict[str, Any]:
        """Return what happened since the last time; gaps and counts per peer since ever."""
        figures = {
            "sent": dict(self._sent),
            "next": {sender: r.next for sender, r in self._received.items()},
            "gaps": [[sender, *gap] for sender, r in self._received.items() for gap in r.gaps],
            "fates": dict(self._fates),
            "steady": self._lags[STEADY],
            "burst": self._lags[BURST],
            "expired": _count("firn_bus_frames_total", fate="expired"),
            "crowded": _count("firn_bus_frames_total", fate="crowded out"),
            "rebuilds": sum(
                _count("firn_bus_rebuilds_total", client=client)
                for client in ("consumer", "producer")
            ),
        }
        self._fates, self._lags = Counter(), {STEADY: [], BURST: []}
        return figures


def _count(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def _say(figures: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    sys.stdout.flush()


async def main() -> None:
    """Serve until `{"leave": true}` or the end of the commands."""
    namesrv, name, rate = sys.argv[1:]
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    bus = rocketmq_maker(namesrv)()
    worker = SoakWorker(bus, name, float(rate))
    await bus.start(name, worker.take)
    _say({})
    sending = asyncio.create_task(worker.send_steadily())
    while line := await asyncio.to_thread(sys.stdin.readline):
        command = msgspec.json.decode(line)
        if "leave" in command:
            break
        _say(worker.answer(command))
    sending.cancel()
    await bus.close()


if __name__ == "__main__":
    asyncio.run(main())
