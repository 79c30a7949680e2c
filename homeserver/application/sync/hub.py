"""Where committed changes meet the users who sync on this worker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.application.sync.feed import Feed, RoomPlace
from homeserver.application.sync.ticks import Ticks
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from homeserver.domain.rooms.draft import MembershipChange, RoomDraft
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.vector import Vector


class Hub:
    """See `application.ports.stream.Stream`; also knows which feeds look at which room.

    Only users with a live feed are touched by a change: a room of 20,000 members costs
    what its online members cost. `listeners` hear of each room that got events.
    """

    def __init__(self) -> None:
        """Begin empty; `start` gives the vector."""
        self.ticks = Ticks({})
        self.feeds: dict[int, Feed] = {}
        self.listeners: list[Callable[[RoomDraft], None]] = []
        self._looking: dict[int, set[Feed]] = {}
        self._moved = asyncio.Event()
        self.draining = False

    def drain(self) -> None:
        """Let every waiting sync answer now: this worker stops."""
        self.draining = True
        for feed in self.feeds.values():
            feed.wake()

    def start(self, vector: Mapping[int, int]) -> None:
        """Begin at a vector read from the store."""
        self.ticks = Ticks(vector)

    def certify(
        self,
        slot: int,
        pos: int,
        rooms: Collection[RoomDraft],
        stirred: Collection[Room],
        users: Collection[int],
    ) -> None:
        """See `Stream.certify`."""
        tick = self.ticks.advance(slot, pos)
        for draft in rooms:
            room = draft.room
            room.certified = room.head.seq
            for change in draft.memberships:
                self._place(room.nid, change, slot, tick)
            self._touch(room, tick)
            for listener in self.listeners:
                listener(draft)
        for room in stirred:
            self._touch(room, tick)
        for user in users:
            feed = self.feeds.get(user)
            if feed is not None:
                feed.touch_user(tick)
        self._moved.set()
        self._moved = asyncio.Event()

    async def reach(self, vector: Vector, seconds: float) -> bool:
        """Wait until the certified vector covers another one; False when time runs out."""
        try:
            async with asyncio.timeout(seconds):
                while not self.ticks.vector >= vector:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    def forget(self, user_nid: int, room_nid: int) -> None:
        """Hide a room that a user forgot from that user's syncs."""
        feed = self.feeds.get(user_nid)
        place = feed.places.get(room_nid) if feed is not None else None
        if feed is None:
            return
        if not feed.ready:
            feed.forgotten.add(room_nid)  # what is being read may be from before
        if place is not None:
            feed.places[room_nid] = replace(place, forgotten=True)

    def watch(self, feed: Feed, nid: int) -> None:
        """Let a feed hear of a room's changes: the room's of a user who is joined."""
        self._looking.setdefault(nid, set()).add(feed)

    def unwatch(self, feed: Feed, nid: int) -> None:
        """Let a feed hear no more of a room."""
        looking = self._looking.get(nid)
        if looking is not None:
            looking.discard(feed)
            if not looking:
                del self._looking[nid]

    def watchers(self, nid: int) -> Collection[Feed]:
        """The feeds that hear of a room's changes."""
        return self._looking.get(nid, ())

    def stir(self, room_nid: int) -> None:
        """Wake the feeds of a room for a change that is in no log (typing)."""
        for feed in self._looking.get(room_nid, ()):
            feed.wake()

    def detach(self, feed: Feed) -> None:
        """Forget a feed."""
        if self.feeds.get(feed.user_nid) is feed:
            del self.feeds[feed.user_nid]
        for nid in feed.places:
            self.unwatch(feed, nid)

    def _touch(self, room: Room, tick: int) -> None:
        room.tick = tick
        for feed in self._looking.get(room.nid, ()):
            feed.touch_room(room.nid, tick)

    def _place(self, nid: int, change: MembershipChange, slot: int, tick: int) -> None:
        feed = self.feeds.get(change.user_nid)
        if feed is None:
            return
        feed.places[nid] = RoomPlace(
            room_nid=nid,
            membership=change.membership,
            event_id=change.event.event_id,
            seq=change.seq,
            sender_nid=change.sender_nid,
            base_ord=change.base_ord,
            forgotten=False,
            slot=slot,
            pos=change.pos,
        )
        if feed.places[nid].membership == JOIN:
            self.watch(feed, nid)
        else:
            self.unwatch(feed, nid)
        feed.touch_room(nid, tick)
