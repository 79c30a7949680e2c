"""The index follows the rooms by itself: soon, over restarts, on one worker of several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from homeserver.application.search import keep_filled
from homeserver.application.search.fill_index import FillIndex
from homeserver.application.search.read_people import PEOPLE
from homeserver.infrastructure.sql.slot import release
from tests.integration.search.conftest import hits
from tests.support.cluster import open_cluster
from tests.support.syncing import now

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.support.cluster import ClusterTown
    from tests.support.store import Store
    from tests.support.syncing import Phone, SyncTown

SOON = 2.0


async def holder(town: ClusterTown) -> bytes:
    """Whose the role is."""
    rows = await town.workers[0].store.dump("role")
    return bytes(rows[0][2])


async def texts(store: Store) -> int:
    """How many texts of events are stored."""
    return sum(row[1] != PEOPLE for row in await store.dump("search_text"))


async def found(phone: Phone, text: str) -> float:
    """Ask until a text is found; how many seconds that took."""
    began = now()
    async with asyncio.timeout(20):
        while text not in await hits(phone, text):
            await asyncio.sleep(0.02)
    return now() - began


async def _grown(store: Store, held: int) -> None:
    """Wait until the index has more than so many texts, without asking for it."""
    async with asyncio.timeout(20):
        while await texts(store) <= held:
            await asyncio.sleep(0.02)


async def test_a_message_is_found_soon(town: SyncTown, romeo: Phone) -> None:
    room = await romeo.create_room()
    await romeo.send(room, "before")
    town.search.keep_filled.start()
    await found(romeo, "before")
    for number in range(3):
        await romeo.send(room, f"message{number}")
        assert f"message{number}" in await hits(romeo, f"message{number}")  # at once
    held = await texts(town.store)
    began = now()
    await romeo.send(room, "that nobody asks for")
    await _grown(town.store, held)
    assert now() - began < SOON


async def test_a_search_does_not_wait_for_an_index_that_stands_still(
    town: SyncTown, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_filled, "CATCH_UP_SECONDS", 0.2)
    room = await romeo.create_room()
    await romeo.send(room, "before")
    town.search.keep_filled.start()
    await found(romeo, "before")
    locked = asyncio.Event()

    async def never(_fill: object) -> bool:
        locked.set()
        return await asyncio.Event().wait()

    monkeypatch.setattr(FillIndex, "__call__", never)
    await romeo.send(room, "after")
    await asyncio.wait_for(locked.wait(), 5)
    assert await hits(romeo, "after") == []
    assert await hits(romeo, "before") == ["before"]


async def test_a_rush_of_writes_goes_first_but_not_for_ever(
    town: SyncTown, romeo: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_filled, "RUSH", 3)
    monkeypatch.setattr(keep_filled, "RUSH_PAUSES", 5)
    room = await romeo.create_room()
    await romeo.send(room, "before")
    town.search.keep_filled.start()
    await found(romeo, "before")
    held, began = await texts(town.store), now()
    await romeo.send(room, "rushed")

    async def rush() -> None:
        while True:
            await asyncio.gather(*(romeo.send(room, "noise") for _ in range(3)))

    rushing = asyncio.create_task(rush())
    await _grown(town.store, held)
    rushing.cancel()
    assert now() - began > 3 * keep_filled.PAUSE_SECONDS


async def test_what_came_while_nobody_looked_is_found_after_a_restart(
    town: SyncTown, romeo: Phone
) -> None:
    room = await romeo.create_room()
    town.search.keep_filled.start()
    await romeo.send(room, "first")
    await found(romeo, "first")
    await town.restart()
    await romeo.send(room, "second")
    await romeo.create_room(name="third")
    town.search.keep_filled.start()
    for text in ("first", "second", "third"):
        await found(romeo, text)
    assert await texts(town.store) == 3


async def test_another_worker_goes_on_where_one_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keep_filled, "LOOK_SECONDS", 0.2)
    async with open_cluster(tmp_path, "a", "b") as town:
        romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
        for worker in town.workers:
            worker.search.keep_filled.start()
        room = await romeo.create_room(preset="public_chat")
        await juliet.do("join", room)
        await romeo.send(room, "one")
        await juliet.send(room, "two")
        for text in ("one", "two"):
            await found(juliet, text)
            await found(romeo, text)
        leases = [worker.core.writer.lease for worker in town.workers]
        at = [lease.holder for lease in leases].index(await holder(town))
        stopped, other = town.workers[at], (romeo, juliet)[1 - at]
        await stopped.search.keep_filled.stop()
        await release(stopped.core.database, leases[at])
        await other.send(room, "three")
        assert await found(other, "three") < 5 * SOON
        assert await holder(town) == leases[1 - at].holder
        assert await texts(stopped.store) == 3
