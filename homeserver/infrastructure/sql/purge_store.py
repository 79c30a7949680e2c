"""`PurgeStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from homeserver.application.ports.purge_store import Clearing, Progress, Purge
from homeserver.domain.rooms.floor import Floor
from homeserver.domain.rooms.notices import EVERYONE
from homeserver.infrastructure.sql import purge_queries as q
from homeserver.infrastructure.sql import writes as w
from homeserver.infrastructure.sql.purge_step import plan_step
from homeserver.infrastructure.sql.query import padded
from homeserver.infrastructure.sql.relation_rows import place_of, position_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.domain.rooms.room import Room
    from homeserver.infrastructure.sql.database import Database, Session
    from homeserver.infrastructure.sql.purge_step import Step
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

T = TypeVar("T")
AT_ONCE = 128
"""Ids in one condition."""
PAIRS_AT_ONCE = 64


class SqlPurgeStore:
    """See `PurgeStore`."""

    def __init__(self, database: Database) -> None:
        """Purge here."""
        self._db = database

    def add(self, draft: Draft, room: Room, purge: Purge) -> None:
        """See `PurgeStore.add`."""
        row = (room.nid, purge.purge_id.encode(), purge.ts, purge.from_seq, purge.seq)
        draft.write(w.INSERT_PURGE, row)

    async def find(self, room: Room, purge_id: str) -> tuple[Purge, Progress] | None:
        """See `PurgeStore.find`."""
        rows = await self._db.fetch(q.FIND, room=room.nid, wanted=purge_id.encode())
        if not rows:
            return None
        ts, from_seq, seq, cleared = rows[0]
        purge = Purge(purge_id, ts, from_seq, seq)
        if cleared is None or cleared >= place_of(Floor(seq).bound):
            return purge, Progress(seq, complete=True)
        at = position_of(cleared)[0]
        return purge, Progress(max(from_seq, min(at, seq)), complete=False)

    async def due(self, before_ts: int) -> Clearing | None:
        """See `PurgeStore.due`."""
        rows = await self._db.fetch(q.DUE, before=before_ts)
        return Clearing(*rows[0]) if rows else None

    async def clear(self, what: Clearing, limit: int) -> None:
        """See `PurgeStore.clear`.

        Rows are read before the transaction: nobody else writes to what was purged.
        """
        floor, (seq, back) = Floor(what.seq), position_of(what.cleared)
        end = {"after_seq": seq, "after_back": back, "end_seq": what.seq + 1}
        rows = await self._db.fetch(q.EVENTS, room=what.room_nid, n=limit, **end)
        step = await plan_step(self._db, what.room_nid, floor, rows)
        whole = len(rows) < limit
        last = floor.bound if whole else (rows[-1][0], rows[-1][1])
        async with self._db.transaction() as session:
            await _take_out(session, what.room_nid, step)
            await _forget_counts(session, what, step, rows, min(last[0], what.seq))
            place = {"last_seq": last[0], "last_back": last[1]}
            await session.execute(q.TEXTS, room=what.room_nid, **place)
            moved = {"known": what.cleared, "upto": place_of(last), "left": int(not whole)}
            await session.execute(q.MOVE, room=what.room_nid, floor=what.seq, **moved)


async def _take_out(session: Session, room_nid: int, step: Step) -> None:
    for query in (q.hollow, q.redactions, q.edits):
        await _each(session, query, "e", room_nid, step.events)
    for some in _chunks(step.relations, PAIRS_AT_ONCE):
        wanted = padded(some)
        params: dict[str, Any] = {f"p{i}": parent for i, (parent, _) in enumerate(wanted)}
        params |= {f"at{i}": place for i, (_, place) in enumerate(wanted)}
        await session.execute(q.relations(len(wanted)), room=room_nid, **params)


async def _forget_counts(
    session: Session, what: Clearing, step: Step, rows: Sequence[Row], upto: int
) -> None:
    """Take out what unread counts had beside the log."""
    await session.execute(q.MUTED, room=what.room_nid, upto=upto)
    if not rows:
        return
    nids = [EVERYONE]
    for some in _chunks([user.encode() for user in step.mentioned], AT_ONCE):
        wanted = padded(some)
        params = {f"u{i}": user for i, user in enumerate(wanted)}
        nids += [nid for (nid,) in await session.fetch(q.nids(len(wanted)), **params)]
    span = {"first": rows[0][0], "upto": upto}
    await _each(session, q.highlights, "u", what.room_nid, nids, **span)


async def _each(
    session: Session,
    query: Callable[[int], Query],
    prefix: str,
    room_nid: int,
    values: Sequence[Any],
    **params: int,
) -> None:
    for some in _chunks(values, AT_ONCE):
        wanted = padded(some)
        named = {f"{prefix}{i}": value for i, value in enumerate(wanted)}
        await session.execute(query(len(wanted)), room=room_nid, **named, **params)


def _chunks(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    return (values[at : at + size] for at in range(0, len(values), size))
