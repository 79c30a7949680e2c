"""A left, invited or knocked room's part of a /sync answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from homeserver.application.sync.joined_room import acceptance, render_states, render_timeline
from homeserver.application.sync.state_delta import newest_by_key, state_at, state_changed
from homeserver.domain.events.client_format import stripped_state
from homeserver.domain.rooms.membership import KNOCK
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.sync.filter_match import event_predicate

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.rooms.timeline_reader import TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
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

    def __init__(self, *, access: RoomAccess, store: RoomStore, timeline: TimelineReader) -> None:
        """Read rooms through these."""
        self._access = access
        self._store = store
        self._timeline = timeline

    async def __call__(self, span: Span, room: Room, place: RoomPlace) -> bytes:
        """Return the room's JSON object."""
        end = place.seq
        after = 0
        if span.since is not None:
            after = await self._timeline.position_at(room, span.since)
        window = await self._access.window(room, span.requester.user_id)
        rules = span.request.filter.room.timeline
        accept = own_or(acceptance(window, event_predicate(rules)), place)
        page = await self._timeline.newest(
            room, after=after, until=end, limit=rules.page, accept=accept
        )
        state = await self._state(span, room, window, after, page.events, end)
        key = b"state_after" if span.request.state_after else b"state"
        parts = (
            b'"%b":{"events":[%b]}' % (key, b",".join(render_states(room, state))),
            render_timeline(span, page, window, end),
            b'"account_data":{"events":[]}',
        )
        return b"{" + b",".join(parts) + b"}"

    async def _state(
        self,
        span: Span,
        room: Room,
        window: VisibilityWindow[float],
        after: int,
        events: Sequence[TimelineEvent],
        end: int,
    ) -> list[Event]:
        """State up to the end of membership; nothing for those who were never joined."""
        if not events:  # the state moved without an event: tell just that
            own = await self._store.state_at(room, end, [(MEMBER, span.requester.user_id)])
            return list(own.values())
        if not any(window.sees(item.seq) for item in events):
            return []
        until = end if span.request.state_after else events[0].seq - 1
        if span.since is None or span.request.full_state:
            state = await state_at(self._store, room, until)
        else:
            changes = await state_changed(self._store, room, span, after, end)
            state = newest_by_key(c for c in changes if c.seq <= until)
        accepts = event_predicate(span.request.filter.room.state)
        return [e for e in state.values() if accepts is None or accepts(e)]


def own_or(
    accept: Callable[[TimelineEvent], bool] | None, place: RoomPlace
) -> Callable[[TimelineEvent], bool] | None:
    """Let the event that ended the membership through, whatever the history visibility."""
    if accept is None:
        return None
    return lambda item: item.event.event_id == place.event_id or accept(item)


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
