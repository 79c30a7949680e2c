"""`POST /_firn/admin/v1/rooms/{roomId}/purge`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.ports.purge_store import Purge
from homeserver.application.rooms.event_at_time import last_before
from homeserver.domain.rooms.floor import Floor
from homeserver.domain.shared.errors import NotFoundError

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.ids import Ids
    from homeserver.application.ports.purge_store import PurgeStore
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.ports.writer import Writer
    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room


@dataclass(frozen=True, slots=True)
class OrderPurge:
    """Lets a room's log begin later: one small batch, and nobody reads what was before.

    The rows are cleared away afterwards (`keep_purging.py`).
    """

    access: RoomAccess
    timeline: TimelineStore
    store: PurgeStore
    writer: Writer
    ids: Ids

    async def before_event(self, room_id: str, event_id: str) -> str:
        """Purge what stands before an event; return the id of the order.

        Raises NotFoundError for an unknown room and for an event that is not there.
        """
        room = await self.access.for_entering(room_id)
        item = await self.timeline.event(room, event_id)
        if item is None:
            raise NotFoundError("No such event in this room")
        # before history that arrived late stands a live event, which is kept rather than lost
        return await self._purge(room, item.seq - 1 if item.back == 0 else item.seq - 2)

    async def before_time(self, room_id: str, ts: int) -> str:
        """Purge what is older than a time (ms), as far as times rise with the log.

        Raises NotFoundError for an unknown room.
        """
        room = await self.access.for_entering(room_id)
        return await self._purge(
            room, await last_before(self.timeline, room, room.head.seq, ts - 1)
        )

    async def _purge(self, room: Room, seq: int) -> str:
        """Purge up to a position, but for the ends of the log, which the next event follows."""
        seq = max(min(seq, await self._first_end(room) - 1), room.floor.seq)
        notify_ord = 0
        if seq > room.floor.seq:
            last = (await self.timeline.at(room, [(seq, 0)])).get((seq, 0))
            # where another order was quicker it is gone, and there is nothing to write either
            notify_ord = last.notify_ord if last is not None else 0
        purge_id = self.ids.opaque_id()

        def change(draft: Draft) -> str:
            state = draft.room(room)
            purge = Purge(purge_id, draft.now, state.floor.seq, max(seq, state.floor.seq))
            if purge.seq > purge.from_seq:
                state.purge(Floor(seq, notify_ord, draft.slot, draft.next_pos()))
            self.store.add(draft, room, purge)
            return purge_id

        return await self.writer.submit(change)

    async def _first_end(self, room: Room) -> int:
        """Where the first of the events stands that the next one follows."""
        ends = [await self.timeline.event(room, event_id) for event_id in room.head.extremities]
        return min([room.head.seq, *(item.seq for item in ends if item is not None)])
