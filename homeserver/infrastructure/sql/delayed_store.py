"""`DelayedStore` on SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, func, select, update

from homeserver.application.ports.delayed_store import DelayedEvent, Load, Outcome
from homeserver.application.requester import Requester
from homeserver.domain.shared.canonical_json import decode_object, encode_canonical
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.types import OPEN
from homeserver.infrastructure.sql.writes import Execute, Insert

if TYPE_CHECKING:
    from collections.abc import Sequence

    from homeserver.application.writing.draft import Draft
    from homeserver.infrastructure.sql.database import Reader
    from homeserver.infrastructure.sql.writes import Row

_d, _o = t.delayed_event.c, t.delayed_outcome.c
_FIND = Query(
    select(*t.delayed_event.columns, _o.ts, _o.event_id, _o.error)
    .select_from(t.delayed_event.outerjoin(t.delayed_outcome, _o.nid == _d.nid))
    .where(_d.delay_id == bindparam("wanted"))
)
_SCHEDULED = Query(
    select(*t.delayed_event.columns)
    .where(_d.user_nid == bindparam("user"), _d.due_ts < OPEN)
    .order_by(_d.due_ts, _d.nid)
)
_LOAD = Query(
    select(func.count(), func.min(_d.due_ts)).where(
        _d.user_nid == bindparam("user"), _d.due_ts < OPEN
    )
)
_DUE = Query(
    select(*t.delayed_event.columns)
    .where(_d.due_ts <= bindparam("now_"))
    .order_by(_d.due_ts, _d.nid)
    .limit(bindparam("n"))
)
_INSERT = Insert(t.delayed_event, 91)
_INSERT_OUTCOME = Insert(t.delayed_outcome, 92)
_SET_DUE = Execute(
    Query(
        update(t.delayed_event)
        .where(_d.nid == bindparam("wanted"), _d.due_ts < OPEN)
        .values(since_ts=bindparam("since"), due_ts=bindparam("due"))
    ),
    ("since", "due", "wanted"),
    93,
)
_CLOSE = Execute(
    Query(update(t.delayed_event).where(_d.nid == bindparam("wanted")).values(due_ts=OPEN)),
    ("wanted",),
    94,
)
_FORGET_EVENTS = Execute(
    Query(
        delete(t.delayed_event).where(
            _d.due_ts == OPEN, _d.nid.in_(select(_o.nid).where(_o.ts < bindparam("before")))
        )
    ),
    ("before",),
    95,
)
_FORGET_OUTCOMES = Execute(
    Query(delete(t.delayed_outcome).where(_o.ts < bindparam("before"))), ("before",), 96
)
_COLUMNS = len(t.delayed_event.columns)


class SqlDelayedStore:
    """See `DelayedStore`."""

    def __init__(self, reader: Reader) -> None:
        """Read here."""
        self._reader = reader

    async def find(self, delay_id: str) -> tuple[DelayedEvent, Outcome | None] | None:
        """See `DelayedStore.find`."""
        rows = await self._reader.fetch(_FIND, wanted=delay_id.encode())
        if not rows:
            return None
        return _event(rows[0][:_COLUMNS]), _outcome(rows[0][_COLUMNS:])

    async def scheduled(self, user_nid: int) -> Sequence[DelayedEvent]:
        """See `DelayedStore.scheduled`."""
        return [_event(row) for row in await self._reader.fetch(_SCHEDULED, user=user_nid)]

    async def load(self, user_nid: int) -> Load:
        """See `DelayedStore.load`."""
        count, next_ts = (await self._reader.fetch(_LOAD, user=user_nid))[0]
        return Load(count, next_ts or 0)

    async def due(self, now: int, limit: int) -> Sequence[DelayedEvent]:
        """See `DelayedStore.due`."""
        return [_event(row) for row in await self._reader.fetch(_DUE, now_=now, n=limit)]

    def add(self, draft: Draft, event: DelayedEvent) -> None:
        """See `DelayedStore.add`."""
        by = event.requester
        named = (by.user_id.encode(), event.room_id.encode(), event.type.encode())
        key = None if event.state_key is None else event.state_key.encode()
        content = encode_canonical(event.content)
        when = (event.delay_ms, event.since_ts, event.due_ts)
        row = (event.nid, event.delay_id.encode(), by.user_nid, by.device_nid)
        draft.write(_INSERT, (*row, *named, key, content, *when))

    def restart(self, draft: Draft, event: DelayedEvent, since_ts: int) -> None:
        """See `DelayedStore.restart`."""
        draft.write(_SET_DUE, (since_ts, since_ts + event.delay_ms, event.nid))

    def finish(self, draft: Draft, event: DelayedEvent, outcome: Outcome) -> None:
        """See `DelayedStore.finish`."""
        event_id = None if outcome.event_id is None else outcome.event_id.encode()
        error = None if outcome.error is None else encode_canonical(outcome.error)
        draft.write(_INSERT_OUTCOME, (event.nid, outcome.ts, event_id, error))
        draft.write(_CLOSE, (event.nid,))

    def forget(self, draft: Draft, before_ts: int) -> None:
        """See `DelayedStore.forget`."""
        draft.write(_FORGET_EVENTS, (before_ts,))
        draft.write(_FORGET_OUTCOMES, (before_ts,))


def _event(row: Row) -> DelayedEvent:
    nid, delay_id, user_nid, device_nid, user_id, room_id, kind, key, content, delay, since, _ = row
    return DelayedEvent(
        nid=nid,
        delay_id=delay_id.decode(),
        requester=Requester(user_id.decode(), user_nid, None, device_nid),
        room_id=room_id.decode(),
        type=kind.decode(),
        state_key=None if key is None else key.decode(),
        content=decode_object(bytes(content)),
        delay_ms=delay,
        since_ts=since,
    )


def _outcome(row: Row) -> Outcome | None:
    ts, event_id, error = row
    if ts is None:
        return None
    found: dict[str, Any] | None = None if error is None else decode_object(bytes(error))
    return Outcome(ts, None if event_id is None else event_id.decode(), found)
