"""The state part of a room in /sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.application.ports.state_store import StateStore
    from homeserver.application.sync.context import Span
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateChange, StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent

State = dict["StateKey", "Event"]


async def state_at(store: StateStore, room: Room, seq: int) -> State:
    """The whole state after event `seq`, from memory where the room's tail reaches that far."""
    if room.tail_from <= seq + 1:
        state = dict(room.state)
        for change in reversed(room.changes):
            if change.seq <= seq:
                break
            if change.replaced is None:
                state.pop(change.key, None)
            else:
                state[change.key] = change.replaced
        return state
    return await store.state_after(room, seq)


async def state_changed(
    store: StateStore, room: Room, span: Span, after: int, until: int
) -> Sequence[StateChange]:
    """What the state became within an answer, at positions after ≤ seq ≤ until, in order.

    State also moves without an event, so at one position there may be changes that a token's
    holder knows and some that are new. A room's changes are in one order and whoever knows
    one knows all before it, so the token's vector tells: what it does not cover is new.
    """
    if room.tail_from > after + 1:
        changes = await store.state_changes(room, after=after, until=until)
        return [c for c in changes if span.is_new(c.slot, c.pos)]
    found: list[StateChange] = []
    for change in reversed(room.changes):
        if change.seq < after:
            break
        if change.seq <= until and span.is_new(change.slot, change.pos):
            found.append(change)
    return found[::-1]


def newest_by_key(changes: Iterable[StateChange]) -> State:
    """The last value of each key; /sync has no way to say that a key has none any more."""
    newest = {change.key: change.event for change in changes}
    return {key: event for key, event in newest.items() if event is not None}


def senders_of(events: Sequence[TimelineEvent]) -> dict[str, None]:
    """Who sent these events, each once."""
    return dict.fromkeys(item.event.sender for item in events)
