"""A joined room's part of a /sync answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.rooms.render import event_bytes
from homeserver.application.sync.state_delta import (
    newest_by_key,
    senders_of,
    state_at,
    state_changed,
)
from homeserver.application.sync.summary import room_summary
from homeserver.domain.events.client_format import client_event_bytes
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER
from homeserver.domain.sync.filter_match import event_predicate
from homeserver.domain.sync.position import RoomPosition, encode_position, just_before

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from homeserver.application.access import RoomAccess
    from homeserver.application.ports.room_store import RoomStore
    from homeserver.application.rooms.timeline_reader import Page, TimelineReader
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.feed import RoomPlace
    from homeserver.application.sync.lazy_members import LazyMembers
    from homeserver.application.sync.room_data import RoomData
    from homeserver.application.sync.state_delta import State
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent
    from homeserver.domain.rooms.visibility import VisibilityWindow

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which events an answer has of one room: after < seq <= until.

    `fresh`: the client gets the room as new, with its whole state.
    """

    after: int
    until: int
    fresh: bool


class JoinedRooms:
    """Builds the entries of `rooms.join`."""

    def __init__(
        self,
        *,
        access: RoomAccess,
        store: RoomStore,
        timeline: TimelineReader,
        lazy: LazyMembers,
        data: RoomData,
    ) -> None:
        """Read rooms through these."""
        self._access = access
        self._store = store
        self._timeline = timeline
        self._lazy = lazy
        self._data = data

    async def __call__(self, span: Span, room: Room, place: RoomPlace) -> bytes | None:
        """Return the room's JSON object; None where nothing in it is new."""
        bounds = await self._bounds(span, room, place)
        page, window = await self._page(span, room, bounds)
        state = await self._state(span, room, bounds, page)
        extra = await self._data(span, room, place, fresh=bounds.fresh)
        if not (bounds.fresh or span.request.full_state or page.events or state or extra.news):
            return None
        parts = [
            *self._summary(span, room, bounds, page, state),
            b'"%b":{"events":[%b]}'
            % (self._state_key(span), b",".join(render_states(room, state))),
            render_timeline(span, page, window, bounds.until),
            *extra.parts,
        ]
        return b"{" + b",".join(parts) + b"}"

    async def _bounds(self, span: Span, room: Room, place: RoomPlace) -> Bounds:
        until = await self._timeline.position_at(room, span.until)
        if span.since is None:
            return Bounds(0, until, fresh=True)
        after = await self._timeline.position_at(room, span.since)
        if span.since.covers(place.slot, place.pos):
            return Bounds(after, until, fresh=False)
        history = await self._store.history_of(room, (MEMBER, span.requester.user_id))
        then = [s for s in history if span.since.covers(s.slot, s.pos)]
        joined_then = (
            bool(then) and then[-1].event is not None and (then[-1].event.membership == JOIN)
        )
        return Bounds(after, until, fresh=False) if joined_then else Bounds(0, until, fresh=True)

    async def _page(
        self, span: Span, room: Room, bounds: Bounds
    ) -> tuple[Page, VisibilityWindow[float]]:
        window = await self._access.window(room, span.requester.user_id)
        rules = span.request.filter.room.timeline
        page = await self._timeline.newest(
            room,
            after=bounds.after,
            until=bounds.until,
            limit=rules.page,
            accept=acceptance(window, event_predicate(rules)),
        )
        return page, window

    async def _state(self, span: Span, room: Room, bounds: Bounds, page: Page) -> list[Event]:
        end = bounds.until
        if not span.request.state_after and page.events:
            end = page.events[0].seq - 1
        whole = bounds.fresh or span.request.full_state
        if whole:
            state = await state_at(self._store, room, end)
        else:
            changes = await state_changed(self._store, room, span, bounds.after, bounds.until)
            state = newest_by_key(c for c in changes if c.seq <= end)
        rules = span.request.filter.room.state
        if rules.lazy_load_members:
            state = await self._lazily(span, room, state, page, end, whole=whole)
        accepts = event_predicate(rules)
        return [e for e in state.values() if accepts is None or accepts(e)]

    async def _lazily(
        self, span: Span, room: Room, state: State, page: Page, end: int, *, whole: bool
    ) -> State:
        rules = span.request.filter.room.state
        device, nid = span.requester.device_nid, room.nid
        senders = senders_of(page.events)
        if whole:
            wanted = {**senders, span.requester.user_id: None}
            return self._lazy.of_full_state(state, device_nid=device, room_nid=nid, wanted=wanted)
        keys = [(MEMBER, user) for user in senders if (MEMBER, user) not in state]
        held = await self._members(room, keys, end)
        new = self._lazy.missing(
            held, device_nid=device, room_nid=nid, redundant=rules.include_redundant_members
        )
        return {**state, **{(MEMBER, e.state_key or ""): e for e in new}}

    async def _members(self, room: Room, keys: Sequence[tuple[str, str]], seq: int) -> list[Event]:
        """The member events of these keys after event `seq`."""
        if all(room.state_seq.get(key, 0) <= seq for key in keys):
            return [room.state[key] for key in keys if key in room.state]
        state = await state_at(self._store, room, seq)
        return [state[key] for key in keys if key in state]

    def _summary(
        self, span: Span, room: Room, bounds: Bounds, page: Page, state: Sequence[Event]
    ) -> Iterable[bytes]:
        events = (*state, *(item.event for item in page.events))
        moved = any(event.type == MEMBER for event in events)
        if bounds.fresh or page.limited or moved or span.request.full_state:
            yield b'"summary":' + _encode(room_summary(room, span.requester.user_id))

    def _state_key(self, span: Span) -> bytes:
        return b"state_after" if span.request.state_after else b"state"


def acceptance(
    window: VisibilityWindow[float], accepts: Callable[[Any], bool] | None
) -> Callable[[TimelineEvent], bool] | None:
    """One predicate from what the reader may see and what the filter wants."""
    if window.sees_everything:
        return None if accepts is None else lambda item: accepts(item.event)
    if accepts is None:
        return lambda item: window.sees(item.seq)
    return lambda item: window.sees(item.seq) and accepts(item.event)


def render_timeline(span: Span, page: Page, window: VisibilityWindow[float], until: int) -> bytes:
    """Serialise the `timeline` of a room whose answer ends at position `until`."""
    device = span.requester.device_nid
    events = [
        event_bytes(
            item,
            membership=window.membership_at(item.seq),
            device_nid=device,
            with_room_id=False,
        )
        for item in page.events
    ]
    first = page.events[0].seq if page.events else until + 1
    before = encode_position(just_before(RoomPosition(first)))
    limited = b"true" if page.limited else b"false"
    return b'"timeline":{"events":[%b],"limited":%b,"prev_batch":"%b"}' % (
        b",".join(events),
        limited,
        before.encode(),
    )


def render_states(room: Room, state: Sequence[Event]) -> list[bytes]:
    """Serialise state events, each once per room however many readers there are."""
    kept, out = room.state_bytes, []
    for event in state:
        body = kept.get(event.event_id)
        if body is None:
            body = client_event_bytes(event, with_room_id=False, unsigned=None)
            if event is room.state.get((event.type, event.state_key or "")):
                kept[event.event_id] = body
        out.append(body)
    return out
