"""The state part of a room in /sync."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from homeserver.application.ports.room_store import RoomStore
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent

State = dict["StateKey", "Event"]


async def state_at(store: RoomStore, room: Room, seq: int) -> State:
    """The whole state after event `seq`, from memory where the room's tail reaches that far."""
    if room.tail_from <= seq + 1:
        state = dict(room.state)
        for item in reversed(room.tail):
            if item.seq <= seq:
                break
            _take_back(state, item)
        return state
    return await store.state_after(room, seq)


def _take_back(state: State, item: TimelineEvent) -> None:
    event = item.event
    if event.state_key is None:
        return
    key = (event.type, event.state_key)
    if item.replaced is None:
        state.pop(key, None)
    else:
        state[key] = item.replaced


async def state_changed(store: RoomStore, room: Room, after: int, until: int) -> State:
    """The state after event `until` of the keys that changed after event `after`."""
    if room.tail_from > after + 1:
        return await store.state_changes(room, after=after, until=until)
    return newest_by_key(item.event for item in room.tail if after < item.seq <= until)


def newest_by_key(events: Iterable[Event]) -> State:
    """The last state event of each key."""
    return {(e.type, e.state_key): e for e in events if e.state_key is not None}


def senders_of(events: Sequence[TimelineEvent]) -> dict[str, None]:
    """Who sent these events, each once."""
    return dict.fromkeys(item.event.sender for item in events)
