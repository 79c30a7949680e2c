"""The state of a room after any of its events, from memory where that is exact."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.domain.rooms.room import MEMBER

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from homeserver.application.ports.state_store import StateStore
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateKey


class StateReader:
    """Answers what held after an event: at most one query for each question."""

    def __init__(self, store: StateStore) -> None:
        """Read from here what is not in memory."""
        self._store = store

    async def whole(self, room: Room, seq: int) -> Mapping[StateKey, Event]:
        """All state after event `seq`; not to be changed, and read before the next await."""
        if seq >= room.head.seq:
            return room.state
        return await self._store.state_after(room, seq)

    async def value(self, room: Room, seq: int, key: StateKey) -> Event | None:
        """One key's value after event `seq`."""
        if seq >= room.head.seq or room.state_seq.get(key, seq + 1) <= seq:
            return room.state.get(key)
        return (await self._store.state_at(room, seq, (key,))).get(key)

    async def members(self, room: Room, seq: int, user_ids: Iterable[str]) -> list[Event]:
        """The member events of these users after event `seq`, of those who had one.

        One that was set before and still holds is taken from memory.
        """
        found: list[Event] = []
        missing: list[StateKey] = []
        for user_id in dict.fromkeys(user_ids):
            key = (MEMBER, user_id)
            if seq >= room.head.seq or room.state_seq.get(key, seq + 1) <= seq:
                event = room.state.get(key)
                if event is not None:
                    found.append(event)
            else:
                missing.append(key)
        if missing:
            found += (await self._store.state_at(room, seq, missing)).values()
        return found

    async def lazily(self, room: Room, seq: int, user_ids: Collection[str]) -> list[Event]:
        """All state after event `seq` but for the members, of whom only these."""
        keys = [(MEMBER, user_id) for user_id in dict.fromkeys(user_ids)]
        if seq < room.head.seq:
            past = await self._store.state_at(room, seq, keys, others_than=MEMBER)
            return list(past.values())
        members = [room.state[key] for key in keys if key in room.state]
        return [e for key, e in room.state.items() if key[0] != MEMBER] + members
