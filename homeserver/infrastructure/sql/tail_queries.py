"""The SELECTs of the certified tail."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, or_, select

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.memberships import PLACE_COLUMNS
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.room_queries import (
    HEAD_COLUMNS,
    RECEIPT_COLUMNS,
    TIMELINE_COLUMNS,
)

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, Column, ColumnElement

_b, _s = t.writer_batch.c, t.writer_slot.c
POSITIONS = Query(
    select(t.store.c.generation, _s.slot, _s.pos).select_from(
        t.store.outerjoin(t.writer_slot, _s.slot.is_not(None))
    )
)
"""One row per slot; with no slot yet, one with NULLs."""


@cache
def batches(count: int) -> Query:
    """Batches of `count` slots: parameters s0, a0, u0, s1 … (slot, after, upto) and n."""
    ranges = [
        and_(
            _b.slot == bindparam(f"s{i}"),
            _b.pos_to > bindparam(f"a{i}"),
            _b.pos_to <= bindparam(f"u{i}"),
        )
        for i in range(count)
    ]
    return Query(
        select(_b.slot, _b.pos_from, _b.pos_to, _b.rooms, _b.users, _b.ts)
        .where(or_(*ranges))
        .order_by(_b.slot, _b.pos_to)
        .limit(bindparam("n"))
    )


def lacks(slot: Column[Any], pos: Column[Any], count: int) -> ColumnElement[bool]:
    """Whether a vector of `count` slots lacks a position: parameters s0, p0, s1 …."""
    known = [and_(slot == bindparam(f"s{i}"), pos > bindparam(f"p{i}")) for i in range(count)]
    return or_(*known, slot.not_in(_names("s", count)))


@cache
def places(users: int, slots: int) -> Query:
    """Places of users (u0 …) that a vector lacks."""
    m = t.membership.c
    return Query(
        select(m.user_nid, *PLACE_COLUMNS).where(
            m.user_nid.in_(_names("u", users)), lacks(m.slot, m.pos, slots)
        )
    )


@cache
def receipts(rooms: int, slots: int) -> Query:
    """Receipts in rooms (r0 …) that a vector lacks."""
    r = t.receipt.c
    return Query(
        select(r.room_nid, *RECEIPT_COLUMNS)
        .select_from(t.receipt.join(t.matrix_user, t.matrix_user.c.nid == r.user_nid))
        .where(r.room_nid.in_(_names("r", rooms)), lacks(r.slot, r.pos, slots))
        .order_by(r.pos)
    )


@cache
def fills(count: int) -> Query:
    """Heads with what follows a position in their rooms: parameters r0, q0, r1 … and n."""
    e, h = t.event.c, t.room_head.c
    wanted = [
        and_(h.room_nid == bindparam(f"r{i}"), e.room_seq > bindparam(f"q{i}"))
        for i in range(count)
    ]
    return Query(
        select(h.room_nid, *HEAD_COLUMNS, *TIMELINE_COLUMNS)
        .select_from(t.room_head.join(t.event, e.room_nid == h.room_nid))
        .where(or_(*wanted))
        .order_by(h.room_nid, e.room_seq, e.back)
        .limit(bindparam("n"))
    )


def _names(prefix: str, count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{prefix}{i}") for i in range(count)]
