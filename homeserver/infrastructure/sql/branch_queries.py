"""The SELECTs on what a room has beside its line."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import BindParameter, bindparam, select

from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

_e, _s, _x = t.event.c, t.state_interval.c, t.stray_event.c
_g, _d, _r = t.state_group.c, t.state_group_delta.c, t.redaction.c

_line = select(_s.type, _s.state_key, _s.event_id).where(_s.room_nid == bindparam("room"))
LINE_AT_SEQ = Query(_line.where(_s.from_seq <= bindparam("seq"), _s.to_seq > bindparam("seq")))
LINE_AT_REV = Query(_line.where(_s.from_rev <= bindparam("rev"), _s.to_rev > bindparam("rev")))
GROUP_BASE = Query(select(_g.base_rev).where(_g.nid == bindparam("group")))
GROUP_DELTA = Query(
    select(_d.type, _d.state_key, _d.event_id).where(_d.group_nid == bindparam("group"))
)


@cache
def placed_by_id(count: int) -> Query:
    """Place, state and body of `count` events of the log; parameters: room, e0, e1 and so on."""
    columns = (_e.event_id, _e.room_seq, _e.back, _e.state_ref, _e.codec, _e.body)
    return Query(
        select(*columns).where(
            _e.room_nid == bindparam("room"), _e.event_id.in_(_names("e", count))
        )
    )


@cache
def strays_by_id(count: int) -> Query:
    """Standing, state and body of `count` strays; parameters: room, e0, e1 and so on."""
    columns = (_x.event_id, _x.verdict, _x.rule, _x.reason, _x.state_ref, _x.codec, _x.body)
    return Query(
        select(*columns).where(
            _x.room_nid == bindparam("room"), _x.event_id.in_(_names("e", count))
        )
    )


@cache
def redactions_of(count: int) -> Query:
    """What redacts `count` events, be they known or not; parameters: room, e0, e1 and so on."""
    return Query(
        select(_r.target_id, _r.event_id).where(
            _r.room_nid == bindparam("room"), _r.target_id.in_(_names("e", count))
        )
    )


def _names(prefix: str, count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{prefix}{i}") for i in range(count)]
