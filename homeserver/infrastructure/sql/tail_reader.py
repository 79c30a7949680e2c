"""`TailReader` on SQL."""

from __future__ import annotations

from contextlib import asynccontextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.ports.tail import DATA, BatchRow, Fill, Touch
from homeserver.infrastructure.sql import tail_queries as q
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.event_rows import head_of, item_of
from homeserver.infrastructure.sql.memberships import place_of
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.receipt_rows import receipt_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence

    from homeserver.application.sync.feed import RoomPlace
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.room import Room
    from homeserver.domain.sync.vector import Vector
    from homeserver.infrastructure.sql.database import Database, Reader
    from homeserver.infrastructure.sql.writes import Row

HEAD_SIZE = 7
"""Columns of a head, behind which those of an event follow."""
REDACTION = "m.room.redaction"
MAX_FILL = 512
"""Events that one `fills` brings at most; rooms that were cut are read in another way."""
_unpack_rooms = msgspec.msgpack.Decoder(list[Touch]).decode
_decode_users = msgspec.msgpack.Decoder(list[int | tuple[int, int]]).decode


class SqlTailReader:
    """See `TailReader`."""

    def __init__(self, database: Database, reader: Reader | None = None) -> None:
        """Read from this database, or from one snapshot of it."""
        self._db = database
        self._reader: Reader = reader if reader is not None else database

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SqlTailReader]:
        """See `TailReader.snapshot`."""
        async with self._db.snapshot() as reader:
            yield SqlTailReader(self._db, reader)

    async def positions(self) -> tuple[bytes, dict[int, int]]:
        """See `TailReader.positions`."""
        rows = await self._reader.fetch(q.POSITIONS)
        if not rows:
            msg = "the store is empty: run the migrations"
            raise StoreDownError(msg)
        return bytes(rows[0][0]), {slot: pos for _, slot, pos in rows if slot is not None}

    async def batches(
        self, after: Mapping[int, int], upto: Mapping[int, int], limit: int
    ) -> Sequence[BatchRow]:
        """See `TailReader.batches`."""
        params: dict[str, Any] = {"n": limit}
        slots = padded(sorted(upto))
        for i, slot in enumerate(slots):
            params |= {f"s{i}": slot, f"a{i}": after.get(slot, 0), f"u{i}": upto[slot]}
        rows = await self._reader.fetch(q.batches(len(slots)), **params)
        return [
            BatchRow(slot, first, last, _unpack_rooms(rooms), _unpack_users(users), ts)
            for slot, first, last, rooms, users, ts in rows
        ]

    async def places(self, users: Collection[int], after: Vector) -> Mapping[int, list[RoomPlace]]:
        """See `TailReader.places`."""
        wanted = padded(list(users))
        slots, params = vector_params(after)
        params |= {f"u{i}": user for i, user in enumerate(wanted)}
        found: dict[int, list[RoomPlace]] = {}
        for user, *row in await self._reader.fetch(q.places(len(wanted), slots), **params):
            found.setdefault(user, []).append(place_of(tuple(row)))
        return found

    async def fills(self, rooms: Collection[Room]) -> Sequence[Fill]:
        """See `TailReader.fills`."""
        wanted = padded(list(rooms))
        params: dict[str, Any] = {"n": MAX_FILL}
        for i, room in enumerate(wanted):
            params |= {f"r{i}": room.nid, f"q{i}": room.head.seq}
        known = {room.nid: (room, room.head) for room in wanted}
        rows = await self._reader.fetch(q.fills(len(wanted)), **params)
        found = []
        for nid, group in groupby(rows, key=lambda row: row[0]):
            room, head = known[nid]
            fill = _fill(room, head.seq, list(group))
            if fill is not None and fill.head.rev == head.rev:
                found.append(fill)
        return found

    async def receipts(
        self, rooms: Collection[int], after: Vector
    ) -> Mapping[int, list[PlacedReceipt]]:
        """See `TailReader.receipts`."""
        wanted = padded(list(rooms))
        slots, params = vector_params(after)
        params |= {f"r{i}": nid for i, nid in enumerate(wanted)}
        found: dict[int, list[PlacedReceipt]] = {}
        for nid, *row in await self._reader.fetch(q.receipts(len(wanted), slots), **params):
            found.setdefault(nid, []).append(receipt_of(tuple(row)))
        return found


def _unpack_users(users: bytes) -> dict[int, int]:
    """A user without more had only data changed."""
    pairs = (each if isinstance(each, tuple) else (each, DATA) for each in _decode_users(users))
    return dict(pairs)


def vector_params(vector: Vector) -> tuple[int, dict[str, Any]]:
    """The parameters of a vector, and how many slots they say."""
    pairs = padded(list(vector) or [(0, 0)])
    params = {f"s{i}": slot for i, (slot, _) in enumerate(pairs)}
    return len(pairs), params | {f"p{i}": pos for i, (_, pos) in enumerate(pairs)}


def _fill(room: Room, base: int, rows: Sequence[Row]) -> Fill | None:
    """What one room's rows say, where they are plain events without a hole up to the head."""
    head = head_of(rows[0][1 : 1 + HEAD_SIZE])
    stripped = any(row[1 + HEAD_SIZE + 7] for row in rows)
    if stripped or [row[1 + HEAD_SIZE] for row in rows] != list(range(base + 1, head.seq + 1)):
        return None
    items = [item_of(room, row[1 + HEAD_SIZE :]) for row in rows]
    if any(i.back or i.event.state_key is not None or i.event.type == REDACTION for i in items):
        return None
    return Fill(room.nid, base, head, items)
