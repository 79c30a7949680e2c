"""`RoomStore` on SQL."""

from __future__ import annotations

from dataclasses import replace
from itertools import takewhile
from typing import TYPE_CHECKING, Any

import msgspec

from homeserver.application.ports.room_store import RoomRecord, StateSpan
from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes
from homeserver.domain.events.parse import load_event
from homeserver.domain.rooms.branches import Gap
from homeserver.domain.rooms.notices import EVERYONE, Highlight, OwnPlace
from homeserver.domain.rooms.room import TAIL, Head, StateChange
from homeserver.domain.rooms.timeline import TimelineEvent
from homeserver.domain.shared.errors import InvalidParamError
from homeserver.infrastructure.sql import room_queries as q
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.codec import decode_body
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.receipt_rows import receipt_of, write_receipt
from homeserver.infrastructure.sql.room_rows import write_room
from homeserver.infrastructure.sql.state_rows import state_rows
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.events.event import Event
    from homeserver.domain.receipts.placed import PlacedReceipt
    from homeserver.domain.rooms.draft import RoomDraft
    from homeserver.domain.rooms.room import Room, StateKey
    from homeserver.infrastructure.sql.database import Database, Reader
    from homeserver.infrastructure.sql.writes import Row

IDS_AT_ONCE = 512
_unpack = msgspec.msgpack.Decoder(list[bytes]).decode


class SqlRoomStore:
    """See `RoomStore`."""

    def __init__(self, database: Database) -> None:
        """Read from this database."""
        self._db = database

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
            head = _head(await reader.fetch(q.HEAD, room=room.nid))
            state = await state_rows(reader, room, q.CURRENT_STATE)
            members = await reader.fetch(q.JOINED_MEMBERS, room=room.nid)
            tail = await self._tail(reader, room, 0)
            first = tail[0].seq if tail else head.seq + 1
            changes = await self._changes(reader, room, first - 1)
            gaps = await reader.fetch(q.GAPS, room=room.nid)
            receipts = await reader.fetch(q.RECEIPTS, room=room.nid)
            muted = await reader.fetch(q.MUTED, room=room.nid)
        spans = [_span(room, row) for row in state]
        room.load(
            head,
            [(s.key, s.event, s.from_seq) for s in spans if s.event is not None],
            [(user.decode(), nid) for user, nid in members],
            tail,
            [receipt_of(row) for row in receipts],
            [seq for (seq,) in muted],
            changes,
            _gaps(gaps),
        )

    async def refresh(self, room: Room) -> bool:
        """See `RoomStore.refresh`."""
        async with self._db.snapshot() as reader:
            head = _head(await reader.fetch(q.HEAD, room=room.nid))
            old = room.head
            if (head.seq, head.rev) == (old.seq, old.rev):
                return False
            changes = await state_rows(reader, room, q.CHANGES_SINCE_REV, rev=old.rev)
            gaps = await reader.fetch(q.GAPS, room=room.nid)
            members = await reader.fetch(q.MEMBERS_SINCE, room=room.nid, seq=old.seq)
            tail = await self._tail(reader, room, old.seq)
            rows = await reader.fetch(q.REDACTED_SINCE, room=room.nid, seq=old.seq)
            redacted = await self._timeline(reader, room, rows)
            receipts = await reader.fetch(q.RECEIPTS, room=room.nid)
            muted = await reader.fetch(q.MUTED, room=room.nid)
        room.catch_up(
            old,
            head,
            [_change(room, row) for row in changes],
            [(u.decode(), nid if m == b"join" else None) for u, nid, m in members],
            tail,
            [receipt_of(row) for row in receipts],
            [seq for (seq,) in muted],
            redacted,
            _gaps(gaps),
        )
        return True

    async def event(self, room: Room, event_id: str) -> TimelineEvent | None:
        """See `RoomStore.event`."""
        for item in room.tail:
            if item.event.event_id == event_id:
                return item
        try:
            key = event_id_bytes(event_id)
        except InvalidParamError:
            return None
        rows = await self._db.fetch(q.EVENT_BY_ID, room=room.nid, event_id=key)
        return (await self._timeline(self._db, room, rows))[0] if rows else None

    async def events(
        self,
        room: Room,
        *,
        after: tuple[int, int],
        before: tuple[int, int],
        limit: int,
        newest: bool,
    ) -> Sequence[TimelineEvent]:
        """See `RoomStore.events`."""
        rows = await self._db.fetch(
            q.NEWEST_EVENTS if newest else q.OLDEST_EVENTS,
            room=room.nid,
            after_seq=after[0],
            after_back=after[1],
            before_seq=before[0],
            before_back=before[1],
            n=limit,
        )
        return await self._timeline(self._db, room, rows[::-1] if newest else rows)

    async def live_events(
        self, room: Room, *, after: int, until: int, limit: int
    ) -> Sequence[TimelineEvent]:
        """See `RoomStore.live_events`."""
        rows = await self._db.fetch(
            q.LIVE_EVENTS, room=room.nid, after_seq=after, until_seq=until, n=limit
        )
        return await self._timeline(self._db, room, rows[::-1])

    async def positions(self, room: Room, seqs: Sequence[int]) -> dict[int, tuple[int, int]]:
        """See `RoomStore.positions`."""
        rows = await self._at(room, seqs)
        return {seq: (slot, pos) for seq, slot, pos, _ in rows}

    async def times(self, room: Room, seqs: Sequence[int]) -> dict[int, int]:
        """See `RoomStore.times`."""
        return {seq: ts for seq, _, _, ts in await self._at(room, seqs)}

    async def _at(self, room: Room, seqs: Sequence[int]) -> Sequence[Row]:
        if not seqs:
            return []
        wanted = padded(list(seqs))
        params = {f"s{i}": seq for i, seq in enumerate(wanted)}
        return await self._db.fetch(q.positions(len(wanted)), room=room.nid, **params)

    async def state_after(self, room: Room, seq: int) -> dict[StateKey, Event]:
        """See `RoomStore.state_after`."""
        rows = await state_rows(self._db, room, q.STATE_AFTER, seq=seq)
        return _state(room, rows)

    async def state_at(
        self, room: Room, seq: int, keys: Sequence[StateKey], *, others_than: str | None = None
    ) -> dict[StateKey, Event]:
        """See `RoomStore.state_at`."""
        if not keys and others_than is None:
            return {}
        wanted = padded(list(keys)) if keys else []
        params: dict[str, Any] = {f"t{i}": key[0].encode() for i, key in enumerate(wanted)}
        params.update({f"k{i}": key[1].encode() for i, key in enumerate(wanted)})
        if others_than is not None:
            params["other"] = others_than.encode()
        query = q.state_at(len(wanted), others=others_than is not None)
        return _state(room, await state_rows(self._db, room, query, seq=seq, **params))

    async def state_changes(self, room: Room, *, after: int, until: int) -> Sequence[StateChange]:
        """See `RoomStore.state_changes`."""
        rows = await state_rows(self._db, room, q.STATE_CHANGES, after=after, until=until)
        return [_change(room, row) for row in rows]

    async def history_of(self, room: Room, key: StateKey) -> Sequence[StateSpan]:
        """See `RoomStore.history_of`."""
        rows = await state_rows(
            self._db, room, q.KEY_HISTORY, kind=key[0].encode(), key=key[1].encode()
        )
        return [_span(room, row) for row in rows]

    async def transaction_events(self, keys: Sequence[tuple[int, bytes]]) -> dict[bytes, str]:
        """See `RoomStore.transaction_events`."""
        if not keys:
            return {}
        pairs = padded(list(keys))
        params: dict[str, Any] = {f"r{i}": room for i, (room, _) in enumerate(pairs)}
        params.update({f"k{i}": key for i, (_, key) in enumerate(pairs)})
        rows = await self._db.fetch(q.transactions(len(pairs)), **params)
        return {key: event_id_from_bytes(event) for key, event in rows}

    async def newest_own(self, room_nid: int, user_nid: int, after: int) -> OwnPlace | None:
        """See `RoomStore.newest_own`."""
        rows = await self._db.fetch(q.NEWEST_OWN, room=room_nid, user=user_nid, after=after)
        return OwnPlace(*rows[0]) if rows else None

    async def highlights(self, room_nid: int, user_nid: int, after: int) -> Sequence[Highlight]:
        """See `RoomStore.highlights`."""
        rows = await self._db.fetch(
            q.HIGHLIGHTS, room=room_nid, user=user_nid, everyone=EVERYONE, after=after
        )
        return [Highlight(user, seq, bool(counted)) for user, seq, counted in rows]

    def write_receipt(self, draft: Draft, room: Room, placed: PlacedReceipt) -> None:
        """See `RoomStore.write_receipt`."""
        write_receipt(draft, room, placed)

    def add_room(
        self, draft: Draft, room: Room, creator_nid: int, *, published: bool = False
    ) -> None:
        """See `RoomStore.add_room`."""
        names = (room.room_id.encode(), room.version.id.encode())
        row = (room.nid, *names, creator_nid, int(published), draft.now)
        draft.write(w.INSERT_ROOM, row)

    def write(self, draft: Draft, room: RoomDraft) -> None:
        """See `RoomStore.write`."""
        write_room(draft, room)

    async def _changes(self, reader: Reader, room: Room, seq: int) -> list[StateChange]:
        """The changes of state from position `seq` on, with what they replaced."""
        rows = await state_rows(reader, room, q.CHANGES_SINCE_SEQ, seq=seq)
        if not rows:
            return []
        changes = [_change(room, row) for row in rows]
        ends = {"first": changes[0].rev, "last": changes[-1].rev}
        ended = await state_rows(reader, room, q.ENDED, **ends)
        before = {(row[-1], row[0], row[1]): _change(room, row[:-1]).event for row in ended}
        return [
            replace(c, replaced=before.get((c.rev, c.key[0].encode(), c.key[1].encode())))
            for c in changes
        ]

    async def _tail(self, reader: Reader, room: Room, after: int) -> list[TimelineEvent]:
        """The newest events, as far back as no history stands between them."""
        rows = await reader.fetch(q.TAIL, room=room.nid, after_seq=after, n=TAIL)
        live = takewhile(lambda row: row[1] == 0, rows)
        return (await self._timeline(reader, room, list(live)))[::-1]

    async def _timeline(
        self, reader: Reader, room: Room, rows: Sequence[Row]
    ) -> list[TimelineEvent]:
        """Read rows as events; what they replaced and what stripped them costs a query each."""
        items = [_item(room, row) for row in rows]
        replaced = await self._replaced(reader, room, items)
        redactions = {
            item.event.event_id: row[7] for item, row in zip(items, rows, strict=True) if row[7]
        }
        stripped_by = await self._by_key(reader, room, list(redactions.values()))
        for item in items:
            item.replaced = replaced.get((item.seq, item.event.event_id))
            item.redacted_because = stripped_by.get(redactions.get(item.event.event_id, b""))
        return items

    async def _replaced(
        self, reader: Reader, room: Room, items: Sequence[TimelineEvent]
    ) -> dict[tuple[int, str], Event]:
        """The state event that each state event replaced."""
        seqs = [i.seq for i in items if i.event.state_key is not None and not i.back]
        if not seqs:
            return {}
        wanted = padded(seqs)
        params = {f"s{i}": seq for i, seq in enumerate(wanted)}
        rows = await reader.fetch(q.replaced(len(wanted)), room=room.nid, **params)
        return {(row[4], event_id_from_bytes(row[0])): _event(room, *row[1:4]) for row in rows}

    async def _by_key(
        self, reader: Reader, room: Room, keys: Sequence[bytes]
    ) -> dict[bytes, Event]:
        if not keys:
            return {}
        wanted = padded(keys)
        params = {f"e{i}": key for i, key in enumerate(wanted)}
        rows = await reader.fetch(q.events_by_id(len(wanted)), room=room.nid, **params)
        return {row[0]: _event(room, *row) for row in rows}


def _record(rows: Sequence[Row]) -> RoomRecord | None:
    if not rows:
        return None
    nid, room_id, version = rows[0]
    return RoomRecord(nid, room_id.decode(), version.decode())


def _head(rows: Sequence[Row]) -> Head:
    if not rows:
        return Head()
    seq, rev, depth, notify_ord, extremities = rows[0]
    ids = tuple(event_id_from_bytes(key) for key in _unpack(extremities))
    return Head(seq, rev, depth, notify_ord, ids)


def _item(room: Room, row: Row) -> TimelineEvent:
    seq, back, key, slot, pos, sender, notify_ord, _by, device, txn, codec, body = row
    return TimelineEvent(
        _event(room, key, codec, body),
        seq=seq,
        back=back,
        slot=slot,
        pos=pos,
        sender_nid=sender,
        notify_ord=notify_ord,
        txn_device=device,
        txn_id=txn.decode() if txn is not None else None,
    )


def _event(room: Room, key: bytes, codec: int, body: bytes) -> Event:
    return load_event(event_id_from_bytes(key), decode_body(codec, body), room.room_id)


def _span(room: Room, row: Row) -> StateSpan:
    change = _change(room, row)
    to_seq = None if row[3] == OPEN else row[3]
    return StateSpan(change.key, change.event, change.seq, to_seq, change.slot, change.pos)


def _change(room: Room, row: Row) -> StateChange:
    event_type, state_key, from_seq, _to_seq, event_id, rev, codec, body, slot, pos = row
    event = _event(room, event_id, codec, body) if event_id is not None else None
    key = (event_type.decode(), state_key.decode())
    return StateChange(key, event, rev, from_seq, slot, pos)


def _gaps(rows: Sequence[Row]) -> dict[int, Gap]:
    return {
        seq: Gap(tuple(event_id_from_bytes(key) for key in _unpack(missing)), notify_ord, back)
        for seq, back, notify_ord, missing in rows
    }


def _state(room: Room, rows: Sequence[Row]) -> dict[StateKey, Event]:
    spans = [_span(room, row) for row in rows]
    return {s.key: s.event for s in spans if s.event is not None}
