"""`GET /events/{eventId}`: an event whose room the client does not name (deprecated in r0)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomView
    from homeserver.application.ports.membership_store import MembershipStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.get_event import GetEvent
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.domain.rooms.timeline import TimelineEvent


class FindEvent:
    """Looks in the rooms that the requester is or was in, then asks as for any event."""

    def __init__(
        self,
        memberships: MembershipStore,
        store: TimelineStore,
        rooms: RoomRegistry,
        get_event: GetEvent,
    ) -> None:
        """Look here; `get_event` decides whether the event may be seen."""
        self._memberships = memberships
        self._store = store
        self._rooms = rooms
        self._get_event = get_event

    async def __call__(
        self, requester: Requester, event_id: str
    ) -> tuple[RoomView, TimelineEvent, Mapping[str, Bundle]]:
        """See `GetEvent`. Raises NotFoundError."""
        places = await self._memberships.places(requester.user_nid)
        nid = await self._store.room_of(event_id, [place.room_nid for place in places])
        if nid is None:
            raise NotFoundError("Event not found")
        room = await self._rooms.get_by_nid(nid)
        return await self._get_event(requester, room.room_id, event_id)
