"""What happened in rooms whose members have pushers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from homeserver.application.ports.tail import MOVED
from homeserver.application.push.moments import Moments, display_name
from homeserver.application.push.tallies import MAX_JUDGED
from homeserver.domain.push.properties import push_properties
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.shared.errors import MatrixError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.application.ports.push_audience import Reader
    from homeserver.application.push.badges import Badges
    from homeserver.application.push.judges import Judges
    from homeserver.application.push.moments import Moment, PushStore
    from homeserver.application.push.read_batches import Touched
    from homeserver.application.push.readers import Readers, RoomReaders
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.application.sync.unread import UnreadCounts
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.shared.json import JsonObject
    from homeserver.domain.sync.vector import Vector

log = logging.getLogger(__name__)

BREATH: Final = 16
"""Judgements after which others get their turn."""
REDACTION: Final = "m.room.redaction"


class Found(NamedTuple):
    """An event, at (room, seq), that notifies a user.

    `ts` is when it was written (ms, by its writer's clock), `order` the same but never before
    what came earlier in its room.
    """

    user_nid: int
    room_nid: int
    seq: int
    ts: int
    order: int
    tweaks: Mapping[str, Any]


class RoomLooker(NamedTuple):
    """What reads rooms and judges their events."""

    rooms: RoomRegistry
    store: PushStore
    timeline: TimelineReader
    judges: Judges
    unread: UnreadCounts


class RoomNews:
    """Looks at the rooms of one stretch.

    `found` are the notifications, `moved` those whose counts may have fallen (number → id).
    """

    def __init__(
        self,
        readers: RoomReaders,
        look: RoomLooker,
        badges: Badges,
        since: Vector,
        touched: Touched,
    ) -> None:
        """Look at what came after `since`."""
        self._readers = readers
        self._look = look
        self._badges = badges
        self._since = since
        self._touched = touched
        self._judged = 0
        self.found: list[Found] = []
        self.moved: dict[int, str] = {}

    async def read(self, rooms: Mapping[int, tuple[int, int]]) -> None:
        """Look at rooms: nid → (last position, what happened)."""
        moved = [nid for nid, (_, how) in rooms.items() if how & MOVED]
        if moved:
            self._readers.forget(moved)
        met = await self._readers.of_rooms(rooms.keys())
        for nid, readers in met.items():
            if readers:
                await self._read_room(nid, rooms[nid][0], readers)

    async def _read_room(self, nid: int, until: int, readers: Readers) -> None:
        try:
            room = await self._look.rooms.get_by_nid(nid)
        except MatrixError as error:  # purged meanwhile, or of a version that is not known here
            log.info("push.room_passed_over: %s", error.message)
            return
        self._badges.touch(nid, readers)
        after = await self._look.timeline.position_at(room, self._since)
        moments = await self._moments(room, after, until) if after < until else ()
        for moment in moments:
            self._note_movers(moment, readers)
        if room.floor.seq and not self._since.covers(room.floor.slot, room.floor.pos):
            self._note_all(readers)
        for placed in room.receipts.after(self._since):
            if placed.user_nid in readers:
                self.moved[placed.user_nid] = placed.receipt.user_id
        events = [(moment, push_properties(moment.item.event)) for moment in moments]
        if events:
            for reader in readers.values():
                await self._judge(room, reader, events)

    async def _moments(self, room: Room, after: int, until: int) -> Sequence[Moment]:
        """The events of the stretch, oldest first, in the room as it was at each."""
        found = await Moments(self._look.store, room, "").after(after, MAX_JUDGED)
        return [moment for moment in reversed(found) if moment.item.seq <= until]

    def _note_movers(self, moment: Moment, readers: Readers) -> None:
        """Who sends has read so far; a redaction takes from everybody's counts."""
        item = moment.item
        if item.sender_nid in readers:
            self.moved[item.sender_nid] = item.event.sender
        if item.event.type == REDACTION:
            self._note_all(readers)

    def _note_all(self, readers: Readers) -> None:
        """What was redacted or purged counts for nobody."""
        self.moved.update({nid: readers[nid].user_id for nid in self._badges.known(readers)})

    async def _judge(
        self, room: Room, reader: Reader, events: Sequence[tuple[Moment, JsonObject]]
    ) -> None:
        """Note which of the events notify a reader."""
        judge = await self._look.judges.of(reader.user_nid)
        name, order = display_name(room.state.get((MEMBER, reader.user_id))), 0
        for (item, context), properties in events:
            if not self._concerns(room, reader, item) or item.redacted_because is not None:
                continue
            if not await self._is_wanted(reader, item):
                continue
            self._judged += 1
            if self._judged % BREATH == 0:
                await asyncio.sleep(0)
            own = replace(context, user_id=reader.user_id, display_name=name)
            actions = judge.actions(room.room_id, properties, own)
            if actions is not None:
                ts = self._touched.time_of(item.slot, item.pos)
                order = max(order, ts)
                place = (reader.user_nid, room.nid, item.seq)
                self.found.append(Found(*place, ts, order, actions.tweaks))

    async def _is_wanted(self, reader: Reader, item: TimelineEvent) -> bool:
        """Whether an event is no invitation of a kind that the reader is never told of."""
        if reader.place.membership == JOIN:
            return True
        return await self._look.judges.wants_invitation(reader.user_nid, item.event.sender)

    def _concerns(self, room: Room, reader: Reader, item: TimelineEvent) -> bool:
        """Whether an event may be news: to who was invited, the invitation alone."""
        nid, user_id, place = reader
        if place.membership != JOIN:
            return item.event.event_id == place.event_id
        return not self._look.unread.has_read(room, user_id, nid, place, item)
