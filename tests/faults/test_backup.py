"""F14: `firn backup` and `firn restore`, and the clients who know more than the backup."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.client import Device
from tests.support.command import run_here
from tests.support.invariants import Ledger, Watcher, check_room
from tests.support.server import FirnProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class Pair:
    """Alice and Bob in a room, each with a device that talks and one that watches."""

    def __init__(self, talkers: list[Device], watchers: list[Watcher], room: str) -> None:
        self.alice, self.bob = talkers
        self.watchers = watchers
        self.room = room
        self.ledger = Ledger()

    async def say(self, text: str) -> str:
        return await self.ledger.send(self.alice, self.room, quote(text, safe=""), text)

    async def look(self) -> None:
        for watcher in self.watchers:
            await watcher.look()


@pytest_asyncio.fixture
async def pair(firn: FirnProcess) -> AsyncIterator[Pair]:
    """The two, on a running server."""
    alice, alice2, bob, bob2 = devices = [Device(firn.base) for _ in range(4)]
    await alice.register("alice")
    await bob.register("bob")
    await alice2.login("alice")
    await bob2.login("bob")
    room = await alice.create_room(preset="public_chat")
    await bob.room_call("POST", room, "join", {})
    yield Pair([alice, bob], [Watcher(alice2), Watcher(bob2)], room)
    for device in devices:
        await device.__aexit__(None, None, None)


async def backup(firn: FirnProcess, folder: Path) -> None:
    """Save a stopped server."""
    ran = await asyncio.to_thread(run_here, firn, "backup", str(folder))
    assert (ran.code, ran.err) == (0, ""), ran
    assert str(folder) in ran.out


async def restore(firn: FirnProcess, folder: Path) -> None:
    """Bring it back."""
    ran = await asyncio.to_thread(run_here, firn, "restore", str(folder))
    assert (ran.code, ran.err) == (0, ""), ran


@pytest.mark.timeout(120)
async def test_F14_clients_with_newer_tokens_are_answered(
    firn: FirnProcess, pair: Pair, tmp_path: Path
) -> None:
    """No wait, no gap: what is in the store shows, what was lost may be sent again."""
    for number in range(5):
        await pair.say(f"kept {number}")
    await pair.look()
    await firn.stop()
    await backup(firn, tmp_path / "backup")
    await firn.start()
    lost = [await pair.say(f"lost {number}") for number in range(30)]
    await pair.look()
    await firn.stop()
    await restore(firn, tmp_path / "backup")
    await firn.start()

    loop = asyncio.get_running_loop()
    for watcher in pair.watchers:
        started = loop.time()
        answer = await watcher.device.sync(0)
        assert loop.time() - started < 2
        assert pair.room not in answer.get("rooms", {}).get("join", {})
    waiting = asyncio.create_task(pair.watchers[1].device.sync(20_000))
    await asyncio.sleep(0.2)
    # the transactions of what was lost are free again; the ledger starts anew for them
    kept = {key: value for key, value in pair.ledger.ids.items() if value not in lost}
    pair.ledger = Ledger(kept, {value: pair.ledger.texts[value] for value in kept.values()})
    for number in range(3):
        await pair.say(f"lost {number}")
    await asyncio.wait_for(waiting, 3)
    for watcher in pair.watchers:
        watcher.seen[pair.room] = [e for e in watcher.seen[pair.room] if e not in lost]
    first = waiting.result()["rooms"]["join"][pair.room]["timeline"]["events"]
    pair.watchers[1].seen[pair.room] += [event["event_id"] for event in first]
    await check_room([pair.alice, pair.bob], pair.room, pair.ledger, pair.watchers)


@pytest.mark.timeout(120)
async def test_F14_a_backup_goes_into_the_other_kind_of_store(
    firn: FirnProcess, pair: Pair, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    for number in range(5):
        await pair.say(f"kept {number} ä 🌹")
    await pair.look()
    await firn.stop()
    await backup(firn, tmp_path / "backup")
    url = "" if firn.database_url else request.getfixturevalue("mysql_database_url")
    other = tmp_path / "other"
    other.mkdir()
    moved = FirnProcess(other, url, firn.settings, firn.port)
    await restore(moved, tmp_path / "backup")
    await moved.start()
    try:
        await pair.say("after the move")
        await check_room([pair.alice, pair.bob], pair.room, pair.ledger, pair.watchers)
        async with Device(moved.base) as again:
            await again.login("alice")
    finally:
        await moved.stop()
    key = (other / "data" / "signing.key").read_bytes()
    assert key == (firn.folder / "data" / "signing.key").read_bytes()
