"""A room in memory is brought up to the store, whoever else is doing the same."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.infrastructure.sql.room_store import SqlRoomStore
from tests.support.store import STORE_KINDS, open_store
from tests.support.town import Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


class SlowDatabase:
    """A store whose snapshots end only when they may: the readers have read, and know no more."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.ends: list[asyncio.Event] = []
        self.is_slow = True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Any]:
        """Open one instant of the store."""
        end = asyncio.Event()
        async with self._database.snapshot() as reader:
            yield reader
        if self.is_slow:
            self.ends.append(end)
            await end.wait()

    async def read(self, snapshots: int) -> None:
        """Wait until so many have read."""
        async with asyncio.timeout(10):
            while len(self.ends) < snapshots:
                await asyncio.sleep(0.005)


@pytest.mark.parametrize("kind", STORE_KINDS)
async def test_F3_a_refresh_that_met_an_older_one_still_brings_everything(
    kind: str, tmp_path: Path
) -> None:
    """Found by `firn prove`: the tail moved on with a room that another had refreshed less far."""
    async with open_store(kind, tmp_path) as store:
        writing = Town(store, store.worker)
        alice = await writing.user("alice")
        room = await writing.room(alice)
        slow = SlowDatabase(store.database)
        reading = SqlRoomStore(slow)
        copy = await writing.stored(room)
        await writing.say(alice, room, "one", "1")
        older = asyncio.create_task(reading.refresh(copy))
        await slow.read(1)
        await writing.say(alice, room, "two", "2")
        newer = asyncio.create_task(reading.refresh(copy))
        await slow.read(2)
        slow.ends[0].set()
        assert await older
        assert copy.head.seq == room.head.seq - 1
        slow.is_slow = False
        slow.ends[1].set()
        assert await newer
        assert (copy.head, copy.state.keys()) == (room.head, room.state.keys())
        assert [i.event.event_id for i in copy.tail] == [i.event.event_id for i in room.tail]
