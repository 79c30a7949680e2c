"""The SELECTs of counting by thread."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, exists, select

from homeserver.domain.relations.relation import THREAD
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.relation_rows import place_of
from homeserver.infrastructure.sql.search_queries import names

if TYPE_CHECKING:
    from sqlalchemy import Select

_e, _r = t.event.c, t.event_relation.c
_THREAD = THREAD.encode()
_STEP = place_of((1, 0))
"""A live event's `place` is its position times this."""

NEWEST_IN_MAIN = Query(
    select(_e.room_seq, _e.notify_ord)
    .where(
        _e.room_nid == bindparam("room"),
        _e.room_seq < bindparam("before"),
        _e.sender_nid == bindparam("user"),
        _e.back == 0,
        ~exists(
            select(_r.place).where(
                _r.room_nid == _e.room_nid,
                _r.rel_type == _THREAD,
                _r.place == _e.room_seq * _STEP,
            )
        ),
    )
    .order_by(_e.room_seq.desc())
    .limit(1)
)


def _children() -> Select[Any]:
    """Relations with their live events, and the ordinals at the events before these.

    Parameters: room, after and until (places), and n. A bound on the event instead would make SQLite begin
    with all events of the room.
    """
    before = t.event.alias("before")
    same = and_(_e.room_nid == _r.room_nid, _e.event_id == _r.event_id, _e.back == 0)
    previous = and_(
        before.c.room_nid == _e.room_nid,
        before.c.room_seq == _e.room_seq - 1,
        before.c.back == 0,
    )
    columns = (_r.parent_id, _r.event_id, _e.room_seq, _e.sender_nid, _e.notify_ord)
    return (
        select(*columns, before.c.notify_ord)
        .select_from(t.event_relation.join(t.event, same).outerjoin(before, previous))
        .where(
            _r.room_nid == bindparam("room"),
            _r.place > bindparam("after"),
            _r.place <= bindparam("until"),
        )
        .order_by(_r.place.desc())
        .limit(bindparam("n"))
    )


REPLIES = Query(_children().where(_r.rel_type == _THREAD))


@cache
def related(parents: int) -> Query:
    """What relates to `parents` events (p0 …) otherwise than as a reply in their thread."""
    return Query(_children().where(_r.parent_id.in_(names("p", parents)), _r.rel_type != _THREAD))
