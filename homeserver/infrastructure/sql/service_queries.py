"""The statements of the delivery to application services."""

from __future__ import annotations

from functools import cache

from sqlalchemy import and_, bindparam, delete, insert, not_, select, update

from homeserver.infrastructure.sql import service_tables as st
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.search_queries import names
from homeserver.infrastructure.sql.tail_queries import lacks

_e, _m, _u, _s, _a = (
    *(t.event.c, t.membership.c, t.matrix_user.c),
    *(t.state_interval.c, t.room_alias.c),
)
_q, _t, _c = st.service_queue.c, st.service_transaction.c, st.service_message.c
_d, _i, _r = t.device.c, t.to_device.c, st.reading_device.c

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
    delete(st.service_queue).where(
        _q.service_key == bindparam("key"), _q.number <= bindparam("upto")
    )
)
PARCEL = Query(
    select(_t.rev, _t.upto, _t.txn_id, _t.body, _t.inboxes).where(
        _t.service_key == bindparam("key")
    )
)
FIRST_PARCEL = Query(
    insert(st.service_transaction).values(
        {c.name: bindparam(f"p_{c.name}") for c in st.service_transaction.columns}
    )
)
NEXT_PARCEL = Query(
    update(st.service_transaction)
    .where(_t.service_key == bindparam("key"), _t.rev == bindparam("known"))
    .values(
        rev=bindparam("p_rev"),
        upto=bindparam("p_upto"),
        txn_id=bindparam("p_txn_id"),
        body=bindparam("p_body"),
        inboxes=bindparam("p_inboxes"),
    )
)
COPIES = Query(
    select(_c.ts, _c.device_nid, _c.inbox_seq, _c.user_nid, _u.user_id, _d.device_id, _c.body)
    .select_from(
        st.service_message.join(t.device, _d.nid == _c.device_nid).join(
            t.matrix_user, _u.nid == _c.user_nid
        )
    )
    .where(_c.service_key == bindparam("key"))
    .order_by(_c.ts, _c.device_nid, _c.inbox_seq)
    .limit(bindparam("n"))
)
PACKED = Query(
    delete(st.service_message).where(
        _c.service_key == bindparam("key"),
        _c.ts == bindparam("at"),
        _c.device_nid == bindparam("device"),
        _c.inbox_seq == bindparam("seq"),
    )
)
CLEARED = Query(
    delete(t.to_device).where(
        _i.user_nid == bindparam("user"),
        _i.device_nid == bindparam("device"),
        _i.inbox_seq == bindparam("seq"),
    )
)


@cache
def readers(users: int) -> Query:
    """The devices of users (u0 …) that read their inboxes."""
    wanted = _r.user_nid.in_(names("u", users))
    return Query(select(_r.device_nid).where(wanted))


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
