"""What workers do for each other, over real processes, with and without what connects them."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from homeserver.application.forwarding.crowded import preferred_worker
from tests.support.client import Device, MatrixRefusal
from tests.support.redis import eventually
from tests.support.server import free_port
from tests.support.streaming import streaming
from tests.support.workers import running_workers

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.server import FirnProcess

BOUND = 1.0
SLACK = 0.5
NAMES = ("a", "b", "c")


def _there(device: Device, worker: FirnProcess) -> Device:
    """The same session at another worker."""
    other = Device(worker.base)
    other.user_id, other.device_id, other.token = device.user_id, device.device_id, device.token
    return other


async def _together(worker: FirnProcess, *names: str) -> tuple[str, list[Device]]:
    """Users of these names in one room."""
    devices = [await Device(worker.base).register(name) for name in names]
    room = await devices[0].create_room(preset="public_chat")
    for device in devices[1:]:
        await device.room_call("POST", room, "join", {})
    return room, devices


async def _read_all(socket: Any) -> None:
    while True:
        await socket.sync()


@pytest.mark.parametrize("services", ["up", "down"])
async def test_F4_F5_revocation_holds_on_another_worker_within_a_second(
    tmp_path: Path, mysql_database_url: str, services: str
) -> None:
    dead = {
        "FIRN__REDIS__URL": f"redis://127.0.0.1:{free_port()}/0",
        "FIRN__ROCKETMQ__NAMESRV": f"127.0.0.1:{free_port()}",
    }
    settings = dead if services == "down" else {}
    async with running_workers(tmp_path, mysql_database_url, "a", "b", **settings) as workers:
        room, (romeo, juliet, nurse) = await _together(workers[0], "romeo", "juliet", "nurse")
        kicked, ended = _there(juliet, workers[1]), _there(nurse, workers[1])
        await eventually(lambda: _is_in(kicked, room), 5)
        async with streaming(kicked) as hers, streaming(ended) as other:
            await other.sync()
            reader = asyncio.create_task(_read_all(hers))
            await romeo.room_call("POST", room, "kick", {"user_id": juliet.user_id})
            await romeo.send(room, "after the kick")
            with pytest.raises(MatrixRefusal) as refusal:
                await kicked.send(room, "still here")
            assert refusal.value.status == 403
            assert await eventually(lambda: room in kicked.left, BOUND + SLACK) >= 0
            await nurse.call("POST", "/logout", {})
            answered = time.monotonic()
            closed = await other.closed()
            assert (closed.code, closed.errcode) == (4001, "M_UNKNOWN_TOKEN")
            assert time.monotonic() - answered < BOUND + SLACK
            with pytest.raises(MatrixRefusal) as refusal:
                await ended.sync()
            assert refusal.value.status == 401
            reader.cancel()
        assert "after the kick" not in kicked.left[room].bodies
        for device in (romeo, juliet, nurse, kicked, ended):
            await device.__aexit__(None, None, None)


async def _is_in(device: Device, room: str) -> bool:
    await device.sync()
    return room in device.rooms


async def test_F1_who_types_on_a_worker_that_is_killed_is_gone_after_the_timeout(
    tmp_path: Path, mysql_database_url: str
) -> None:
    async with running_workers(tmp_path, mysql_database_url, "a", "b") as workers:
        room, (romeo, juliet) = await _together(workers[0], "romeo", "juliet")
        watcher = _there(juliet, workers[1])
        await eventually(lambda: _is_in(watcher, room), 5)
        seen = watcher.rooms[room]
        async with streaming(watcher) as socket:
            reader = asyncio.create_task(_read_all(socket))
            path = f"typing/{romeo.user_id}"
            body = {"typing": True, "timeout": 3000}

            async def keystroke() -> bool:
                """Where she is online is known to his worker within a second."""
                await romeo.room_call("PUT", room, path, body)
                await asyncio.sleep(0.3)
                return seen.typing == [romeo.user_id]

            await eventually(keystroke, 4)
            began = time.monotonic()
            await workers[0].stop(signal.SIGKILL)
            await eventually(lambda: seen.typing == [], 5)
            assert time.monotonic() - began > 2.0
            reader.cancel()
        for device in (romeo, juliet, watcher):
            await device.__aexit__(None, None, None)


async def _messages(device: Device, room: str) -> list[dict[str, Any]]:
    """All messages of a room that a worker shows, newest first."""
    events: list[dict[str, Any]] = []
    start: str | None = None
    while True:
        query = {"from": start} if start else {}
        page = await device.room_call("GET", room, "messages", dir="b", limit=100, **query)
        events += [event for event in page["chunk"] if event["type"] == "m.room.message"]
        start = page.get("end")
        if start is None:
            return events


async def _taken(worker: FirnProcess) -> int:
    """How many writes a worker did for others."""
    async with aiohttp.ClientSession() as http, http.get(f"{worker.base}/metrics") as answer:
        for line in (await answer.text()).splitlines():
            if line.startswith('firn_forwarded_writes_total{fate="taken"}'):
                return int(float(line.split()[-1]))
    return 0


async def test_I1_I2_the_preferred_worker_of_a_crowded_room_is_paused_and_killed(
    tmp_path: Path, mysql_database_url: str
) -> None:
    async with running_workers(tmp_path, mysql_database_url, *NAMES) as workers:
        room, devices = await _together(workers[0], "romeo", "juliet", "nurse")
        lives = [f"{name}-1" for name in NAMES]
        chosen = lives.index(preferred_worker(room, lives))
        preferred = workers[chosen]
        asked = [worker for worker in workers if worker is not preferred]
        said: dict[str, str] = {}

        async def say(device: Device, n: int) -> None:
            text = f"{device.user_id} {n}"
            device.base = asked[n % 2].base
            first = await device.send(room, text, txn=f"t{n}")
            assert said.setdefault(text, first) == first

        async def storm(numbers: range) -> None:
            for start in numbers[::5]:
                batch = range(start, start + 5)
                await asyncio.gather(*(say(device, n) for device in devices for n in batch))

        first = 0
        while await _taken(preferred) == 0:  # only what clashes is handed over
            await storm(range(first, first + 20))
            first += 20
            assert first < 1000, "no write was handed over"
        assert preferred.process is not None
        talking = asyncio.create_task(storm(range(first, first + 20)))
        await asyncio.sleep(0.1)
        preferred.process.send_signal(signal.SIGSTOP)
        await talking
        preferred.process.send_signal(signal.SIGCONT)
        talking = asyncio.create_task(storm(range(first + 20, first + 40)))
        await asyncio.sleep(0.1)
        await preferred.stop(signal.SIGKILL)
        await talking
        await storm(range(first, first + 40))  # the same transactions, at the other of the two
        devices[0].base = asked[0].base
        async with asyncio.timeout(2.0):  # what the other one wrote last comes with the tail
            while len(events := await _messages(devices[0], room)) < len(said):
                await asyncio.sleep(0.05)
        assert {e["content"]["body"]: e["event_id"] for e in events} == said
        assert len(events) == len(said) == 3 * (first + 40)
        for device in devices:
            await device.__aexit__(None, None, None)
