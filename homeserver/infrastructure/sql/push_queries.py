"""The statements of the push role."""

from __future__ import annotations

from functools import cache

from sqlalchemy import and_, bindparam, exists, or_, select

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.memberships import PLACE_COLUMNS
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.search_queries import names

_m, _p, _u, _h, _r, _n = (
    *(t.membership.c, t.pusher.c, t.matrix_user.c),
    *(t.room_head.c, t.receipt.c, t.push_notice.c),
)
_THERE = or_(_m.membership == b"join", _m.membership == b"invite")
_READ_FROM_THE_HEAD = exists(
    select(_r.room_nid).where(
        _r.room_nid == _m.room_nid,
        _r.user_nid == _m.user_nid,
        _r.thread == b"",
        _r.event_seq >= _h.seq,
        _r.event_back == 0,
    )
)
UNREAD_ROOMS = Query(
    select(*PLACE_COLUMNS)
    .select_from(t.membership.join(t.room_head, _h.room_nid == _m.room_nid))
    .where(
        _m.user_nid == bindparam("user"),
        _m.membership == b"join",
        _h.seq > _m.room_seq,
        ~_READ_FROM_THE_HEAD,
    )
    .order_by(_h.pos.desc())
    .limit(bindparam("n"))
)
OWED = Query(select(*t.push_notice.columns).order_by(_n.number.desc()).limit(bindparam("n")))
RETRIES = Query(select(*t.push_retry.columns))
REVISION = Query(select(t.role.c.rev).where(t.role.c.name == bindparam("role_name")))


@cache
def readers(count: int) -> Query:
    """Who is in `count` rooms (r0 …) and has a pusher."""
    has_pusher = exists(select(_p.user_nid).where(_p.user_nid == _m.user_nid))
    return Query(
        select(_m.user_nid, _u.user_id, *PLACE_COLUMNS)
        .select_from(t.membership.join(t.matrix_user, _u.nid == _m.user_nid))
        .where(_m.room_nid.in_(names("r", count)), _THERE, has_pusher)
    )


@cache
def rooms_of(count: int) -> Query:
    """The rooms that `count` users (u0 …) are in."""
    return Query(select(_m.room_nid).where(_m.user_nid.in_(names("u", count)), _THERE).distinct())


@cache
def pushers(count: int) -> Query:
    """The pushers of `count` users (u0 …) who are not locked."""
    a = t.account.c
    locked = exists(
        select(a.user_nid).where(and_(a.user_nid == _p.user_nid, a.locked_ts.is_not(None)))
    )
    return Query(
        select(_p.user_nid, _p.pusher_key, _p.device_nid, _p.created_ts, _p.body)
        .where(_p.user_nid.in_(names("u", count)), ~locked)
        .order_by(_p.user_nid, _p.created_ts, _p.pusher_key)
    )
