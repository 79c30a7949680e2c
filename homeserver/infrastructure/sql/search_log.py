"""`SearchLog` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from homeserver.application.ports.role import RoleLostError
from homeserver.application.ports.search_log import (
    Edit,
    FillCursor,
    LoggedEvent,
)
from homeserver.domain.events.hashes import event_id_bytes, event_id_from_bytes, is_event_id
from homeserver.domain.rooms.floor import Floor
from homeserver.infrastructure.sql import purge_queries
from homeserver.infrastructure.sql import search_queries as q
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.event_codec import PURGED, decode_event
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.roles import Role, move_on, take_role
from homeserver.infrastructure.sql.rows import insert_rows, replace_rows
from homeserver.infrastructure.sql.search_index import room_numbers
from homeserver.infrastructure.sql.tail_reader import vector_params

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.search_log import Changes, EventKey, Place, Stretch
    from homeserver.domain.sync.vector import Vector
    from homeserver.infrastructure.sql.database import Database, Session
    from homeserver.infrastructure.sql.writes import Row

T = TypeVar("T")
ROLE = "search"
AT_ONCE = 64
"""Rooms or places in one condition."""
IDS_AT_ONCE = 512
"""Ids in a list, which costs less."""


class _Progress(msgspec.Struct, array_like=True):
    """The role's body."""

    vector: dict[int, int] | None
    texts: int
    rooms: int
    early: bool = True  # of a body that does not say it


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(_Progress).decode


class SqlSearchLog:
    """See `SearchLog`."""

    def __init__(self, database: Database, clock: Clock, holder: Callable[[], bytes]) -> None:
        """`holder` gives the random id of this process's life (`Lease.holder`)."""
        self._db = database
        self._clock = clock
        self._holder = holder

    async def take(self) -> FillCursor | None:
        """See `SearchLog.take`."""
        role = await take_role(self._db, ROLE, self._holder(), self._clock.now_ms())
        if role is None:
            return None
        if not role.body:
            return FillCursor(role.rev)
        found = _unpack(role.body)
        return FillCursor(role.rev, found.vector, found.texts, found.rooms, found.early)

    async def behind(self, after: int, limit: int) -> Mapping[int, int]:
        """See `SearchLog.behind`."""
        return dict(await self._db.fetch(q.BEHIND, after=after, n=limit))

    async def read_upto(self, rooms: Collection[int]) -> Mapping[int, int]:
        """See `SearchLog.read_upto`."""
        found = await room_numbers(self._db, rooms)
        return {nid: seq for nid, (_, seq) in found.items()}

    async def events(self, stretches: Mapping[int, Stretch], limit: int) -> list[LoggedEvent]:
        """See `SearchLog.events`."""
        wanted = padded(list(stretches.items()))
        params: dict[str, Any] = {"n": limit}
        for i, (nid, ((seq, back), until)) in enumerate(wanted):
            params |= {f"r{i}": nid, f"a{i}": seq, f"b{i}": back, f"u{i}": until}
        rows = await self._db.fetch(q.events(len(wanted)), **params)
        return [logged_event(row) for row in rows]

    async def arrived_late(self, rooms: Collection[int], after: Vector) -> list[LoggedEvent]:
        """See `SearchLog.arrived_late`."""
        found: list[LoggedEvent] = []
        slots, known = vector_params(after)
        for some in _chunks(list(rooms)):
            wanted = padded(some)
            params = known | {f"r{i}": nid for i, nid in enumerate(wanted)}
            rows = await self._db.fetch(q.arrived_late(len(wanted), slots), **params)
            found += [logged_event(row) for row in rows]
        return found

    async def by_id(self, keys: Collection[EventKey]) -> Mapping[EventKey, LoggedEvent]:
        """See `SearchLog.by_id`."""
        found: dict[EventKey, LoggedEvent] = {}
        by_room: dict[int, list[str]] = {}
        for room, event_id in keys:
            by_room.setdefault(room, []).append(event_id)
        for room, ids in by_room.items():
            for count, params in _id_params(ids):
                for row in await self._db.fetch(q.by_id(count), room=room, **params):
                    logged = logged_event(row)
                    found[room, logged.event.event_id] = logged
        return found

    async def edits(self, keys: Collection[EventKey], newest: int) -> Sequence[Edit]:
        """See `SearchLog.edits`."""
        found: dict[EventKey, Edit] = {}
        for count, params in _id_params([event_id for _, event_id in keys]):
            for row in await self._db.fetch(q.edits(count), n=newest, **params):
                edit = _edit(row)
                if edit.key in keys or (edit.key[0], edit.target_id) in keys:
                    found[edit.key] = edit
        return list(found.values())

    async def store(self, cursor: FillCursor, changes: Changes) -> FillCursor:
        """See `SearchLog.store`."""
        numbers = await self._numbers(cursor, changes)
        texts = cursor.texts + len(changes.documents)
        rooms = max([cursor.rooms, *numbers.values()])
        vector = None if cursor.vector is None else dict(cursor.vector)
        early = cursor.early or changes.early
        role = Role(cursor.rev, _pack(_Progress(vector, texts, rooms, early)))
        async with self._db.transaction() as session:
            moved = await move_on(session, ROLE, self._holder(), role)
            if moved is None:
                raise RoleLostError
            await _write(session, changes, numbers, cursor.texts)
        return FillCursor(moved.rev, vector, texts, rooms, early)

    async def _numbers(self, cursor: FillCursor, changes: Changes) -> dict[int, int]:
        """The numbers of the rooms of these changes; rooms without one get the next ones."""
        wanted = changes.rooms.keys() | {each.place[0] for each in changes.documents}
        found = await room_numbers(self._db, wanted)
        new = sorted(wanted - found.keys())
        given = {nid: number for number, nid in enumerate(new, start=cursor.rooms + 1)}
        return given | {nid: number for nid, (number, _) in found.items()}


async def _write(session: Session, changes: Changes, numbers: Mapping[int, int], last: int) -> None:
    await _take_out(session, changes.renewed)
    rows = [(nid, numbers[nid], seq) for nid, seq in changes.rooms.items()]
    await replace_rows(session, t.search_room, rows)
    await replace_rows(session, t.search_edit, [_edit_row(edit) for edit in changes.edits])
    texts: list[Row] = []
    floors = await _floors(session, {each.place[0] for each in changes.documents})
    for number, document in enumerate(changes.documents, start=last + 1):
        room, (nid, *place) = numbers[document.place[0]], document.place
        if Floor(floors.get(nid, 0)).hides(*place):
            continue  # purged while it was being read
        words = " ".join([f"{room}{token}" for token in document.tokens])
        texts.append((number, *document.place, int(document.key), document.ts, words.encode()))
    await insert_rows(session, t.search_text, texts)


async def _floors(session: Session, rooms: Collection[int]) -> dict[int, int]:
    """Where the logs of rooms begin, of those with purged history."""
    found: dict[int, int] = {}
    for some in _chunks(sorted(rooms)):
        wanted = padded(some)
        params = {f"r{i}": nid for i, nid in enumerate(wanted)}
        found.update(await session.fetch(purge_queries.floors(len(wanted)), **params))
    return found


async def _take_out(session: Session, places: Collection[Place]) -> None:
    for some in _chunks(sorted(places)):
        wanted = padded(some)
        params: dict[str, int] = {}
        for i, (nid, seq, back) in enumerate(wanted):
            params |= {f"r{i}": nid, f"q{i}": seq, f"b{i}": back}
        await session.execute(q.take_out(len(wanted)), **params)


def _edit_row(edit: Edit) -> Row:
    room, event_id = edit.key
    target = event_id_bytes(edit.target_id)
    return room, event_id_bytes(event_id), target, edit.sender_nid, edit.ts


def _edit(row: Row) -> Edit:
    room, event_id, target, sender, ts = row
    return Edit((room, event_id_from_bytes(event_id)), event_id_from_bytes(target), sender, ts)


def logged_event(row: Row) -> LoggedEvent:
    """Read a row of the events of `search_queries`."""
    room, seq, back, room_id, event_id, sender, redacted_by, codec, body = row
    event = decode_event(event_id_from_bytes(event_id), room_id.decode(), codec, body)
    gone = redacted_by is not None or codec == PURGED
    return LoggedEvent((room, seq, back), event, sender, gone)


def _id_params(ids: Sequence[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Conditions of up to `AT_ONCE` ids; those that no event has are left out."""
    known = [event_id_bytes(event_id) for event_id in ids if is_event_id(event_id)]
    for some in _chunks(known, IDS_AT_ONCE):
        wanted = padded(some)
        yield len(wanted), {f"e{i}": key for i, key in enumerate(wanted)}


def _chunks(values: Sequence[T], size: int = AT_ONCE) -> Iterator[Sequence[T]]:
    return (values[at : at + size] for at in range(0, len(values), size))
