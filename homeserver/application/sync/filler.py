"""Bringing the rooms in memory up to what other workers committed."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.tail import GREW, MOVED, STIRRED
from homeserver.application.rooms.highlights import highlights_of
from homeserver.domain.push.classify import classify
from homeserver.domain.rooms.draft import RoomDraft
from homeserver.domain.rooms.room import TAIL

if TYPE_CHECKING:
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.tail import Fill, TailReader
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.hub import Hub, News
    from homeserver.domain.rooms.room import Room

MAX_LENT: Final = 8 * 1024 * 1024
"""Bytes of bodies from bundles that wait for their batch; the store has what is dropped."""


class Lent:
    """What bundles brought of rooms, until the tail reads the batches that say so."""

    def __init__(self, keep: int = MAX_LENT) -> None:
        """Keep up to so many bytes, the oldest go first."""
        self._keep = keep
        self._fills: OrderedDict[tuple[int, int], Fill] = OrderedDict()
        self._bytes = 0
        self.used = 0

    def lend(self, fill: Fill) -> None:
        """Take what follows a position of a room."""
        self._pop(fill.room_nid, fill.base_seq)
        self._fills[fill.room_nid, fill.base_seq] = fill
        self._bytes += _size(fill)
        while self._bytes > self._keep:
            self._pop(*next(iter(self._fills)))

    def take(self, room: Room, upto: int) -> Fill | None:
        """What follows the head of a room, not beyond a position."""
        fill = self._fills.get((room.nid, room.head.seq))
        if fill is None or fill.head.seq > upto or fill.head.rev != room.head.rev:
            return None
        self.used += 1
        return self._pop(room.nid, room.head.seq)

    def _pop(self, nid: int, base_seq: int) -> Fill | None:
        fill = self._fills.pop((nid, base_seq), None)
        if fill is not None:
            self._bytes -= _size(fill)
        return fill


def _size(fill: Fill) -> int:
    """Its bytes; a piece without events costs something too."""
    return 256 + sum(len(item.event.json) for item in fill.events)


class Filler:
    """Fills the rooms that batches of others touched: from bundles, else from the store."""

    def __init__(
        self, hub: Hub, rooms: RoomRegistry, store: RoomStore, reader: TailReader, lent: Lent
    ) -> None:
        """Fill the rooms of this registry."""
        self._hub = hub
        self._rooms = rooms
        self._store = store
        self._reader = reader
        self._lent = lent

    async def __call__(self, news: News) -> None:
        """Bring every room in memory at least up to the last position that `news` has of it."""
        news.cached = self._rooms.moved(news.rooms)
        plain = []
        for room in news.cached:
            how, behind = news.how[room.nid], news.rooms[room.nid] - room.head.seq
            if how & MOVED:
                await self._store.refresh(room)
            elif how & GREW and not self._fill_from_bundles(room, news):
                if behind > TAIL:  # memory has no place for all of it
                    await self._store.refresh(room)
                else:
                    plain.append(room)
        if plain:
            await self._fill_from_store(plain, news)
        stirred = [room for room in news.cached if news.how[room.nid] & STIRRED]
        if stirred:
            await self._read_receipts(stirred)

    def _fill_from_bundles(self, room: Room, news: News) -> bool:
        """Whether the room is now as far as the batches."""
        upto = news.rooms[room.nid]
        while room.head.seq < upto:
            fill = self._lent.take(room, upto)
            if fill is None:
                return False
            self._apply(room, fill, news)
        return True

    async def _fill_from_store(self, rooms: list[Room], news: News) -> None:
        by_nid = {room.nid: room for room in rooms}
        for fill in await self._reader.fills(rooms):
            self._apply(by_nid[fill.room_nid], fill, news)
        for room in rooms:
            if room.head.seq < news.rooms[room.nid]:
                await self._store.refresh(room)

    def _apply(self, room: Room, fill: Fill, news: News) -> None:
        """Take plain events over, unless the room moved on meanwhile."""
        if (room.head.seq, room.head.rev) != (fill.base_seq, fill.head.rev):
            return
        draft = RoomDraft(room)
        for item in fill.events:
            item.notifies = item.notify_ord > draft.head.notify_ord
            draft.append(item)
            draft.highlights += highlights_of(draft, item, classify(item.event))
        draft.head = fill.head
        room.absorb(draft)
        news.drafts.append(draft)

    async def _read_receipts(self, rooms: list[Room]) -> None:
        vector = self._hub.ticks.vector
        found = await self._reader.receipts([room.nid for room in rooms], vector)
        for room in rooms:
            for placed in found.get(room.nid, ()):
                room.receipts.place(placed)
