"""The state of rooms over time as the store keeps it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateChange, StateKey


@dataclass(frozen=True, slots=True)
class StateSpan:
    """One key's value over room positions: it held after event `from_seq`, until `to_seq`.

    `to_seq` is None while it holds. `event` is None where state resolution removed the key.
    `(slot, pos)` is where it was written.
    """

    key: StateKey
    event: Event | None
    from_seq: int
    to_seq: int | None
    slot: int
    pos: int


class StateStore(Protocol):
    """Reads what was committed. Positions are room positions (`room_seq`)."""

    async def state_after(self, room: Room, seq: int) -> dict[StateKey, Event]:
        """The whole state after event `seq`."""
        ...

    async def state_at(
        self, room: Room, seq: int, keys: Sequence[StateKey], *, others_than: str | None = None
    ) -> dict[StateKey, Event]:
        """These keys of the state after event `seq`, where they had a value.

        With `others_than` also all state of another type than that.
        """
        ...

    async def state_changes(self, room: Room, *, after: int, until: int) -> Sequence[StateChange]:
        """What the state became at positions after ≤ seq ≤ until, in order of revision.

        Both ends are included, since state also moves without an event. A change is left out
        where another one at a position before `until` undid it; `replaced` is not filled in.
        """
        ...

    async def history_of(self, room: Room, key: StateKey) -> Sequence[StateSpan]:
        """All values that one key ever had, oldest first."""
        ...
