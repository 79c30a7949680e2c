"""The invitation to a room that its reader is not in, as the list of notifications has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.application.push.moments import Moment, display_name
from homeserver.application.push.notified_rooms import Mark
from homeserver.domain.push.context import PushContext

if TYPE_CHECKING:
    from homeserver.application.push.moments import PushStore
    from homeserver.application.push.notified_rooms import Judge
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.rooms.visibility import VisibilityWindow


class Invitation:
    """A room of which there is one event to tell, unread; used as `NotifiedRoom` is."""

    read = 0

    def __init__(
        self,
        store: PushStore,
        room: Room,
        user_id: str,
        window: VisibilityWindow[float],
        judge: Judge,
        place: RoomPlace,
    ) -> None:
        """Tell of the event that made the reader's place in the room."""
        self.room = room
        self.window = window
        self.judge = judge
        self._store = store
        self._user_id = user_id
        self._event_id: str | None = place.event_id
        self.moment: Moment | None = None
        self.mark = Mark(0, room.nid, 0)

    async def go_on(self, before: Mark | None) -> bool:
        """Move to the invitation, if it is older than a mark; there is nothing behind it."""
        event_id, self._event_id, self.moment = self._event_id, None, None
        item = None if event_id is None else await self._store.event(self.room, event_id)
        if item is None:
            return False
        mark = Mark(item.event.origin_server_ts, self.room.nid, item.seq)
        if before is not None and mark >= before:
            return False
        self.moment, self.mark = Moment(item, self._context(item)), mark
        return True

    def _context(self, item: TimelineEvent) -> PushContext:
        """The room as it is now: what was between is nobody's to know who is not in it."""
        levels = self.room.levels
        return PushContext(
            user_id=self._user_id,
            display_name=display_name(item.event),
            room_member_count=len(self.room.members),
            sender_power_level=levels.of_user(item.event.sender),
            notification_levels=levels.notifications,
        )
