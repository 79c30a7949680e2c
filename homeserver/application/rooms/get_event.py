"""`GET /rooms/{roomId}/event/{eventId}`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import ForbiddenError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.relations.aggregations import Aggregations
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.timeline import TimelineEvent


class GetEvent:
    """Reads one event."""

    def __init__(
        self, access: RoomAccess, store: TimelineStore, aggregations: Aggregations
    ) -> None:
        """Read from these."""
        self._access = access
        self._store = store
        self._aggregations = aggregations

    async def __call__(
        self, requester: Requester, room_id: str, event_id: str
    ) -> tuple[RoomView, TimelineEvent, Mapping[str, Bundle]]:
        """The event, how the requester sees the room, and what is told beside the event.

        Raises NotFoundError where there is no such event and where it may not be seen.
        """
        try:
            view = await self._access.for_reading(requester, room_id)
        except ForbiddenError:
            raise NotFoundError("Event not found") from None
        item = await visible_event(self._store, view, event_id)
        return view, item, await self._aggregations.for_view(requester, view, [item])


async def visible_event(store: TimelineStore, view: RoomView, event_id: str) -> TimelineEvent:
    """One event of a room that the reader may see. Raises NotFoundError."""
    item = await store.event(view.room, event_id)
    if item is None or not view.sees(item):
        raise NotFoundError("Event not found")
    return item
