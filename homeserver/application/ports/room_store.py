"""Rooms and their logs as the store keeps them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room, StateChange, StateKey
    from homeserver.domain.rooms.timeline import TimelineEvent


@dataclass(frozen=True, slots=True)
class RoomRecord:
    """The fixed facts of a room."""

    nid: int
    room_id: str
    version: str


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


class RoomStore(Protocol):
    """Reads what was committed; writes go into a `Draft`.

    Every read sees a consistent instant. Positions are room positions (`room_seq`).
    """

    async def find(self, room_id: str) -> RoomRecord | None:
        """The room with this id."""
        ...

    async def find_by_nid(self, nid: int) -> RoomRecord | None:
        """The room with this internal id."""
        ...

    async def room_ids(self, nids: Sequence[int]) -> dict[int, str]:
        """The ids of rooms by their internal ids; unknown ones are left out."""
        ...

    async def load(self, room: Room) -> None:
        """Fill a new `Room` from one instant of the store (`Room.load`)."""
        ...

    async def refresh(self, room: Room) -> bool:
        """Bring a room up to the store; whether anything had changed."""
        ...

    async def event(self, room: Room, event_id: str) -> TimelineEvent | None:
        """One event of the room's log by id."""
        ...

    async def events(
        self,
        room: Room,
        *,
        after: tuple[int, int],
        before: tuple[int, int],
        limit: int,
        newest: bool,
    ) -> Sequence[TimelineEvent]:
        """Events with after < (seq, back) < before, in room order.

        At most `limit`: the newest ones with `newest`, else the oldest.
        """
        ...

    async def live_events(
        self, room: Room, *, after: int, until: int, limit: int
    ) -> Sequence[TimelineEvent]:
        """The newest `limit` events with after < seq ≤ until and `back` 0, in room order."""
        ...

    async def positions(self, room: Room, seqs: Sequence[int]) -> dict[int, tuple[int, int]]:
        """Where the events (seq, 0) stand in their writers' logs: seq → (slot, pos)."""
        ...

    async def times(self, room: Room, seqs: Sequence[int]) -> dict[int, int]:
        """The `origin_server_ts` of the events (seq, 0), in milliseconds."""
        ...

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

    async def transaction_events(self, keys: Sequence[tuple[int, bytes]]) -> dict[bytes, str]:
        """The events that these (room nid, transaction key) pairs made: key → event id."""
        ...

    def add_room(
        self, draft: Draft, room: Room, creator_nid: int, *, published: bool = False
    ) -> None:
        """Add a new room's fixed facts; a `published` one stands in the room directory."""
        ...

    def write(self, draft: Draft, room: RoomDraft) -> None:
        """Add everything that the draft holds of one room."""
        ...
