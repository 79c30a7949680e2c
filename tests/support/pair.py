"""Two worker processes, and two people who talk across them."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import TYPE_CHECKING

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from tests.support.busy import busy
from tests.support.client import Device
from tests.support.workers import cluster_worker

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess

LATE = 1.0
"""Seconds after which a message is there, whatever has failed but the store."""
_PATIENCE_S = 30


def late() -> float:
    """LATE, on a machine that has time."""
    return LATE * busy()


@dataclass
class Pair:
    """Romeo talks to worker `a`, Juliet to `b`; they share a room."""

    a: FirnProcess
    b: FirnProcess
    romeo: Device
    juliet: Device
    room: str

    async def says(self, speaker: Device, listener: Device, text: str) -> float:
        """Send a text to a listener who waits for it; how many seconds that took."""
        hears = asyncio.create_task(self.hears(listener, text))
        await asyncio.sleep(0.05)  # so that the poll waits on its worker
        begun = perf_counter()
        await speaker.send(self.room, text)
        return await hears - begun

    async def hears(self, listener: Device, text: str) -> float:
        """Sync until a text is there; the moment."""
        async with asyncio.timeout(_PATIENCE_S):
            while text not in listener.rooms[self.room].bodies:
                await listener.sync(5_000)
        return perf_counter()


@asynccontextmanager
async def open_pair(
    folder: Path, database_url: str, oddity: str = "", **settings: str
) -> AsyncIterator[Pair]:
    """Start the workers, `a` with an oddity (`tests.support.odd_worker`); both have synced."""
    a, b = (cluster_worker(folder, name, database_url, **settings) for name in "ab")
    if oddity:
        a.program, a.arguments = "tests.support.odd_worker", (oddity,)
    async with AsyncExitStack() as stack:
        for worker in (a, b):
            stack.push_async_callback(worker.stop)
            await worker.start()
        romeo, juliet = [await stack.enter_async_context(Device(a.base)) for _ in range(2)]
        await romeo.register("romeo")
        await juliet.register("juliet")
        juliet.base = b.base
        room = await romeo.create_room(preset="public_chat")
        await juliet.call("POST", f"/join/{room}")
        for device in (romeo, juliet):
            while room not in device.rooms:
                await device.sync(1_000)
        yield Pair(a, b, romeo, juliet, room)


async def figure(worker: FirnProcess, name: str, **labels: str) -> float:
    """A figure of a worker's `/metrics`; 0 where there is none."""
    async with aiohttp.ClientSession() as http, http.get(f"{worker.base}/metrics") as answer:
        text = await answer.text()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return 0.0
