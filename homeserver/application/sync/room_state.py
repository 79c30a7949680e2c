"""The state part of a room's entry, for joined and left rooms alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.sync.state_delta import (
    newest_by_key,
    senders_of,
    state_at,
    state_changed,
)
from homeserver.application.sync.summary import heroes_of
from homeserver.domain.rooms.membership import JOIN
from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.application.ports.state_store import StateSpan, StateStore
    from homeserver.application.rooms.timeline_reader import Page
    from homeserver.application.sync.context import Span
    from homeserver.application.sync.lazy_members import LazyMembers
    from homeserver.application.sync.state_delta import State
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.vector import Vector

NAMING = frozenset({MEMBER, "m.room.name", "m.room.canonical_alias"})


class Bounds(NamedTuple):
    """Which events an answer has of one room: after < seq <= until.

    `fresh`: the client gets the room as new, with its whole state.
    """

    after: int
    until: int
    fresh: bool


def joined_at(history: Iterable[StateSpan], seen: Vector | None) -> bool:
    """Whether the client of a user with these memberships knew the room as joined."""
    known = [s for s in history if seen is not None and seen.covers(s.slot, s.pos)]
    return bool(known) and known[-1].event is not None and known[-1].event.membership == JOIN


class RoomStates(NamedTuple):
    """State events to send; `renamed`: members or names of the room moved meanwhile."""

    events: list[Event]
    renamed: bool


class StatePart:
    """Works out which state events a client needs beside its timeline."""

    def __init__(self, store: StateStore, lazy: LazyMembers) -> None:
        """Read past state here."""
        self._store = store
        self._lazy = lazy

    async def __call__(self, span: Span, room: Room, bounds: Bounds, page: Page) -> RoomStates:
        """The state that `timeline` does not tell, lazily and filtered as the client wants."""
        whole = bounds.fresh or span.request.full_state
        if not whole and room.state_stayed_since(bounds.after):
            state, renamed = {}, False
        else:
            state = await self._state(span, room, bounds, page, whole=whole)
            moved = (*state.values(), *(item.event for item in page.events))
            renamed = any(event.type in NAMING for event in moved)
        if span.request.filter.room.state.lazy_load_members:
            heroes = heroes_of(room, span.requester.user_id) if whole or renamed else ()
            state = await self._lazily(span, room, state, page, bounds, heroes, whole=whole)
        if not state:
            return RoomStates([], renamed)
        accepts = span.rules.state.of(room.room_id)
        events = [e for e in state.values() if accepts is None or accepts(e)]
        return RoomStates(events, renamed)

    async def _state(
        self, span: Span, room: Room, bounds: Bounds, page: Page, *, whole: bool
    ) -> State:
        """All state at the end, or in the old form at the start of the timeline.

        The old form also has the state that came later but is not in the timeline, because a
        filter or the history visibility keeps it out: no client could know of it otherwise.
        """
        start = bounds.until
        if page.events and not span.request.state_after:
            start = page.events[0].seq - 1
        shown = {item.event.event_id for item in page.events}
        if whole:
            state = dict(await state_at(self._store, room, start))
            later: State = {}
            if len(shown) < bounds.until - start:
                later = await state_at(self._store, room, bounds.until)
        else:
            changes = await state_changed(self._store, room, span, bounds.after, bounds.until)
            state = newest_by_key(c for c in changes if c.seq <= start)
            later = newest_by_key(changes)
        if start < bounds.until:
            state.update((k, e) for k, e in later.items() if e.event_id not in shown)
        return state

    async def _lazily(
        self,
        span: Span,
        room: Room,
        state: State,
        page: Page,
        bounds: Bounds,
        heroes: Sequence[str],
        *,
        whole: bool,
    ) -> State:
        """Whoever wrote in the timeline and gives the room its name; and who changed."""
        device, nid = span.requester.device_nid, room.nid
        wanted = dict.fromkeys((*senders_of(page.events), *heroes))
        if whole:
            wanted[span.requester.user_id] = None
            return self._lazy.of_full_state(state, device_nid=device, room_nid=nid, wanted=wanted)
        keys = [(MEMBER, user) for user in wanted if (MEMBER, user) not in state]
        end = bounds.until
        if page.events and not span.request.state_after:
            end = page.events[0].seq - 1
        redundant = span.request.filter.room.state.include_redundant_members
        new = self._lazy.missing(
            await self._members(room, keys, end),
            device_nid=device,
            room_nid=nid,
            redundant=redundant,
        )
        return {**state, **{(MEMBER, e.state_key or ""): e for e in new}}

    async def _members(
        self, room: Room, keys: Sequence[tuple[str, str]], seq: int
    ) -> Iterable[Event]:
        """The member events of these keys after event `seq`."""
        if all(room.state_seq.get(key, 0) <= seq for key in keys):
            return [room.state[key] for key in keys if key in room.state]
        past = await state_at(self._store, room, seq)
        return [past[key] for key in keys if key in past]
