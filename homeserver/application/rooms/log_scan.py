"""Paging through a room's whole log, history that arrived later included, for one reader."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.domain.sync.position import RoomPosition, just_after, just_before

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.access import RoomView
    from homeserver.application.ports.timeline_store import TimelineStore
    from homeserver.application.rooms.sieve import Sieve
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.sync.position import RoomPoint

Bound = tuple[int, int]
MAX_SCAN = 1000
"""Stored events that one page may look at."""
CREATE = "m.room.create"


@dataclass(frozen=True, slots=True)
class Span:
    """What lies between two points of a log: after < (seq, back) < before."""

    after: Bound
    before: Bound

    @classmethod
    def between(cls, older: RoomPoint, newer: RoomPoint) -> Span:
        """The events after the older point and before the newer one."""
        low, high = older.position, newer.position
        return cls((low.seq, low.back - 1 + older.after), (high.seq, high.back + newer.after))

    @property
    def empty(self) -> bool:
        """Whether no position can lie in between."""
        return (self.after[0], self.after[1] + 1) >= self.before


@dataclass(frozen=True, slots=True)
class LogPage:
    """Events in the order of reading, and where to go on: None at the end of what there is."""

    events: list[TimelineEvent]
    end: RoomPoint | None


class LogScan:
    """Reads pages: what the reader may see and the filter takes."""

    def __init__(self, store: TimelineStore) -> None:
        """Read from here what is not in memory."""
        self._store = store

    async def page(
        self,
        view: RoomView,
        span: Span,
        *,
        backwards: bool,
        limit: int,
        accept: Callable[[TimelineEvent], bool] | None = None,
        sieve: Sieve | None = None,
    ) -> LogPage:
        """Up to `limit` events of the span, from its newer end with `backwards`.

        Stretches that the reader may not see are jumped over; what was purged is not there. At most about `MAX_SCAN`
        stored events are looked at; then the page is short, or empty, and has an `end`.
        """
        events: list[TimelineEvent] = []
        span = Span(max(span.after, view.room.floor.bound), min(span.before, (view.until, 1)))
        scanned = 0
        while True:
            visible = _to_visible(view, span, backwards=backwards)
            if visible is None:
                return LogPage(events, None)
            size = limit - len(events)
            if accept is not None or sieve is not None:
                size = min(4 * size + 32, MAX_SCAN)
            items, whole = await self._chunk(view.room, visible, size, newest=backwards)
            scanned += len(items)
            passing = None if sieve is None else await sieve(view.room, items)
            for item in items:
                if (
                    view.sees(item)
                    and (accept is None or accept(item))
                    and (passing is None or item.event.event_id in passing)
                ):
                    events.append(item)
                    if len(events) == limit:
                        left = _rest(visible, item, backwards=backwards)
                        last = whole and item is items[-1]
                        if last or _to_visible(view, left, backwards=backwards) is None:
                            return LogPage(events, None)
                        return LogPage(events, _point(item, backwards))
            if whole:
                return LogPage(events, None)
            span = _rest(visible, items[-1], backwards=backwards)
            if scanned >= MAX_SCAN:
                return LogPage(events, _point(items[-1], backwards))

    async def _chunk(
        self, room: Room, span: Span, size: int, *, newest: bool
    ) -> tuple[Sequence[TimelineEvent], bool]:
        """Events in the order of reading, and whether they are all that the span has."""
        held = _in_tail(room, span, newest=newest)
        if held:
            whole = len(held) <= size and (span.after >= (room.tail_from, 0) or _first(held))
            return held[:size], whole
        items = await self._store.events(
            room, after=span.after, before=span.before, limit=size, newest=newest
        )
        found = items[::-1] if newest else items
        return found, len(found) < size or (newest and _first(found))


def _first(items: Sequence[TimelineEvent]) -> bool:
    """Whether these go back to the beginning of the room."""
    return bool(items) and items[-1].event.type == CREATE


def _in_tail(room: Room, span: Span, *, newest: bool) -> list[TimelineEvent]:
    """The span's events in memory, as far as none is missing in the order of reading."""
    if not newest and span.after < (room.tail_from, 0):
        return []
    if newest and span.before <= (room.tail_from, 0):
        return []
    held = [item for item in room.tail if span.after < (item.seq, 0) < span.before]
    return held[::-1] if newest else held


def _point(item: TimelineEvent, backwards: bool) -> RoomPoint:
    position = RoomPosition(item.seq, item.back)
    return just_before(position) if backwards else just_after(position)


def _rest(span: Span, last: TimelineEvent, *, backwards: bool) -> Span:
    here = (last.seq, last.back)
    return Span(span.after, here) if backwards else Span(here, span.before)


def _to_visible(view: RoomView, span: Span, *, backwards: bool) -> Span | None:
    """The span without what the reader cannot see at its near end; None if nothing is left."""
    if span.empty:
        return None
    window = view.window
    if window.sees_everything:
        return span
    trim = _trim_newer if backwards else _trim_older
    trimmed = trim(view, span)
    return None if trimmed is None or trimmed.empty else trimmed


def _trim_newer(view: RoomView, span: Span) -> Span | None:
    edges, sees = view.window.edges, view.window.sees
    place = _place(span.before)
    at = bisect_left(edges, place)
    while at > 0:
        edge = edges[at - 1]
        if sees((edge + place) / 2):
            return span
        if sees(edge):
            return Span(span.after, min(span.before, (int(edge), 1)))
        place, at = edge, at - 1
        span = Span(span.after, (int(edge), 0))
    return span if sees(place - 1) else None


def _trim_older(view: RoomView, span: Span) -> Span | None:
    edges, sees = view.window.edges, view.window.sees
    place = _place((span.after[0], span.after[1] + 1)) - 0.25
    at = bisect_right(edges, place)
    while at < len(edges):
        edge = edges[at]
        if sees((edge + place) / 2):
            return span
        if sees(edge):
            return Span(max(span.after, (int(edge), -1)), span.before)
        place, at = edge, at + 1
        span = Span((int(edge), 0), span.before)
    return span if sees(place + 1) else None


def _place(bound: Bound) -> float:
    """Where a bound stands for a window; see `place_of`."""
    seq, back = bound
    return seq - 0.5 if back < 0 else seq + 0.25 * back
