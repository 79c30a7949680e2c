"""The statements of purges."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, or_, select, update

from homeserver.infrastructure.sql import purge_tables as pt
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.event_codec import PURGED
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.search_queries import names

if TYPE_CHECKING:
    from sqlalchemy import BindParameter

_e, _f, _p = t.event.c, pt.room_floor.c, pt.purge_order.c
_x, _d, _r, _h = t.search_text.c, t.search_edit.c, t.event_relation.c, t.highlight.c
_ROOM: BindParameter[Any] = bindparam("room")

FIND = Query(
    select(_p.ts, _p.from_seq, _p.seq, _f.cleared)
    .select_from(pt.purge_order.outerjoin(pt.room_floor, _f.room_nid == _p.room_nid))
    .where(_p.room_nid == _ROOM, _p.purge_id == bindparam("wanted"))
)
DUE = Query(
    select(_f.room_nid, _f.seq, _f.cleared)
    .where(_f.pending == 1, _f.since_ts <= bindparam("before"))
    .order_by(_f.since_ts)
    .limit(1)
)
EVENTS = Query(
    select(_e.room_seq, _e.back, _e.event_id, _e.codec, _e.body)
    .with_hint(t.event, "FORCE INDEX (PRIMARY)", "mysql")
    .where(
        _e.room_nid == _ROOM,
        _e.room_seq >= bindparam("after_seq"),
        _e.room_seq <= bindparam("end_seq"),
        or_(
            _e.room_seq > bindparam("after_seq"),
            _e.back > bindparam("after_back"),
        ),
        or_(_e.room_seq < bindparam("end_seq"), _e.back < 0),
    )
    .order_by(_e.room_seq, _e.back)
    .limit(bindparam("n"))
)
"""What follows a position, up to the history behind event `end_seq`."""
MUTED = Query(
    delete(t.muted_event).where(
        t.muted_event.c.room_nid == _ROOM, t.muted_event.c.room_seq <= bindparam("upto")
    )
)
TEXTS = Query(
    delete(t.search_text).where(
        _x.room_nid == _ROOM,
        _x.room_seq <= bindparam("last_seq"),
        or_(_x.room_seq < bindparam("last_seq"), _x.back <= bindparam("last_back")),
    )
)
MOVE = Query(
    update(pt.room_floor)
    .where(_f.room_nid == _ROOM, _f.seq == bindparam("floor"), _f.cleared == bindparam("known"))
    .values(cleared=bindparam("upto"), pending=bindparam("left"))
)


@cache
def floors(count: int) -> Query:
    """Where the logs of `count` rooms (r0 …) begin, as far as something was purged."""
    return Query(select(_f.room_nid, _f.seq).where(_f.room_nid.in_(names("r", count))))


@cache
def targets(count: int) -> Query:
    """Where `count` events of a room (e0 …) stand."""
    return Query(
        select(_e.event_id, _e.room_seq, _e.back).where(
            _e.room_nid == _ROOM, _e.event_id.in_(names("e", count))
        )
    )


@cache
def hollow(count: int) -> Query:
    """Take the bodies of `count` events (e0 …); the rows keep the log's numbers and ids."""
    return Query(
        update(t.event)
        .where(_e.room_nid == _ROOM, _e.event_id.in_(names("e", count)))
        .values(codec=PURGED, body=b"")
    )


@cache
def redactions(count: int) -> Query:
    """Delete the redactions of `count` events (e0 …)."""
    c = t.redaction.c
    return Query(delete(t.redaction).where(c.room_nid == _ROOM, c.target_id.in_(names("e", count))))


@cache
def edits(count: int) -> Query:
    """Delete what is known of `count` edits (e0 …) for searches."""
    return Query(
        delete(t.search_edit).where(_d.room_nid == _ROOM, _d.event_id.in_(names("e", count)))
    )


@cache
def relations(count: int) -> Query:
    """Delete `count` relations: parameters p0, at0 (parent, place of the child), p1 …."""
    places = [
        and_(_r.parent_id == bindparam(f"p{i}"), _r.place == bindparam(f"at{i}"))
        for i in range(count)
    ]
    return Query(delete(t.event_relation).where(_r.room_nid == _ROOM, or_(*places)))


@cache
def nids(count: int) -> Query:
    """The numbers of `count` users (u0 …)."""
    c = t.matrix_user.c
    return Query(select(c.nid).where(c.user_id.in_(names("u", count))))


@cache
def highlights(count: int) -> Query:
    """Delete the highlights of `count` users (u0 …) in a stretch."""
    return Query(
        delete(t.highlight).where(
            _h.user_nid.in_(names("u", count)),
            _h.room_nid == _ROOM,
            _h.room_seq >= bindparam("first"),
            _h.room_seq <= bindparam("upto"),
        )
    )
