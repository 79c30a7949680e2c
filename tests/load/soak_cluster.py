"""The workers of `tests.load.bus_soak`, and what is done to them and to their broker."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.infrastructure.rocketmq.admin import Admin
from homeserver.infrastructure.rocketmq.names import topic_of

if TYPE_CHECKING:
    from tests.support.broker import OwnRocketMq

ROOT = Path(__file__).parents[2]
NAMES = ("anna", "ben", "cleo")
START_S = 60
START_TRIES = 3
AWAY_S = 5
BACK_S = 60
SETTLE_S = 1.0
"""After a topic's deletion a frame that was stored before may still be read."""
_epochs = count(int(time.time()))


class WorkerProcess:
    """One life of a worker."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name, self._process = name, process
        self.pid = process.pid
        self._turn = asyncio.Lock()

    @classmethod
    async def start(cls, namesrv: str, label: str, rate: float) -> WorkerProcess:
        """Return when it listens."""
        name = f"{label}-{next(_epochs)}"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tests.load.soak_worker", namesrv, name, str(rate)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            limit=64 << 20,
        )
        worker = cls(name, process)
        async with asyncio.timeout(START_S):
            await worker._line()
        return worker

    async def ask(self, **command: Any) -> dict[str, Any]:
        """Return the answer to a command; raises ConnectionError where the process is gone."""
        assert self._process.stdin is not None
        async with self._turn:
            self._process.stdin.write(msgspec.json.encode(command) + b"\n")
            await self._process.stdin.drain()
            return await self._line()

    async def leave(self) -> None:
        """Have it say goodbye."""
        await self._process.communicate(b'{"leave":true}\n')

    async def kill(self) -> None:
        """Kill it."""
        self._process.kill()
        await self._process.wait()

    async def _line(self) -> dict[str, Any]:
        """Return the next answer; other lines are logs."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            if line.startswith(b"{"):
                answer: dict[str, Any] = msgspec.json.decode(line)
                return answer
        raise ConnectionError(f"{self.name} is gone")


class SoakCluster:
    """Three workers that send frames to each other."""

    def __init__(self, broker: OwnRocketMq, rate: float) -> None:
        self._broker, self._rate = broker, rate
        self.workers: dict[str, WorkerProcess] = {}

    async def start(self) -> None:
        """Start all; frames flow when this returns."""
        for label in NAMES:
            await self._join(label)
        await self.flows_since(time.monotonic())

    async def close(self) -> None:
        """Have them leave."""
        for worker in self.workers.values():
            await worker.leave()

    async def quiet(self) -> None:
        """Have nobody send any more."""
        for worker in self.workers.values():
            await worker.ask(peers=[])

    async def flows_since(self, moment: float) -> None:
        """Wait until each has heard from each what was sent after a moment; or TimeoutError."""
        async with asyncio.timeout(BACK_S):
            while not await self._flows_since(moment):
                await asyncio.sleep(0.1)

    async def _flows_since(self, moment: float) -> bool:
        lives = {worker.name for worker in self.workers.values()}
        for worker in self.workers.values():
            moments = (await worker.ask())["moments"]
            if any(moments.get(peer, 0) < moment for peer in lives - {worker.name}):
                return False
        return True

    async def _join(self, label: str) -> None:
        self.workers[label] = await WorkerProcess.start(self._broker.namesrv, label, self._rate)
        await self._introduce()

    async def _introduce(self) -> None:
        """Tell each who the others are."""
        names = [worker.name for worker in self.workers.values()]
        for worker in self.workers.values():
            await worker.ask(peers=[name for name in names if name != worker.name])

    # Faults: each returns the moment from which on frames may flow again.

    async def kill_broker(self, down_s: float) -> float:
        """Kill the broker and start it again some seconds later."""
        await asyncio.to_thread(self._broker.kill)
        await asyncio.sleep(down_s)
        await asyncio.to_thread(self._start_broker)
        return time.monotonic()

    def _start_broker(self) -> None:
        """Start it, patiently: a busy machine may take minutes."""
        for _ in range(START_TRIES - 1):
            try:
                self._broker.start()
            except subprocess.CalledProcessError:
                continue
            return
        self._broker.start()

    async def pause_broker(self, paused_s: float) -> float:
        """Stop the broker for some seconds."""
        self._broker.pause()
        await asyncio.sleep(paused_s)
        self._broker.resume()
        return time.monotonic()

    async def kill_worker(self, label: str) -> float:
        """Kill a worker; another life takes its place at once."""
        await self.workers.pop(label).kill()
        await self._join(label)
        return time.monotonic()

    async def leave_and_join(self, label: str) -> float:
        """Have a worker leave, and come back some seconds later."""
        leaving = self.workers.pop(label)
        await self._introduce()
        await leaving.leave()
        await asyncio.sleep(AWAY_S)
        await self._join(label)
        return time.monotonic()

    async def delete_topic(self, label: str) -> float:
        """Delete the topic that a worker reads."""
        topic = topic_of(self.workers[label].name)
        await asyncio.to_thread(Admin(self._broker.namesrv).delete_topic, topic)
        return time.monotonic() + SETTLE_S
