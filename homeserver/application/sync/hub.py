"""Where committed changes meet the users who sync on this worker."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

from homeserver.application.ports.tail import COUNTS, DATA, INBOX, KEYS, MOVED, SIGNED
from homeserver.application.sync.feed import Feed, RoomPlace
from homeserver.application.sync.ticks import Ticks
from homeserver.application.sync.unanswered import Unanswered
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.shared.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from homeserver.application.ports.tail import BatchRow, Tail
    from homeserver.domain.rooms.draft import MembershipChange, RoomDraft
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.vector import Vector

CATCH_UP_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Committed:
    """A batch of this worker's writer, in memory already."""

    slot: int
    pos: int
    rooms: Collection[RoomDraft]
    stirred: Collection[Room]
    users: Mapping[int, int]


@dataclass(slots=True)
class News:
    """What other writers committed, up to `upto` (slot → position): it becomes visible at once.

    `rooms` are the rooms touched and their last positions, `cached` those of them that are in
    memory, filled that far; `how` says what happened to each (`ports.tail`); `places` are new places of users with a feed; `drafts` are the
    plain events that the rooms were filled with.
    """

    upto: dict[int, int]
    rooms: dict[int, int] = field(default_factory=dict)
    how: dict[int, int] = field(default_factory=dict)
    users: dict[int, int] = field(default_factory=dict)
    cached: list[Room] = field(default_factory=list)
    places: dict[int, list[RoomPlace]] = field(default_factory=dict)
    drafts: list[RoomDraft] = field(default_factory=list)

    def note(self, row: BatchRow) -> None:
        """Add what a batch touched."""
        for nid, seq, how in row.rooms:
            self.rooms[nid] = max(seq, self.rooms.get(nid, 0))
            self.how[nid] = how | self.how.get(nid, 0)
        for user, what in row.users.items():
            self.users[user] = what | self.users.get(user, 0)

    def changed(self) -> list[int]:
        """The users whose own data changed."""
        return [user for user, what in self.users.items() if what & DATA]


class Hub:
    """See `application.ports.stream.Stream`; also knows which feeds look at which room.

    Only users with a live feed are touched by a change: a room of 20,000 members costs
    what its online members cost. `listeners` hear of each room that got events,
    `place_listeners` of each user with a feed who has a new place; `room_listeners` of each room whose state another worker changed, `user_listeners` of each user whose data another worker changed; `key_listeners`
    of each change of a user's keys, what it was and its tick; `committed` is told of each own batch.

    The vector is closed: it never covers a change of a room without all that went before in
    that room. With a `tail` (several workers) an own batch that was built on what the tail
    has not brought yet is therefore held until it has.
    """

    def __init__(self) -> None:
        """Begin empty; `start` gives the vector."""
        self.ticks = Ticks({})
        self.feeds: dict[int, Feed] = {}
        self.listeners: list[Callable[[RoomDraft], None]] = []
        self.place_listeners: list[Callable[[int], None]] = []
        self.room_listeners: list[Callable[[Room], None]] = []
        self.user_listeners: list[Callable[[int], None]] = []
        self.key_listeners: list[Callable[[int, int, int], None]] = []
        self.committed: Callable[[Committed], None] | None = None
        self.tail: Tail | None = None
        self.lost = False
        self.unanswered = Unanswered()
        self._held: deque[Committed] = deque()
        self._looking: dict[int, set[Feed]] = {}
        self._moved = asyncio.Event()
        self.draining = False

    def drain(self) -> None:
        """Let every waiting sync answer now: this worker stops."""
        self.draining = True
        for feed in {*self.feeds.values(), *chain.from_iterable(self._looking.values())}:
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
        users: Mapping[int, int],
    ) -> None:
        """See `Stream.certify`."""
        own = Committed(slot, pos, tuple(rooms), tuple(stirred), dict(users))
        if self.committed is not None:
            self.committed(own)
        if self.tail is not None and (self._held or not self._is_closed_with(own)):
            self._held.append(own)
            self.tail.wake()
        else:
            self._certify(own)
        self._wake()

    def advance(self, news: News) -> None:
        """Make the batches of other writers visible, all at once; the rooms in memory have them."""
        for slot, pos in news.upto.items():
            self.ticks.advance(slot, pos)
        tick = self.ticks.now
        for room in news.cached:
            room.certified = max(room.certified, news.rooms[room.nid])
        for user, places in news.places.items():
            for place in places:
                self._put(user, place, tick)
        for nid in news.rooms:
            self._touch(nid, tick)
        for user, what in news.users.items():
            self._touch_user(user, what, tick)
        self._tell(news)
        while self._held and self._is_closed_with(self._held[0]):
            self._certify(self._held.popleft())
        self._wake()

    def _tell(self, news: News) -> None:
        for draft in news.drafts:
            for listener in self.listeners:
                listener(draft)
        for room in news.cached:
            if news.how[room.nid] & MOVED:
                for look in self.room_listeners:
                    look(room)
        for user in news.changed():
            for hear in self.user_listeners:
                hear(user)

    def published(self, slot: int) -> int:
        """How far the own log is known here: certified, or held."""
        return self._held[-1].pos if self._held else self.ticks.vector[slot]

    def lose(self) -> None:
        """Stop serving: this worker cannot follow the logs any more."""
        self.lost = True
        self.drain()

    def _is_closed_with(self, own: Committed) -> bool:
        """Whether the vector has all that an own batch was built on."""
        bases = [draft.base for draft in own.rooms] + [room.head for room in own.stirred]
        covers = self.ticks.vector.covers
        return all(base.slot == own.slot or covers(base.slot, base.pos) for base in bases)

    def _certify(self, own: Committed) -> None:
        tick = self.ticks.advance(own.slot, own.pos)
        for draft in own.rooms:
            room = draft.room
            room.certified = max(room.certified, draft.head.seq)
            for change in draft.memberships:
                self._put(change.user_nid, _place(room.nid, change, own.slot), tick)
            self._touch(room.nid, tick)
            for listener in self.listeners:
                listener(draft)
        for room in own.stirred:
            self._touch(room.nid, tick)
        for user, what in own.users.items():
            self._touch_user(user, what, tick)

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()

    async def moved(self, seconds: float) -> bool:
        """Wait for the next batch, own or another's; False when time runs out."""
        try:
            async with asyncio.timeout(seconds):
                await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def reach(self, vector: Vector, seconds: float) -> bool:
        """Wait until the certified vector covers another one; False when time runs out.

        A read of the logs that begins after this call looks for what is missing.
        """
        if self.ticks.vector >= vector:
            return True
        if self.tail is not None:
            self.tail.wake()
        try:
            async with asyncio.timeout(seconds):
                while not self.ticks.vector >= vector:
                    await self._moved.wait()
        except TimeoutError:
            return False
        return True

    async def catch_up(self, vector: Vector) -> None:
        """Wait until the certified vector covers another; UnavailableError where that takes long."""
        if not await self.reach(vector, CATCH_UP_SECONDS):
            raise UnavailableError("This worker is behind the store")

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

    def _touch(self, nid: int, tick: int) -> None:
        for feed in self._looking.get(nid, ()):
            feed.touch_room(nid, tick)

    def _touch_user(self, user_nid: int, what: int, tick: int) -> None:
        if what & (KEYS | SIGNED):
            for hear in self.key_listeners:
                hear(user_nid, what, tick)
        feed = self.feeds.get(user_nid)
        if feed is None:
            return
        if what & DATA:
            feed.touch_user(tick)
        if what & INBOX:
            feed.touch_inbox(tick)
        if what & COUNTS:
            feed.touch_counts(tick)

    def _put(self, user_nid: int, place: RoomPlace, tick: int) -> None:
        """Let a feed know a place, unless it has a later one of that room."""
        feed, nid = self.feeds.get(user_nid), place.room_nid
        if feed is None:
            return
        held = feed.places.get(nid)
        if held is not None and held.seq > place.seq:
            return
        feed.places[nid] = place
        if place.membership == JOIN:
            self.watch(feed, nid)
        else:
            self.unwatch(feed, nid)
        feed.touch_room(nid, tick)
        for listener in self.place_listeners:
            listener(user_nid)


def _place(nid: int, change: MembershipChange, slot: int) -> RoomPlace:
    return RoomPlace(
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
