"""The counts that phones show: what a user has not read in all rooms."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from homeserver.application.ports.push_audience import Reader
from homeserver.domain.push.missed_calls import missed_calls
from homeserver.domain.push.notification import Counts
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.push_audience import PushAudience
    from homeserver.application.push.judges import Judges
    from homeserver.application.push.readers import RoomReaders
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.unread import UnreadCounts
    from homeserver.domain.rooms.room import Room

KEEP: Final = 2_000
"""Users whose counts are kept."""
MAX_ROOMS: Final = 500
"""Rooms of a user that are counted the first time."""


@dataclass(slots=True)
class _Badge:
    """A user's counts by room, where they are not zero; `dirty` rooms are to be counted anew.

    `told` is what the user's devices were told last, None where nobody knows. `lock` is held
    while it is counted.
    """

    user_id: str
    rooms: dict[int, Counts] = field(default_factory=dict)
    dirty: set[int] = field(default_factory=set)
    whole: bool = False
    told: Counts | None = None
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Badges:
    """Counts of lately notified users; after the first time only rooms that moved are looked at."""

    def __init__(
        self,
        audience: PushAudience,
        rooms: RoomRegistry,
        readers: RoomReaders,
        judges: Judges,
        unread: UnreadCounts,
        clock: Clock,
    ) -> None:
        """Count by these."""
        self._audience = audience
        self._rooms = rooms
        self._readers = readers
        self._judges = judges
        self._unread = unread
        self._clock = clock
        self._held: OrderedDict[int, _Badge] = OrderedDict()

    def touch(self, room_nid: int, users: Iterable[int]) -> None:
        """Note that a room moved for these users."""
        for user in users:
            badge = self._held.get(user)
            if badge is not None:
                badge.dirty.add(room_nid)

    def renew(self, users: Iterable[int]) -> dict[int, str]:
        """Note that everything may be other for these users; those known here, with their ids."""
        known = {user: self._held[user].user_id for user in users if user in self._held}
        for user in known:
            self._held[user].whole = False
        return known

    def known(self, users: Iterable[int]) -> list[int]:
        """Those of these users whose counts are known here."""
        return [user for user in users if user in self._held]

    async def of(self, user_nid: int, user_id: str) -> Counts:
        """What a user has not read."""
        badge = self._held.setdefault(user_nid, _Badge(user_id))
        self._held.move_to_end(user_nid)
        if len(self._held) > KEEP:
            self._held.popitem(last=False)
        async with badge.lock:
            try:
                await self._bring_up(badge, user_nid)
            except BaseException:
                badge.whole = False
                raise
        return Counts(
            sum(each.unread for each in badge.rooms.values()),
            sum(each.missed_calls for each in badge.rooms.values()),
        )

    def tell(self, user_nid: int, counts: Counts) -> None:
        """Note what a user's devices were told."""
        if user_nid in self._held:
            self._held[user_nid].told = counts

    async def fell(self, user_nid: int, user_id: str) -> bool:
        """Whether a user's devices show more than there is, as far as anybody knows."""
        counts = await self.of(user_nid, user_id)
        badge = self._held.get(user_nid)
        if badge is None or badge.told is None:
            return True
        return any(now < then for now, then in zip(counts, badge.told, strict=True))

    async def _bring_up(self, badge: _Badge, user_nid: int) -> None:
        if not badge.whole:
            await self._count_all(badge, user_nid)
        while badge.dirty:
            nid = badge.dirty.pop()
            reader = (await self._readers.of(nid)).get(user_nid)
            there = reader is not None and reader.place.membership == JOIN
            await self._count(badge, nid, reader if there else None)

    async def _count_all(self, badge: _Badge, user_nid: int) -> None:
        badge.rooms.clear()
        badge.dirty.clear()
        badge.whole = True  # what moves while this counts is counted again
        for place in await self._audience.unread_rooms(user_nid, MAX_ROOMS):
            await self._count(badge, place.room_nid, Reader(user_nid, badge.user_id, place))

    async def _count(self, badge: _Badge, room_nid: int, reader: Reader | None) -> None:
        counts = await self._of_room(room_nid, reader) if reader is not None else Counts()
        if any(counts):
            badge.rooms[room_nid] = counts
        else:
            badge.rooms.pop(room_nid, None)

    async def _of_room(self, room_nid: int, reader: Reader) -> Counts:
        try:
            room = await self._rooms.get_by_nid(room_nid)
        except MatrixError:
            return Counts()
        nid, user_id, place = reader
        found = await self._unread.of(room, user_id, nid, place)
        if not found.notification_count:
            return Counts()
        return Counts(found.notification_count, await self._calls(room, reader))

    async def _calls(self, room: Room, reader: Reader) -> int:
        """Calls that were missed, among the newest events of the room."""
        read = await self._unread.read_up_to(room, reader.user_id, reader.user_nid, reader.place)
        events = [i.event for i in room.tail if i.seq > read.seq and i.redacted_because is None]
        ignored = (await self._judges.of(reader.user_nid)).ignored
        return missed_calls(events, reader.user_id, ignored, self._clock.now_ms())
