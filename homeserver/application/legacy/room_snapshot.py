"""`GET /rooms/{roomId}/initialSync`: a room at once, for a look from outside too."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.rooms.get_messages import MessagesQuery
from homeserver.domain.sync.filter import RoomEventFilter
from homeserver.domain.sync.position import RoomPosition, just_after

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeserver.application.access import RoomView
    from homeserver.application.ports.directory_store import DirectoryStore
    from homeserver.application.relations.bundle import Bundle
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.get_messages import GetMessages
    from homeserver.application.rooms.state_reader import StateReader
    from homeserver.application.user_data.account_data import AccountData
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.position import RoomPoint


class Snapshot(NamedTuple):
    """A room as one reader may see it; `events` in room order, `start` None at its beginning.

    `data` is the reader's account data of the room: type → JSON of the content.
    """

    view: RoomView
    events: list[TimelineEvent]
    bundles: Mapping[str, Bundle]
    start: RoomPoint | None
    end: RoomPoint
    state: list[Event]
    published: bool
    data: Mapping[str, bytes]


class RoomSnapshot:
    """Takes it: the newest events, the state at their end, what the reader keeps of the room."""

    def __init__(
        self,
        messages: GetMessages,
        state: StateReader,
        directory: DirectoryStore,
        account_data: AccountData,
    ) -> None:
        """Read with these."""
        self._messages = messages
        self._state = state
        self._directory = directory
        self._account_data = account_data

    async def __call__(self, requester: Requester, room_id: str, limit: int) -> Snapshot:
        """Give it with up to `limit` events. Raises ForbiddenError."""
        query = MessagesQuery(
            backwards=True, start=None, to=None, limit=limit, filter=RoomEventFilter()
        )
        page = await self._messages(requester, room_id, query)
        view = page.view
        data = await self._account_data.of(requester.user_nid)
        return Snapshot(
            view,
            page.events[::-1],
            page.bundles,
            page.end,
            just_after(RoomPosition(view.until)),
            list((await self._state.whole(view.room, view.until)).values()),
            await self._directory.is_published(view.room.nid),
            {kind: item.content_json for kind, item in data.of_room(view.room.nid).items()},
        )
