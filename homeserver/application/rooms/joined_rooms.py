"""`GET /joined_rooms`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.hub import Hub


class JoinedRooms:
    """Lists the rooms that the requester is in."""

    def __init__(
        self, hub: Hub, memberships: MembershipStore, rooms: RoomRegistry, store: RoomStore
    ) -> None:
        """Ask the feed of a user who syncs here, else the store."""
        self._hub = hub
        self._memberships = memberships
        self._rooms = rooms
        self._store = store

    async def __call__(self, requester: Requester) -> list[str]:
        """The room ids; at most one query beside that for the memberships."""
        places = await self._places(requester.user_nid)
        nids = [p.room_nid for p in places if p.membership == JOIN]
        known: dict[int, str] = {}
        missing: list[int] = []
        for nid in nids:
            room = self._rooms.cached(nid)
            if room is None:
                missing.append(nid)
            else:
                known[nid] = room.room_id
        if missing:
            known.update(await self._store.room_ids(missing))
        return [known[nid] for nid in nids]

    async def _places(self, user_nid: int) -> Iterable[RoomPlace]:
        feed = self._hub.feeds.get(user_nid)
        if feed is not None and feed.ready:
            return feed.places.values()
        return await self._memberships.places(user_nid)
