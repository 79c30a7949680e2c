"""I12: memory, descriptors and tasks go back to where they were."""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.client import Device

if TYPE_CHECKING:
    from tests.support.server import FirnProcess

REQUESTS, POLLS, ROUNDS = 500, 50, 4
GROWTH_BYTES = 10 << 20  # of a round after the first ones, which fill caches


async def gauges(firn: FirnProcess) -> dict[str, float]:
    """The process's figures, as Prometheus reads them."""
    async with aiohttp.ClientSession() as http, http.get(f"{firn.base}/metrics") as answer:
        text = await answer.text()
    found = re.findall(r"^((?:process|firn)_\w+) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def open_descriptors(pid: int) -> int:
    """How many descriptors a process has, as the kernel says."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


async def load(device: Device, room: str) -> None:
    """Requests of several kinds, and long-polls whose clients hang up."""
    await device.sync()
    polls = [
        asyncio.create_task(
            device.call("GET", "/sync", query={"since": device.since, "timeout": 60_000})
        )
        for _ in range(POLLS)
    ]
    await asyncio.sleep(0.3)
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    numbers = iter(range(REQUESTS))

    async def ask() -> None:
        async with Device(device.base) as other:
            other.token = device.token
            for number in numbers:
                kind = number % 4
                if kind == 0:
                    await device.send(room, f"message {number}")
                elif kind == 1:
                    await other.room_call("GET", room, "messages", dir="b", limit=20)
                elif kind == 2:
                    await other.call("GET", "/sync")
                else:
                    with contextlib.suppress(Exception):
                        await other.call("GET", "/rooms/!nowhere/state")

    await asyncio.gather(*(ask() for _ in range(10)))


async def settled(firn: FirnProcess, name: str, most: float) -> float:
    """A figure, once it is at most so much or after some seconds."""
    for _ in range(60):
        value = (await gauges(firn))[name]
        if value <= most:
            break
        await asyncio.sleep(0.1)
    return value


@pytest.mark.timeout(120)
async def test_I12_resources_come_back_after_a_load(firn: FirnProcess) -> None:
    assert firn.process is not None
    pid = firn.process.pid
    async with Device(firn.base) as device:
        await device.register("alice")
        room = await device.create_room()
        for _ in range(2):
            await load(device, room)
    await asyncio.sleep(1)
    base = await gauges(firn)
    open_files = open_descriptors(pid)
    for _ in range(ROUNDS):
        async with Device(firn.base) as again:
            await again.login("alice")
            await load(again, room)
    for name in ("process_open_fds", "firn_tasks"):
        most = base[name] + 2  # the connection that asks, and a housekeeping step
        assert await settled(firn, name, most) <= most, name
    assert open_descriptors(pid) <= open_files + 2
    grown = (await gauges(firn))["process_resident_memory_bytes"]
    assert grown - base["process_resident_memory_bytes"] < GROWTH_BYTES * ROUNDS
