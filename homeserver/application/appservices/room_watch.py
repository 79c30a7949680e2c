"""What services have to do with the rooms that move, kept in memory."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

from homeserver.domain.appservices.interest import RoomInterest
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.ports.service_log import ServiceLog
    from homeserver.domain.appservices.services import Services
    from homeserver.domain.sync.vector import Vector

MAX_ROOMS: Final = 20_000
NEWEST: Final = 2**62
"""A position behind every event."""


class RoomWatch:
    """Gives the `RoomInterest` of rooms; those that did not move lately are read anew."""

    def __init__(self, services: Services, log: ServiceLog, rooms: RoomStore) -> None:
        """Watch for these services; where they change, a new watch begins."""
        self.services = services
        self._log = log
        self._rooms = rooms
        self._known: OrderedDict[int, RoomInterest] = OrderedDict()
        self._have_aliases = any(each.aliases for each in services)

    def forget(self, room_nid: int) -> None:
        """Read this room anew when it is asked for."""
        self._known.pop(room_nid, None)

    async def look(self, heads: Mapping[int, int], vector: Vector) -> dict[int, RoomInterest]:
        """The interest in these rooms (nid → the last position that counts, or `NEWEST`).

        What is not known yet begins where `vector` ends. Aliases are as they are now.
        """
        new = [nid for nid in heads if nid not in self._known]
        room_ids = await self._rooms.room_ids(new) if new else {}
        for nid in new:
            if nid in room_ids:
                seq = await self._log.seq_at(nid, heads[nid], vector)
                self._known[nid] = await self._begin(nid, room_ids[nid], seq)
        found = {nid: self._known[nid] for nid in heads if nid in self._known}
        for nid in found:
            self._known.move_to_end(nid)
        await self._name(list(found))
        while len(self._known) > max(MAX_ROOMS, len(found)):
            self._known.popitem(last=False)
        return found

    async def _begin(self, nid: int, room_id: str, seq: int) -> RoomInterest:
        """Who of the services was joined at a position that may lie behind the store's."""
        members = []
        for user_id, membership, since in await self._log.standings(nid):
            if not any(each.has_user(user_id) for each in self.services):
                continue
            held: str | None = membership
            if since > seq:
                held = await self._log.membership_at(nid, user_id, seq)
            if held == JOIN:
                members.append(user_id)
        return RoomInterest(self.services, room_id, seq, members)

    async def _name(self, rooms: list[int]) -> None:
        if not self._have_aliases or not rooms:
            return
        aliases = await self._log.aliases(rooms)
        for nid in rooms:
            self._known[nid].aliases = aliases.get(nid, ())
