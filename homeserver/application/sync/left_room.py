"""A left, invited or knocked room's part of a /sync answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.rooms.timeline_reader import Page
from homeserver.application.sync.joined_room import acceptance
from homeserver.application.sync.rendering import render_state, render_timeline
from homeserver.application.sync.room_state import Bounds
from homeserver.domain.events.client_format import stripped_state
from homeserver.domain.rooms.membership import JOIN, KNOCK
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.room_state import StatePart
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.rooms.visibility import VisibilityWindow

_encode = msgspec.json.Encoder().encode
STRIPPED = (
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
)


class LeftRooms:
    """Builds the entries of `rooms.leave`: shown once, up to the event that ended it."""

    def __init__(
        self,
        *,
        access: RoomAccess,
        store: RoomStore,
        timeline: TimelineReader,
        state: StatePart,
    ) -> None:
        """Read rooms through these."""
        self._access = access
        self._store = store
        self._timeline = timeline
        self._state = state

    async def __call__(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        """Return the room's JSON object; None where the client knows already.

        A client that knew the room as joined gets what it lacks of it, one that never did
        gets it whole where the user was joined meanwhile (or ever, in an initial sync). Who
        was not joined learns of the end alone: nothing that happened in the room.
        """
        since = 0 if span.since is None else await self._timeline.position_at(room, span.since)
        if since >= place.seq:
            return None
        window = await self._access.window(room, span.requester.user_id)
        ending = await self._ending(room, place)
        bounds = await self._joined(span, room, since)
        if bounds is None:
            return self._end_alone(span, room, window, ending)
        page = await self._page(span, room, bounds, window, ending)
        state = await self._state(span, room, bounds, page)
        events = [*state.events]
        told = any(item.seq == ending.seq for item in page.events)
        if span.request.state_after or not told:
            key = (MEMBER, span.requester.user_id)
            events = [e for e in events if (e.type, e.state_key) != key]
            events += self._wanted(span, room, ending.event)
        return _entry(span, room, events, page, window, place.seq)

    async def _ending(self, room: Room, place: RoomPlace) -> TimelineEvent:
        found = await self._timeline.newest(
            room, after=place.seq - 1, until=place.seq, limit=1
        )
        return found.events[0]

    async def _joined(self, span: Span, room: Room, since: int) -> Bounds | None:
        """What the client gets up to the end of the last join; None if none is news."""
        history = await self._store.history_of(room, (MEMBER, span.requester.user_id))
        joins = [s for s in history if s.event is not None and s.event.membership == JOIN]
        if not joins or joins[-1].to_seq is None or joins[-1].to_seq <= since:
            return None
        known = any(s.from_seq <= since < (s.to_seq or since + 1) for s in joins)
        return Bounds(since if known else 0, joins[-1].to_seq, fresh=not known)

    async def _page(
        self,
        span: Span,
        room: Room,
        bounds: Bounds,
        window: VisibilityWindow[float],
        ending: TimelineEvent,
    ) -> Page:
        accept = acceptance(span, window, span.rules.timeline.of(room.room_id))
        limit = span.request.filter.room.timeline.page
        page = await self._timeline.newest(
            room, after=bounds.after, until=bounds.until, limit=limit, accept=accept
        )
        if ending.seq == bounds.until or (accept is not None and not accept(ending)):
            return page
        events = [*page.events, ending]  # banned after having left
        return Page(events[-limit:], page.limited or len(events) > limit)

    def _end_alone(
        self, span: Span, room: Room, window: VisibilityWindow[float], ending: TimelineEvent
    ) -> bytes:
        accepts = span.rules.timeline.of(room.room_id)
        shown = accepts is None or accepts(ending.event)
        page = Page([ending] if shown else [], limited=False)
        state = [] if shown and not span.request.state_after else [ending.event]
        events = [e for event in state for e in self._wanted(span, room, event)]
        return _entry(span, room, events, page, window, ending.seq)

    def _wanted(self, span: Span, room: Room, event: Event) -> list[Event]:
        accepts = span.rules.state.of(room.room_id)
        return [event] if accepts is None or accepts(event) else []


def _entry(
    span: Span,
    room: Room,
    state: list[Event],
    page: Page,
    window: VisibilityWindow[float],
    until: int,
) -> bytes:
    parts = render_state(span, room, state), render_timeline(span, page, window, until)
    return b"{" + b",".join(parts) + b"}"


def invited_room(room: Room, user_id: str, membership: str) -> bytes:
    """Return the entry of `rooms.invite` or `rooms.knock`: stripped state.

    The create event is included (spec), and the reader's own member event.
    """
    events = [room.state[kind, ""] for kind in STRIPPED if (kind, "") in room.state]
    own = room.state.get((MEMBER, user_id))
    if own is not None:
        events.append(own)
        inviter = room.state.get((MEMBER, own.sender))
        if inviter is not None and inviter is not own:
            events.append(inviter)
    stripped = [
        {**stripped_state(e), "event_id": e.event_id, "origin_server_ts": e.origin_server_ts}
        if e is own
        else stripped_state(e)
        for e in events
    ]
    name = "knock_state" if membership == KNOCK else "invite_state"
    return _encode({name: {"events": stripped}})
