"""The statements of the delivery to application services."""

from __future__ import annotations

from functools import cache

from sqlalchemy import and_, bindparam, delete, insert, not_, select, update

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.search_queries import names
from homeserver.infrastructure.sql.tail_queries import lacks

_e, _m, _u, _s, _a = (
    *(t.event.c, t.membership.c, t.matrix_user.c),
    *(t.state_interval.c, t.room_alias.c),
)
_q, _t = t.service_queue.c, t.service_transaction.c

STANDINGS = Query(
    select(_u.user_id, _m.membership, _m.room_seq)
    .select_from(t.membership.join(t.matrix_user, _u.nid == _m.user_nid))
    .where(_m.room_nid == bindparam("room"))
)
MEMBER_AT = Query(
    select(t.room.c.room_id, _e.event_id, _e.codec, _e.body)
    .select_from(
        t.state_interval.join(
            t.event, and_(_e.room_nid == _s.room_nid, _e.event_id == _s.event_id)
        ).join(t.room, t.room.c.nid == _s.room_nid)
    )
    .where(
        _s.room_nid == bindparam("room"),
        _s.type == b"m.room.member",
        _s.state_key == bindparam("user"),
        _s.from_seq <= bindparam("seq"),
        _s.to_seq > bindparam("seq"),
    )
)
WAITING = Query(
    select(_q.number, _q.room_nid, _q.room_seq)
    .where(_q.service_key == bindparam("key"), _q.number > bindparam("after"))
    .order_by(_q.number)
    .limit(bindparam("n"))
)
TAKEN = Query(
    delete(t.service_queue).where(
        _q.service_key == bindparam("key"), _q.number <= bindparam("upto")
    )
)
PARCEL = Query(
    select(_t.rev, _t.upto, _t.txn_id, _t.body).where(_t.service_key == bindparam("key"))
)
FIRST_PARCEL = Query(
    insert(t.service_transaction).values(
        {c.name: bindparam(f"p_{c.name}") for c in t.service_transaction.columns}
    )
)
NEXT_PARCEL = Query(
    update(t.service_transaction)
    .where(_t.service_key == bindparam("key"), _t.rev == bindparam("known"))
    .values(
        rev=bindparam("p_rev"),
        upto=bindparam("p_upto"),
        txn_id=bindparam("p_txn_id"),
        body=bindparam("p_body"),
    )
)


@cache
def seq_at(slots: int) -> Query:
    """The last event of a room up to a position that a vector (s0, p0 …) covers."""
    return Query(
        select(_e.room_seq)
        .where(
            _e.room_nid == bindparam("room"),
            _e.room_seq <= bindparam("before"),
            _e.back == 0,
            not_(lacks(_e.slot, _e.pos, slots)),
        )
        .order_by(_e.room_seq.desc())
        .limit(1)
    )


@cache
def aliases(count: int) -> Query:
    """The aliases of `count` rooms: parameters r0, r1 …."""
    return Query(select(_a.room_nid, _a.alias).where(_a.room_nid.in_(names("r", count))))
