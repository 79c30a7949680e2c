"""The statements of full-text search."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, union_all

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.tail_queries import lacks

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, Select

_e, _h, _r, _x, _d = (
    *(t.event.c, t.room_head.c, t.search_room.c),
    *(t.search_text.c, t.search_edit.c),
)
_EVENT_COLUMNS = (
    *(_e.room_nid, _e.room_seq, _e.back, t.room.c.room_id, _e.event_id),
    *(_e.sender_nid, _e.redacted_by, _e.codec, _e.body),
)
BEHIND = Query(
    select(_h.room_nid, _h.seq)
    .select_from(t.room_head.outerjoin(t.search_room, _r.room_nid == _h.room_nid))
    .where(_h.room_nid > bindparam("after"), _h.seq > func.coalesce(_r.seq, 0))
    .order_by(_h.room_nid)
    .limit(bindparam("n"))
)


@cache
def rooms(count: int) -> Query:
    """Number and progress of `count` rooms: parameters r0, r1 …."""
    return Query(select(_r.room_nid, _r.number, _r.seq).where(_r.room_nid.in_(names("r", count))))


def _events() -> Select[Any]:
    return select(*_EVENT_COLUMNS).select_from(t.event.join(t.room, t.room.c.nid == _e.room_nid))


@cache
def events(count: int) -> Query:
    """Stretches of `count` rooms: parameters r0, a0, b0, u0 (after seq and back, until) … and n."""
    stretches = [
        and_(
            _e.room_nid == bindparam(f"r{i}"),
            _e.room_seq >= bindparam(f"a{i}"),
            _e.room_seq <= bindparam(f"u{i}"),
            or_(_e.room_seq > bindparam(f"a{i}"), _e.back > bindparam(f"b{i}")),
        )
        for i in range(count)
    ]
    return Query(
        _events()
        .where(or_(*stretches))
        .order_by(_e.room_nid, _e.room_seq, _e.back)
        .limit(bindparam("n"))
    )


@cache
def arrived_late(count: int, slots: int) -> Query:
    """History behind gaps of `count` rooms (r0 …) that a vector (s0, p0 …) lacks."""
    g = t.room_gap.c
    same = and_(_e.room_nid == g.room_nid, _e.room_seq == g.room_seq, _e.back < 0)
    return Query(
        _events()
        .join(t.room_gap, same)
        .where(g.room_nid.in_(names("r", count)), lacks(_e.slot, _e.pos, slots))
        .order_by(_e.room_nid, _e.room_seq, _e.back)
    )


@cache
def by_id(count: int) -> Query:
    """`count` events of one room: parameters room, e0, e1 …."""
    return Query(
        _events().where(_e.room_nid == bindparam("room"), _e.event_id.in_(names("e", count)))
    )


@cache
def edits(count: int) -> Query:
    """Edits that have one of `count` ids (e0 …), and those of events that have one."""
    # by ids alone: MariaDB takes 20 µs for each (room, id) of an OR, 1 µs for one of a list
    own, others = (
        select(*t.search_edit.columns).where(event_id.in_(names("e", count)))
        for event_id in (_d.event_id, _d.target_id)
    )
    return Query(union_all(own, others))


@cache
def take_out(count: int) -> Query:
    """Delete the texts at `count` places: parameters r0, q0, b0, r1 …."""
    places = [
        and_(
            _x.room_nid == bindparam(f"r{i}"),
            _x.room_seq == bindparam(f"q{i}"),
            _x.back == bindparam(f"b{i}"),
        )
        for i in range(count)
    ]
    return Query(delete(t.search_text).where(or_(*places)))


def names(prefix: str, count: int) -> list[BindParameter[Any]]:
    """Parameters r0, r1 …."""
    return [bindparam(f"{prefix}{i}") for i in range(count)]
