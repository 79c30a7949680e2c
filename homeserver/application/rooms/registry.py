"""The rooms that this worker holds in memory, one live object each."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from homeserver.domain.rooms.room import Room
from homeserver.domain.rooms.versions import ROOM_VERSIONS
from homeserver.domain.shared.errors import NotFoundError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.application.ports.room_store import RoomRecord, RoomStore


@dataclass(eq=False, slots=True)
class _Reading:
    """A load that is under way, and which rooms changed meanwhile."""

    moved: set[int] = field(default_factory=set)


class RoomRegistry:
    """Loads rooms once and keeps the lately used ones.

    While anybody holds a room, everybody gets the same object: the weak map sees to that,
    the bounded one only keeps rooms from being dropped too soon.
    """

    def __init__(self, store: RoomStore, keep: int = 5000) -> None:
        """Keep up to `keep` rooms that nobody else holds."""
        self._store = store
        self._keep = keep
        self._by_id: WeakValueDictionary[str, Room] = WeakValueDictionary()
        self._by_nid: WeakValueDictionary[int, Room] = WeakValueDictionary()
        self._recent: OrderedDict[int, Room] = OrderedDict()
        self._loading: dict[str | int, asyncio.Task[Room]] = {}
        self._readings: set[_Reading] = set()

    def cached(self, nid: int) -> Room | None:
        """The room, where it is in memory."""
        return self._recent.get(nid) or self._by_nid.get(nid)

    def moved(self, nids: Iterable[int]) -> list[Room]:
        """Those of these rooms that are in memory; other workers changed them in the store.

        Who is loading one of them gets it as it is from now on.
        """
        found = []
        for nid in nids:
            for reading in self._readings:
                reading.moved.add(nid)
            room = self._by_nid.get(nid)
            if room is not None:
                found.append(room)
        return found

    async def get(self, room_id: str) -> Room:
        """The room with this id. Raises NotFoundError."""
        room = self._by_id.get(room_id)
        if room is None:
            return await self._shared(room_id)
        self._recent[room.nid] = room
        self._recent.move_to_end(room.nid)
        return room

    async def get_by_nid(self, nid: int) -> Room:
        """The room with this internal id. Raises NotFoundError."""
        return self.cached(nid) or await self._shared(nid)

    async def renew(self, room: Room) -> None:
        """Bring a room up to the store."""
        await self._store.refresh(room)

    def add(self, room: Room) -> None:
        """Take in a room that was made or loaded."""
        self._by_id[room.room_id] = room
        self._by_nid[room.nid] = room
        self._recent[room.nid] = room
        while len(self._recent) > self._keep:
            self._recent.popitem(last=False)

    async def _shared(self, key: str | int) -> Room:
        """Load a room once for all who ask for it meanwhile."""
        task = self._loading.get(key)
        if task is None:
            task = self._loading[key] = asyncio.create_task(self._load(key))
            task.add_done_callback(lambda _: self._loading.pop(key, None))
        return await asyncio.shield(task)

    async def _load(self, key: str | int) -> Room:
        found = await (
            self._store.find(key) if isinstance(key, str) else self._store.find_by_nid(key)
        )
        if found is None:
            raise NotFoundError("Room not found")
        room = await self._read(found)
        held = self._by_nid.get(room.nid)
        if held is not None:  # loaded by its other key meanwhile
            return held
        self.add(room)
        return room

    async def _read(self, record: RoomRecord) -> Room:
        """Load, and again where the room moved meanwhile: what was read may be from before."""
        reading = _Reading()
        self._readings.add(reading)
        try:
            while True:
                room = _empty(record)
                await self._store.load(room)
                if room.nid not in reading.moved:
                    return room
                reading.moved.clear()
        finally:
            self._readings.discard(reading)


def _empty(record: RoomRecord) -> Room:
    version = ROOM_VERSIONS.get(record.version)
    if version is None:
        raise UnavailableError(f"This server does not know room version {record.version}")
    return Room(record.nid, record.room_id, version)
