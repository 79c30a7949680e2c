"""F14: `firn backup` and `firn restore`, and the clients who know more than the backup."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
import pytest_asyncio

from tests.support.client import Device
from tests.support.command import run_firn
from tests.support.invariants import Ledger, Watcher, check_room
from tests.support.server import FirnProcess, running_firn

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
    ran = await run_firn(firn, "backup", str(folder))
    assert (ran.code, ran.err) == (0, ""), ran
    assert str(folder) in ran.out


async def restore(firn: FirnProcess, folder: Path) -> None:
    """Bring it back."""
    ran = await run_firn(firn, "restore", str(folder))
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


async def test_F14_what_cannot_be_restored_changes_nothing(
    firn: FirnProcess, pair: Pair, tmp_path: Path
) -> None:
    await pair.say("kept")
    await firn.stop()
    await backup(firn, tmp_path / "backup")
    dump = tmp_path / "backup" / "store.dump.gz"
    whole = dump.read_bytes()
    broken = {
        "cut": whole[: len(whole) // 2],
        "flipped": whole[:200] + bytes([whole[200] ^ 0xFF]) + whole[201:],
        "empty": b"",
        "no backup": b"hello",
    }
    for name, data in broken.items():
        dump.write_bytes(data)
        ran = await run_firn(firn, "restore", str(tmp_path / "backup"))
        assert ran.code == 3, (name, ran)
        assert ran.err.startswith("firn: "), (name, ran.err)
        assert ran.err.count("\n") == 1, (name, ran.err)
    dump.write_bytes(whole)
    stranger = FirnProcess(tmp_path / "stranger", settings={"FIRN__SERVER_NAME": "else.test"})
    ran = await run_firn(stranger, "restore", str(tmp_path / "backup"))
    assert (ran.code, ran.err.count("\n")) == (3, 1), ran
    assert "firn.test" in ran.err
    await firn.start()
    await check_room([pair.alice, pair.bob], pair.room, pair.ledger)


async def test_F14_commands_say_in_one_line_what_is_wrong(tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "file").touch()
    async with running_firn(tmp_path) as firn:
        nobody = FirnProcess(tmp_path, "mysql://nobody:x@127.0.0.1:1/nothing")
        wrong = FirnProcess(tmp_path, "postgres://nobody@127.0.0.1/nothing")
        for where, arguments in (
            (firn, ("backup", str(tmp_path / "running"))),
            (firn, ("backup", str(full))),
            (firn, ("restore", str(tmp_path / "nowhere"))),
            (firn, ("user", "add", "carol")),
            (nobody, ("backup", str(tmp_path / "one"))),
            (nobody, ("migrate",)),
            (nobody, ("user", "add", "carol")),
            (wrong, ("backup", str(tmp_path / "two"))),
            (wrong, ("migrate",)),
        ):
            ran = await run_firn(where, *arguments, text="a long password\n")
            assert ran.code == 3, (arguments, ran)
            assert ran.err.startswith("firn: "), (arguments, ran.err)
            assert ran.err.count("\n") == 1, (arguments, ran.err)
            assert "nobody:x" not in ran.err
