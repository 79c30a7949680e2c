"""What a frame over RocketMQ costs: `python -m tests.load.bus` (after `make services`).

Two processes: this one sends, a child receives. Latencies are from send() to receive(), by the
machine's one monotonic clock; the processor times are of the whole processes.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from tests.support.buses import rocketmq_maker, worker_id
from tests.support.services import adopt_services

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]
FRAME_BYTES = 1000
PHASES = ((100, 15.0), (1000, 8.0), (5000, 6.0), (10_000, 6.0))
_STAMP = 16


async def receive(namesrv: str, worker: str) -> None:
    """Receive until told to say what came: a line of JSON per line of standard input."""
    arrivals: list[float] = []
    bus = rocketmq_maker(namesrv)()

    def take(frame: bytes) -> None:
        arrivals.append(time.monotonic() - float(frame[:_STAMP]))

    await bus.start(worker, take)
    _say({})
    while await asyncio.to_thread(sys.stdin.readline):
        _say({"lags": arrivals, "cpu": time.process_time()})
        arrivals.clear()
    await bus.close()


def _say(figures: dict[str, Any]) -> None:
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")
    sys.stdout.flush()


class Receiver:
    """The child."""

    def __init__(self, namesrv: str, worker: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.load.bus", namesrv, worker],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def answer(self) -> dict[str, Any]:
        """Read a line of figures; others are logs."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        while not line.startswith("{"):
            line = self._process.stdout.readline()
        figures: dict[str, Any] = msgspec.json.decode(line)
        return figures

    def ask(self) -> dict[str, Any]:
        """Return what came since the last time."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        """Have it leave."""
        self._process.communicate(timeout=20)


async def measure(namesrv: str) -> None:
    """Print a line per rate."""
    worker = worker_id("load")
    receiver = Receiver(namesrv, worker)
    await asyncio.to_thread(receiver.answer)
    bus = rocketmq_maker(namesrv)()
    await bus.start(worker_id("sender"), lambda _frame: None)
    for rate, seconds in PHASES:
        before = await asyncio.to_thread(receiver.ask)
        cpu, broker = time.process_time(), _broker_cpu()
        count = await _send(bus, worker, rate, seconds)
        await asyncio.sleep(1)
        after = await asyncio.to_thread(receiver.ask)
        _print(rate, count, after["lags"], time.process_time() - cpu, after["cpu"] - before["cpu"])
        sys.stdout.write(f"   broker {(_broker_cpu() - broker) / count * 1e6:.0f} us/frame\n")
    await bus.close()
    await asyncio.to_thread(receiver.end)


async def _send(bus: Any, worker: str, rate: int, seconds: float) -> int:
    """Send evenly; return how many."""
    count, begun = 0, time.monotonic()
    while (passed := time.monotonic() - begun) < seconds:
        while count < passed * rate:
            stamp = b"%016.6f" % time.monotonic()
            bus.send(worker, stamp.ljust(FRAME_BYTES, b"\0"))
            count += 1
        await asyncio.sleep(1 / rate if rate <= 1000 else 0.001)
    return count


def _print(rate: int, sent: int, lags: Sequence[float], sender: float, receiver: float) -> None:
    ordered = sorted(lags)
    p50, p99 = (ordered[int(len(ordered) * part)] * 1000 for part in (0.5, 0.99))
    sys.stdout.write(
        f"{rate}/s: sent {sent}, heard {len(lags)}; p50 {p50:.1f} ms, p99 {p99:.1f} ms, "
        f"most {ordered[-1] * 1000:.0f} ms; "
        f"sender {sender / sent * 1e6:.0f}, receiver {receiver / sent * 1e6:.0f} us/frame\n"
    )


def _broker_cpu() -> float:
    """Return the processor seconds of the broker of `make services`."""
    pid = (ROOT / ".services/rocketmq-broker/pid").read_text(encoding="utf-8").split()[0]
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    if sys.argv[1:]:
        asyncio.run(receive(*sys.argv[1:]))
    else:
        adopt_services()
        asyncio.run(measure(os.environ["FIRN_TEST_ROCKETMQ_NAMESRV"]))
