"""`StateStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.state_rows import change_of, span_of, state_of, state_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.ports.state_store import StateSpan
    from homeserver.domain.events.event import Event
    from homeserver.domain.rooms.room import Room, StateChange, StateKey
    from homeserver.infrastructure.sql.database import Database


class SqlStateStore:
    """See `StateStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

    async def state_after(self, room: Room, seq: int) -> dict[StateKey, Event]:
        """See `StateStore.state_after`."""
        rows = await state_rows(self._db, room, q.STATE_AFTER, seq=seq)
        return state_of(room, rows)

    async def state_at(
        self, room: Room, seq: int, keys: Sequence[StateKey], *, others_than: str | None = None
    ) -> dict[StateKey, Event]:
        """See `StateStore.state_at`."""
        if not keys and others_than is None:
            return {}
        wanted = padded(list(keys)) if keys else []
        params: dict[str, Any] = {f"t{i}": key[0].encode() for i, key in enumerate(wanted)}
        params.update({f"k{i}": key[1].encode() for i, key in enumerate(wanted)})
        if others_than is not None:
            params["other"] = others_than.encode()
        query = q.state_at(len(wanted), others=others_than is not None)
        return state_of(room, await state_rows(self._db, room, query, seq=seq, **params))

    async def state_changes(self, room: Room, *, after: int, until: int) -> Sequence[StateChange]:
        """See `StateStore.state_changes`."""
        rows = await state_rows(self._db, room, q.STATE_CHANGES, after=after, until=until)
        return [change_of(room, row) for row in rows]

    async def history_of(self, room: Room, key: StateKey) -> Sequence[StateSpan]:
        """See `StateStore.history_of`."""
        rows = await state_rows(
            self._db, room, q.KEY_HISTORY, kind=key[0].encode(), key=key[1].encode()
        )
        return [span_of(room, row) for row in rows]
