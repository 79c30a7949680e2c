"""Who is to be told of what happens in a room: those there who have pushers."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from homeserver.application.ports.push_audience import PushAudience, Reader

KEEP_ROOMS: Final = 100_000
KEEP_READERS: Final = 50_000
Readers = dict[int, "Reader"]
"""By user's internal id."""


class RoomReaders:
    """Remembered by room, so that a message where nobody has a pusher costs one look here.

    It is right as long as `forget` hears of every room whose members changed and of the rooms
    of everybody who set a pusher. Who gave the last pusher up stays in it, without harm.
    """

    def __init__(self, audience: PushAudience) -> None:
        """Read here."""
        self._audience = audience
        self._rooms: OrderedDict[int, Readers] = OrderedDict()
        self._count = 0
        self._version = 0

    async def of(self, room_nid: int) -> Readers:
        """The readers of one room."""
        return (await self.of_rooms([room_nid]))[room_nid]

    async def of_rooms(self, rooms: Collection[int]) -> Mapping[int, Readers]:
        """The readers of these rooms; one statement for 64 that are not known."""
        found = {nid: self._rooms[nid] for nid in rooms if nid in self._rooms}
        missing = [nid for nid in rooms if nid not in found]
        version = self._version
        read = await self._audience.readers(missing) if missing else {}
        for nid in missing:
            found[nid] = {reader.user_nid: reader for reader in read.get(nid, ())}
            if self._version == version:  # else it may be from before
                self._keep(nid, found[nid])
        for nid in found:
            if nid in self._rooms:
                self._rooms.move_to_end(nid)
        return found

    def forget(self, rooms: Collection[int]) -> None:
        """Read these rooms anew."""
        self._version += 1
        for nid in rooms:
            self._count -= len(self._rooms.pop(nid, ()))

    def _keep(self, nid: int, readers: Readers) -> None:
        self._count += len(readers) - len(self._rooms.get(nid, ()))
        self._rooms[nid] = readers
        while self._rooms and (len(self._rooms) > KEEP_ROOMS or self._count > KEEP_READERS):
            _, oldest = self._rooms.popitem(last=False)
            self._count -= len(oldest)
