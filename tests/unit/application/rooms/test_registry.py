"""Loading a room races the tail."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from homeserver.application.ports.room_store import RoomRecord
from homeserver.application.rooms.registry import RoomRegistry
from homeserver.domain.rooms.room import Head

if TYPE_CHECKING:
    from homeserver.domain.rooms.room import Room


class Store:
    """One room, whose reading takes until `go`."""

    def __init__(self) -> None:
        self.seq = 1
        self.loads = 0
        self.go = asyncio.Event()

    async def find(self, room_id: str) -> RoomRecord:
        return RoomRecord(7, room_id, "12")

    async def load(self, room: Room) -> None:
        self.loads += 1
        seq = self.seq
        await self.go.wait()
        room.head = Head(seq)

    def __getattr__(self, name: str) -> Any:
        raise NotImplementedError(name)


async def test_a_room_that_moves_while_it_is_loaded_is_read_again() -> None:
    store = Store()
    rooms = RoomRegistry(cast("Any", store))
    loading = asyncio.create_task(rooms.get("!r:x"))
    while not store.loads:
        await asyncio.sleep(0)
    store.seq = 2
    assert rooms.moved([7]) == []
    store.go.set()
    room = await loading
    assert room.head.seq == 2
    assert store.loads == 2
    assert rooms.moved([7, 8]) == [room]
