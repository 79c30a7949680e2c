"""The logs of rooms as the store keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from homeserver.domain.rooms.room import Room
    from homeserver.domain.rooms.timeline import TimelineEvent


class TimelineStore(Protocol):
    """Reads what was committed. Positions are room positions (`room_seq`).

    Events that were purged (at or below `Room.floor`) are not there any more; the places and
    times of their positions are.
    """

    async def event(self, room: Room, event_id: str) -> TimelineEvent | None:
        """One event of the room's log by id."""
        ...

    async def room_of(self, event_id: str, room_nids: Sequence[int]) -> int | None:
        """In which of these rooms (internal ids) an event is."""
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

    async def at(
        self, room: Room, places: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], TimelineEvent]:
        """The events at these places (seq, back), as far as there are any."""
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
