"""A left, invited or knocked room's part of a /sync answer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from homeserver.application.rooms.timeline_reader import Page
from homeserver.application.sync.joined_room import acceptance
from homeserver.application.sync.rendering import render_state, render_timeline
from homeserver.application.sync.room_state import Bounds, joined_at
from homeserver.domain.events.client_format import stripped_state
from homeserver.domain.rooms.membership import BAN, JOIN, KNOCK, LEAVE
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.state_store import StateStore
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.room_data import RoomData
    from homeserver.application.sync.room_state import StatePart
    from homeserver.application.sync.timeline_relations import TimelineRelations
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


@dataclass(frozen=True, slots=True)
class _End:
    """What ended a membership; `item` is its place in the log if the timeline may show it."""

    event: Event
    item: TimelineEvent | None
    wanted: bool


class LeftRooms:
    """Builds the entries of `rooms.leave`: shown once, up to the event that ended it."""

    def __init__(
        self,
        *,
        access: RoomAccess,
        store: StateStore,
        timeline: TimelineReader,
        state: StatePart,
        beside: TimelineRelations,
        data: RoomData,
    ) -> None:
        """Read rooms through these."""
        self._access = access
        self._store = store
        self._timeline = timeline
        self._state = state
        self._beside = beside
        self._data = data

    async def __call__(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        """Return the room's JSON object; None where the client knows already.

        A client that knew the room as joined gets what it lacks of it, one that never did
        gets it whole where the user was joined meanwhile (or ever, in an initial sync). Who
        was not joined learns of the end alone: nothing that happened in the room.
        """
        since = 0 if span.since is None else await self._timeline.position_at(room, span.since)
        if place.forgotten and since >= place.seq:
            return None
        window = await self._access.window(room, span.requester.user_id)
        end = await self._end(span, room, place, since)
        bounds = await self._bounds(span, room, place, since)
        if bounds is None:
            page, events = Page([end.item] if end.item and end.wanted else [], limited=False), []
        else:
            page = await self._page(span, room, bounds, window, end)
            events = (await self._state(span, room, bounds, page)).events
        told = end.item is not None and any(i.seq == end.item.seq for i in page.events)
        if span.request.state_after or not told:
            events = [e for e in events if (e.type, e.state_key) != (MEMBER, end.event.state_key)]
            accepts = span.rules.state.of(room.room_id)
            events += [end.event] if accepts is None or accepts(end.event) else []
        parts = [
            render_state(span, room, events),
            render_timeline(
                span.rules,
                page,
                window.membership_at,
                place.seq,
                span.requester.device_nid,
                now_ms=span.now_ms,
                user_id=span.requester.user_id,
                bundles=await self._beside.bundles(span, room, page, place.seq, window),
            ),
        ]
        fresh = bounds is not None and bounds.fresh
        parts += filter(None, [await self._data.own(span, room, fresh=fresh)])
        return b"{" + b",".join(parts) + b"}"

    async def before_invitation(self, span: Span, room: Room, place: RoomPlace) -> RoomPlace | None:
        """The place of a user whose invitation is kept from them: the end of what was before.

        Or else a client that knew the room as joined, or an invitation of somebody else, would
        go on believing so. None where nothing ended since the client's token.
        """
        if span.initial:
            return None
        history = await self._store.history_of(room, (MEMBER, span.requester.user_id))
        ends = [s for s in history if s.event is not None and s.event.membership in (LEAVE, BAN)]
        if not ends or not span.is_new(ends[-1].slot, ends[-1].pos):
            return None
        last = ends[-1]
        event_id = last.event.event_id if last.event is not None else place.event_id
        return replace(
            place,
            membership=LEAVE,
            event_id=event_id,
            seq=last.from_seq,
            slot=last.slot,
            pos=last.pos,
        )

    async def _end(self, span: Span, room: Room, place: RoomPlace, since: int) -> _End:
        """The member event that ended it; state may also have moved to it without an event."""
        found = await self._timeline.newest(room, after=place.seq - 1, until=place.seq, limit=1)
        item = found.events[0] if found.events else None
        if item is not None and item.event.event_id == place.event_id and place.seq > since:
            accepts = span.rules.timeline.of(room.room_id)
            return _End(item.event, item, accepts is None or accepts(item.event))
        key = (MEMBER, span.requester.user_id)
        state = await self._store.state_at(room, place.seq, [key])
        return _End(state[key], None, wanted=False)

    async def _bounds(self, span: Span, room: Room, place: RoomPlace, since: int) -> Bounds | None:
        """What the client gets, up to the end of the last join; None if none is news."""
        history = await self._store.history_of(room, (MEMBER, span.requester.user_id))
        joins = [s for s in history if s.event is not None and s.event.membership == JOIN]
        known = joined_at(history, span.since)
        if not joins or not (known or span.is_new(joins[-1].slot, joins[-1].pos)):
            return None
        until = place.seq if joins[-1].to_seq is None else joins[-1].to_seq
        return Bounds(since if known else 0, until, fresh=not known)

    async def _page(
        self, span: Span, room: Room, bounds: Bounds, window: VisibilityWindow[float], end: _End
    ) -> Page:
        accept = acceptance(span, window, span.rules.timeline.of(room.room_id))
        limit = span.request.filter.room.timeline.page
        page = await self._timeline.newest(
            room,
            after=bounds.after,
            until=bounds.until,
            limit=limit,
            accept=accept,
            sieve=self._beside.sieve(span, room, bounds.until, window),
        )
        if end.item is None or end.item.seq <= bounds.until or not end.wanted:
            return page
        events = [*page.events, end.item]  # banned after having left
        return Page(events[-limit:], page.limited or len(events) > limit)


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
