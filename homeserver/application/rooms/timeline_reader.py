"""The live part of a room's log, from memory where it reaches and from the store behind that."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.rooms.sieve import Sieve
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.vector import Vector

MAX_SCAN = 1000
"""Stored events that one answer may look at; what lies behind them counts as left out."""
PROBES = 31
"""Positions asked for at once: a log of a million events is searched in four queries."""


class Page(NamedTuple):
    """Events in room order; `limited` where others that belong here were left out."""

    events: list[TimelineEvent]
    limited: bool


class _Collector:
    """Takes events from the newest on, until there are `limit` and one more."""

    __slots__ = ("_accept", "_after", "_limit", "events", "full", "next")

    def __init__(
        self,
        after: int,
        until: int,
        limit: int,
        accept: Callable[[TimelineEvent], bool] | None,
    ) -> None:
        self._after = after
        self._limit = limit
        self._accept = accept
        self.events: list[TimelineEvent] = []
        self.next = until
        self.full = False

    @property
    def done(self) -> bool:
        """Whether nothing more has to be read."""
        return self.full or self.next <= self._after

    def take(self, items: Iterable[TimelineEvent], passing: Collection[str] | None = None) -> None:
        """Look at events, newest first, none missing between them.

        Those that are not `passing` (event ids; None: all are) are passed over.
        """
        accept = _also(self._accept, passing)
        for item in items:
            if item.seq > self.next:
                continue
            if item.seq <= self._after:
                self.next = self._after
                return
            if accept is None or accept(item):
                if len(self.events) == self._limit:
                    self.full = True
                    return
                self.events.append(item)
            self.next = item.seq - 1

    def page(self) -> Page:
        """What was found, in room order."""
        return Page(self.events[::-1], self.full or self.next > self._after)


class TimelineReader:
    """Reads live events (`back` 0); history that arrived later is `/messages`' alone."""

    def __init__(self, store: TimelineStore) -> None:
        """Read from here what is not in memory."""
        self._store = store

    async def newest(
        self,
        room: Room,
        *,
        after: int,
        until: int,
        limit: int,
        accept: Callable[[TimelineEvent], bool] | None = None,
        sieve: Sieve | None = None,
    ) -> Page:
        """The newest `limit` events with after < seq ≤ until that `accept` and `sieve` take.

        At most `MAX_SCAN` stored events are looked at: a filter that takes next to nothing
        gets a short page that is limited. So is one that would reach over a gap in the log,
        closed or not: it begins after it, and what lies in the gap is for `/messages`. One that
        would reach into purged history begins behind that; it is limited for who has had some of
        the room before (`after` above 0), and so has a hole there.
        """
        gap = room.newest_gap(after, until)
        if gap is not None:
            after = gap - 1
        limited = gap is not None or 0 < after < room.floor.seq
        after = max(after, min(room.floor.seq, until))
        found = _Collector(after, until, limit, accept)
        if until >= room.tail_from:
            if sieve is None:
                found.take(reversed(room.tail))
            else:
                tail = list(room.tail)  # it may move meanwhile
                found.take(reversed(tail), await sieve(room, tail))
        scanned = 0
        while not found.done and scanned < MAX_SCAN:
            size = min(4 * limit + 32, MAX_SCAN - scanned)
            if accept is None and sieve is None:
                size = limit + 1
            items = await self._store.live_events(room, after=after, until=found.next, limit=size)
            scanned += size
            passing = None if sieve is None else await sieve(room, items)
            found.take(reversed(items), passing)
            if len(items) < size and not found.full:
                found.next = after
        page = found.page()
        return Page(page.events, limited=True) if limited else page

    def known_position(self, room: Room, vector: Vector) -> int | None:
        """What `position_at` gives, where memory has that."""
        for item in reversed(room.tail):
            if vector.covers(item.slot, item.pos):
                return item.seq
        return None

    async def position_at(self, room: Room, vector: Vector) -> int:
        """The last position whose event the holder of `vector` has; 0 for none.

        Whoever has an event has all before it in the room (causality), so this is a search.
        """
        known = self.known_position(room, vector)
        if known is not None:
            return known
        low, high = 0, room.tail[0].seq - 1 if room.tail else room.head.seq
        while low < high:
            seqs = _spread(low, high)
            places = await self._store.positions(room, seqs)
            for seq in reversed(seqs):
                place = places.get(seq)
                if place is None or vector.covers(*place):  # what is deleted was old
                    low = seq
                    break
                high = seq - 1
        return low


def _also(
    accept: Callable[[TimelineEvent], bool] | None, passing: Collection[str] | None
) -> Callable[[TimelineEvent], bool] | None:
    if passing is None:
        return accept
    return lambda item: item.event.event_id in passing and (accept is None or accept(item))


def _spread(low: int, high: int) -> list[int]:
    """Up to `PROBES` positions in (low, high], `high` among them, evenly apart."""
    count = min(PROBES, high - low)
    return [low + (high - low) * i // count for i in range(1, count + 1)]
