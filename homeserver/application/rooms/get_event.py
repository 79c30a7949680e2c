"""`GET /rooms/{roomId}/event/{eventId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.timeline import TimelineEvent


class GetEvent:
    """Reads one event."""

    def __init__(self, access: RoomAccess, store: TimelineStore) -> None:
        """Read from this store."""
        self._access = access
        self._store = store

    async def __call__(
        self, requester: Requester, room_id: str, event_id: str
    ) -> tuple[RoomView, TimelineEvent]:
        """The event and how the requester sees the room.

        Raises NotFoundError where there is no such event and where it may not be seen.
        """
        try:
            view = await self._access.for_reading(requester, room_id)
        except ForbiddenError:
            raise NotFoundError("Event not found") from None
        return view, await visible_event(self._store, view, event_id)


async def visible_event(store: TimelineStore, view: RoomView, event_id: str) -> TimelineEvent:
    """One event of a room that the reader may see. Raises NotFoundError."""
    item = await store.event(view.room, event_id)
    if item is None or not view.sees(item):
        raise NotFoundError("Event not found")
    return item
