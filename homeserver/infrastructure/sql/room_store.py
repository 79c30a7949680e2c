"""`RoomStore` on SQL, together with what else is kept of rooms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.ports.room_store import RoomRecord
from homeserver.domain.events.hashes import event_id_from_bytes
from homeserver.domain.rooms.branches import Gap
from homeserver.domain.rooms.floor import NO_FLOOR, Floor
from homeserver.domain.rooms.room import Head
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.event_rows import head_of, read_tail, read_timeline
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.reading_store import SqlReadingStore
from homeserver.infrastructure.sql.receipt_rows import receipt_of
from homeserver.infrastructure.sql.room_rows import write_room
from homeserver.infrastructure.sql.state_rows import change_of, read_changes, span_of, state_rows
from homeserver.infrastructure.sql.state_store import SqlStateStore
from homeserver.infrastructure.sql.timeline_store import SqlTimelineStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.writes import Row

IDS_AT_ONCE = 512
_unpack = msgspec.msgpack.Decoder(list[bytes]).decode


class SqlRoomStore(SqlTimelineStore, SqlStateStore, SqlReadingStore):
    """See `RoomStore`, `TimelineStore`, `StateStore` and `ReadingStore`."""

    async def find(self, room_id: str) -> RoomRecord | None:
        """See `RoomStore.find`."""
        return _record(await self._db.fetch(q.ROOM_BY_ID, room_id=room_id.encode()))

    async def find_by_nid(self, nid: int) -> RoomRecord | None:
        """See `RoomStore.find_by_nid`."""
        return _record(await self._db.fetch(q.ROOM_BY_NID, nid=nid))

    async def room_ids(self, nids: Sequence[int]) -> dict[int, str]:
        """See `RoomStore.room_ids`."""
        found: dict[int, str] = {}
        for start in range(0, len(nids), IDS_AT_ONCE):
            wanted = padded(nids[start : start + IDS_AT_ONCE])
            params = {f"r{i}": nid for i, nid in enumerate(wanted)}
            rows = await self._db.fetch(q.room_ids(len(wanted)), **params)
            found.update((nid, room_id.decode()) for nid, room_id in rows)
        return found

    async def load(self, room: Room) -> None:
        """See `RoomStore.load`."""
        async with self._db.snapshot() as reader:
            head, floor = _floored(await reader.fetch(q.FLOORED_HEAD, room=room.nid))
            state = await state_rows(reader, room, q.CURRENT_STATE)
            members = await reader.fetch(q.JOINED_MEMBERS, room=room.nid)
            tail = await read_tail(reader, room, 0)
            first = tail[0].seq if tail else head.seq + 1
            changes = await read_changes(reader, room, first - 1)
            gaps = await reader.fetch(q.GAPS, room=room.nid)
            receipts = await reader.fetch(q.RECEIPTS, room=room.nid)
            muted = await reader.fetch(q.MUTED, room=room.nid)
        spans = [span_of(room, row) for row in state]
        room.load(
            head,
            [(s.key, s.event, s.from_seq) for s in spans if s.event is not None],
            [(user.decode(), nid) for user, nid in members],
            tail,
            [receipt_of(row) for row in receipts],
            [seq for (seq,) in muted],
            changes,
            _gaps(gaps),
            floor,
        )

    async def refresh(self, room: Room) -> bool:
        """See `RoomStore.refresh`."""
        if _head(await self._db.fetch(q.HEAD, room=room.nid)) == room.head:
            return False
        before = room.head
        while not await self._refresh(room, room.head):
            pass  # whoever moved it meanwhile may have read an older instant than we did
        return room.head is not before

    async def _refresh(self, room: Room, old: Head) -> bool:
        """Read what the store has beyond `old`; False where the room moved meanwhile.

        It has not taken then what was read, and may lack some of it.
        """
        async with self._db.snapshot() as reader:
            head, floor = _floored(await reader.fetch(q.FLOORED_HEAD, room=room.nid))
            if head == old:
                return True
            changes = await state_rows(reader, room, q.CHANGES_SINCE_REV, rev=old.rev)
            gaps = await reader.fetch(q.GAPS, room=room.nid)
            members = await reader.fetch(q.MEMBERS_SINCE, room=room.nid, seq=old.seq)
            tail = await read_tail(reader, room, old.seq)
            rows = await reader.fetch(q.REDACTED_SINCE, room=room.nid, seq=old.seq)
            redacted = await read_timeline(reader, room, rows)
            receipts = await reader.fetch(q.RECEIPTS, room=room.nid)
            muted = await reader.fetch(q.MUTED, room=room.nid)
        return room.catch_up(
            old,
            head,
            [change_of(room, row) for row in changes],
            [(u.decode(), nid if m == b"join" else None) for u, nid, m in members],
            tail,
            [receipt_of(row) for row in receipts],
            [seq for (seq,) in muted],
            redacted,
            _gaps(gaps),
            floor,
        )

    async def transaction_events(self, keys: Sequence[tuple[int, bytes]]) -> dict[bytes, str]:
        """See `RoomStore.transaction_events`."""
        if not keys:
            return {}
        pairs = padded(list(keys))
        params: dict[str, Any] = {f"r{i}": room for i, (room, _) in enumerate(pairs)}
        params.update({f"k{i}": key for i, (_, key) in enumerate(pairs)})
        rows = await self._db.fetch(q.transactions(len(pairs)), **params)
        return {key: event_id_from_bytes(event) for key, event in rows}

    def add_room(self, draft: Draft, room: Room, creator_nid: int) -> None:
        """See `RoomStore.add_room`."""
        names = (room.room_id.encode(), room.version.id.encode())
        row = (room.nid, *names, creator_nid, 0, draft.now)
        draft.write(w.INSERT_ROOM, row)

    def write(self, draft: Draft, room: RoomDraft) -> None:
        """See `RoomStore.write`."""
        write_room(draft, room)


def _record(rows: Sequence[Row]) -> RoomRecord | None:
    if not rows:
        return None
    nid, room_id, version = rows[0]
    return RoomRecord(nid, room_id.decode(), version.decode())


def _head(rows: Sequence[Row]) -> Head:
    if not rows:
        return Head()
    return head_of(rows[0])


def _floored(rows: Sequence[Row]) -> tuple[Head, Floor]:
    if not rows:
        return Head(), NO_FLOOR
    *head, seq, notify_ord, slot, pos = rows[0]
    floor = NO_FLOOR if seq is None else Floor(seq, notify_ord, slot, pos)
    return head_of(tuple(head)), floor


def _gaps(rows: Sequence[Row]) -> dict[int, Gap]:
    return {
        seq: Gap(tuple(event_id_from_bytes(key) for key in _unpack(missing)), notify_ord, back)
        for seq, back, notify_ord, missing in rows
    }
