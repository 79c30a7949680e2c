"""`GET /rooms/{roomId}/state` and one key of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess, RoomView
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent


class GetState:
    """Reads a room's state: the newest for members, that at the end for those who left."""

    def __init__(self, access: RoomAccess, state: StateReader, store: TimelineStore) -> None:
        """Read with these."""
        self._access = access
        self._state = state
        self._store = store

    async def whole(self, requester: Requester, room_id: str) -> list[Event]:
        """All state events. Raises ForbiddenError."""
        view = await self._access.for_reading(requester, room_id)
        return list((await self._state.whole(view.room, view.until)).values())

    async def one(self, requester: Requester, room_id: str, key: StateKey) -> Event:
        """One state event. Raises ForbiddenError, NotFoundError."""
        return (await self._one(requester, room_id, key))[1]

    async def placed(
        self, requester: Requester, room_id: str, key: StateKey
    ) -> tuple[RoomView, Event, TimelineEvent | None]:
        """One state event, with what the log knows of it (what it replaced, who redacted it).

        The log knows nothing of an event whose history is gone. One query more than `one`.
        """
        view, event = await self._one(requester, room_id, key)
        return view, event, await self._store.event(view.room, event.event_id)

    async def _one(
        self, requester: Requester, room_id: str, key: StateKey
    ) -> tuple[RoomView, Event]:
        view = await self._access.for_reading(requester, room_id)
        event = await self._state.value(view.room, view.until, key)
        if event is None:
            raise NotFoundError("There is no such state")
        return view, event
