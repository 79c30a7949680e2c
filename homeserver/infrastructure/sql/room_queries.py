"""The SELECTs on rooms and their logs."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, bindparam, or_, select

from homeserver.infrastructure.sql import purge_tables as pt
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from sqlalchemy import BindParameter

_e, _s, _m, _h = t.event.c, t.state_interval.c, t.membership.c, t.room_head.c

ROOM_BY_ID = Query(
    select(t.room.c.nid, t.room.c.room_id, t.room.c.version).where(
        t.room.c.room_id == bindparam("room_id")
    )
)
ROOM_BY_NID = Query(
    select(t.room.c.nid, t.room.c.room_id, t.room.c.version).where(t.room.c.nid == bindparam("nid"))
)
HEAD_COLUMNS = (_h.seq, _h.rev, _h.depth, _h.notify_ord, _h.extremities, _h.slot, _h.pos)
HEAD = Query(select(*HEAD_COLUMNS).where(_h.room_nid == bindparam("room")))
_f = pt.room_floor.c
FLOORED_HEAD = Query(
    select(*HEAD_COLUMNS, _f.seq, _f.notify_ord, _f.slot, _f.pos)
    .select_from(t.room_head.outerjoin(pt.room_floor, _f.room_nid == _h.room_nid))
    .where(_h.room_nid == bindparam("room"))
)
"""The head, and where the log begins: NULLs where nothing was purged."""
TIMELINE_COLUMNS = (
    *(_e.room_seq, _e.back, _e.event_id, _e.slot, _e.pos, _e.sender_nid, _e.notify_ord),
    *(_e.redacted_by, _e.txn_device, _e.txn_id, _e.codec, _e.body),
)


def _by_position(query: Select[Any]) -> Select[Any]:
    """Read by the primary key; trying the other indexes takes the optimiser a quarter of the time."""
    return query.with_hint(t.event, "FORCE INDEX (PRIMARY)", "mysql")


_after = or_(
    _e.room_seq > bindparam("after_seq"),
    and_(_e.room_seq == bindparam("after_seq"), _e.back > bindparam("after_back")),
)
_before = or_(
    _e.room_seq < bindparam("before_seq"),
    and_(_e.room_seq == bindparam("before_seq"), _e.back < bindparam("before_back")),
)
# the plain bounds let the primary key do the work; the precise ones cut the edges
_range = and_(
    _e.room_nid == bindparam("room"),
    _e.room_seq >= bindparam("after_seq"),
    _e.room_seq <= bindparam("before_seq"),
    _after,
    _before,
)
_timeline = _by_position(select(*TIMELINE_COLUMNS)).where(_range).limit(bindparam("n"))
NEWEST_EVENTS = Query(_timeline.order_by(_e.room_seq.desc(), _e.back.desc()))
OLDEST_EVENTS = Query(_timeline.order_by(_e.room_seq, _e.back))
TAIL = Query(
    _by_position(select(*TIMELINE_COLUMNS))
    .where(_e.room_nid == bindparam("room"), _e.room_seq > bindparam("after_seq"))
    .order_by(_e.room_seq.desc(), _e.back.desc())
    .limit(bindparam("n"))
)
LIVE_EVENTS = Query(
    _by_position(select(*TIMELINE_COLUMNS))
    .where(
        _e.room_nid == bindparam("room"),
        _e.back == 0,
        _e.room_seq > bindparam("after_seq"),
        _e.room_seq <= bindparam("until_seq"),
    )
    .order_by(_e.room_seq.desc())
    .limit(bindparam("n"))
)
EVENT_BY_ID = Query(
    select(*TIMELINE_COLUMNS).where(
        _e.room_nid == bindparam("room"), _e.event_id == bindparam("event_id")
    )
)
_redaction = t.redaction.c
_by = t.event.alias("redacting")
REDACTED_SINCE = Query(
    select(*TIMELINE_COLUMNS)
    .select_from(
        _by.join(
            t.redaction,
            and_(_redaction.room_nid == _by.c.room_nid, _redaction.event_id == _by.c.event_id),
        ).join(t.event, and_(_e.room_nid == _by.c.room_nid, _e.event_id == _redaction.target_id))
    )
    .where(
        _by.c.room_nid == bindparam("room"),
        _by.c.room_seq > bindparam("seq"),
        _e.room_seq <= bindparam("seq"),
        _e.redacted_by.is_not(None),
    )
)
"""Events up to a position that were stripped by redactions after it."""
NEWEST_OWN = Query(
    select(_e.room_seq, _e.notify_ord)
    .where(
        _e.room_nid == bindparam("room"),
        _e.room_seq > bindparam("after"),
        _e.sender_nid == bindparam("user"),
        _e.back == 0,
    )
    .order_by(_e.room_seq.desc())
    .limit(1)
)
_hl, _r = t.highlight.c, t.receipt.c
HIGHLIGHTS = Query(
    select(_hl.user_nid, _hl.room_seq, _hl.counted)
    .select_from(
        t.highlight.join(
            t.event,
            and_(_e.room_nid == _hl.room_nid, _e.room_seq == _hl.room_seq, _e.back == 0),
        )
    )
    .where(
        _hl.user_nid.in_([bindparam("user"), bindparam("everyone")]),
        _hl.room_nid == bindparam("room"),
        _hl.room_seq > bindparam("after"),
        _e.redacted_by.is_(None),
    )
)
MUTED = Query(
    select(t.muted_event.c.room_seq)
    .where(t.muted_event.c.room_nid == bindparam("room"))
    .order_by(t.muted_event.c.room_seq)
)
RECEIPT_COLUMNS = (
    *(t.matrix_user.c.user_id, _r.user_nid, _r.kind, _r.thread, _r.event_id),
    *(_r.event_seq, _r.event_back, _r.notify_ord, _r.ts, _r.slot, _r.pos),
)
RECEIPTS = Query(
    select(*RECEIPT_COLUMNS)
    .select_from(t.receipt.join(t.matrix_user, t.matrix_user.c.nid == _r.user_nid))
    .where(_r.room_nid == bindparam("room"))
    .order_by(_r.pos)
)
_STATE_COLUMNS = (
    *(_s.type, _s.state_key, _s.from_seq, _s.to_seq, _s.event_id, _s.from_rev),
    *(_e.codec, _e.body, _e.redacted_by, _s.slot, _s.pos),
)


def _state() -> Select[tuple[object, ...]]:
    joined = t.state_interval.outerjoin(
        t.event, and_(_e.room_nid == _s.room_nid, _e.event_id == _s.event_id)
    )
    return select(*_STATE_COLUMNS).select_from(joined).where(_s.room_nid == bindparam("room"))


CURRENT_STATE = Query(_state().where(_s.to_rev == OPEN))
CHANGES_SINCE_REV = Query(_state().where(_s.from_rev > bindparam("rev")).order_by(_s.from_rev))
CHANGES_SINCE_SEQ = Query(_state().where(_s.from_seq >= bindparam("seq")).order_by(_s.from_rev))
ENDED = Query(
    _state()
    .add_columns(_s.to_rev)
    .where(_s.to_rev >= bindparam("first"), _s.to_rev <= bindparam("last"))
)
STATE_AFTER = Query(_state().where(_s.from_seq <= bindparam("seq"), _s.to_seq > bindparam("seq")))
# both ends included: what moved at just these positions is told apart by (slot, pos)
STATE_CHANGES = Query(
    _state()
    .where(
        _s.from_seq >= bindparam("after"),
        _s.from_seq <= bindparam("until"),
        _s.to_seq >= bindparam("until"),
    )
    .order_by(_s.from_rev)
)
KEY_HISTORY = Query(
    _state()
    .where(_s.type == bindparam("kind"), _s.state_key == bindparam("key"))
    .order_by(_s.from_rev)
)
JOINED_MEMBERS = Query(
    select(t.matrix_user.c.user_id, _m.user_nid)
    .select_from(t.membership.join(t.matrix_user, t.matrix_user.c.nid == _m.user_nid))
    .where(_m.room_nid == bindparam("room"), _m.membership == b"join")
)
MEMBERS_SINCE = Query(
    select(t.matrix_user.c.user_id, _m.user_nid, _m.membership)
    .select_from(t.membership.join(t.matrix_user, t.matrix_user.c.nid == _m.user_nid))
    .where(_m.room_nid == bindparam("room"), _m.room_seq >= bindparam("seq"))
)
GAPS = Query(
    select(
        *(t.room_gap.c.room_seq, t.room_gap.c.back),
        *(t.room_gap.c.notify_ord, t.room_gap.c.missing),
    ).where(t.room_gap.c.room_nid == bindparam("room"))
)


@cache
def transactions(count: int) -> Query:
    """The events of `count` (room, key) pairs: parameters r0, k0, r1, k1 …."""
    either = or_(
        *[
            and_(_e.room_nid == bindparam(f"r{i}"), _e.txn_key == bindparam(f"k{i}"))
            for i in range(count)
        ]
    )
    return Query(select(_e.txn_key, _e.event_id).where(either))


@cache
def positions(count: int) -> Query:
    """Log position and time of `count` live events of a room: parameters room, s0, s1 …."""
    return Query(
        select(_e.room_seq, _e.slot, _e.pos, _e.ts).where(
            _e.room_nid == bindparam("room"),
            _e.room_seq.in_(_names("s", count)),
            _e.back == 0,
        )
    )


@cache
def room_of(count: int) -> Query:
    """In which of `count` rooms an event is: parameters event_id, r0, r1 …."""
    return Query(
        select(_e.room_nid).where(
            _e.room_nid.in_(_names("r", count)), _e.event_id == bindparam("event_id")
        )
    )


@cache
def events_at(count: int) -> Query:
    """Events at `count` places of a room: parameters room, s0, b0, s1 …."""
    places = [
        and_(_e.room_seq == bindparam(f"s{i}"), _e.back == bindparam(f"b{i}")) for i in range(count)
    ]
    return Query(
        _by_position(select(*TIMELINE_COLUMNS)).where(
            _e.room_nid == bindparam("room"), or_(*places)
        )
    )


@cache
def replaced(count: int) -> Query:
    """What the state events at `count` positions replaced: parameters room, s0, s1 ….

    Rows: id of the event, then id, codec and body of the one that it replaced, position.
    """
    new, old = t.state_interval.alias("new"), t.state_interval.alias("old")
    same_key = and_(
        old.c.room_nid == new.c.room_nid,
        old.c.to_rev == new.c.from_rev,
        old.c.type == new.c.type,
        old.c.state_key == new.c.state_key,
    )
    joined = new.join(old, same_key).join(
        t.event, and_(_e.room_nid == old.c.room_nid, _e.event_id == old.c.event_id)
    )
    return Query(
        select(new.c.event_id, old.c.event_id, _e.codec, _e.body, new.c.from_seq)
        .select_from(joined)
        .where(new.c.room_nid == bindparam("room"), new.c.from_seq.in_(_names("s", count)))
    )


@cache
def events_by_id(count: int) -> Query:
    """Id, codec and body of `count` events: parameters room, e0, e1 …."""
    return Query(
        select(_e.event_id, _e.codec, _e.body).where(
            _e.room_nid == bindparam("room"), _e.event_id.in_(_names("e", count))
        )
    )


@cache
def room_ids(count: int) -> Query:
    """The ids of `count` rooms: parameters r0, r1 …."""
    return Query(select(t.room.c.nid, t.room.c.room_id).where(t.room.c.nid.in_(_names("r", count))))


@cache
def state_at(count: int, *, others: bool) -> Query:
    """`count` keys of the state after event `seq`: parameters room, seq, t0, k0, t1, k1 ….

    With `others` also everything of another type than `other`.
    """
    keys = [
        and_(_s.type == bindparam(f"t{i}"), _s.state_key == bindparam(f"k{i}"))
        for i in range(count)
    ]
    if others:
        keys += [_s.type < bindparam("other"), _s.type > bindparam("other")]
    return Query(
        _state().where(_s.from_seq <= bindparam("seq"), _s.to_seq > bindparam("seq"), or_(*keys))
    )


def _names(prefix: str, count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{prefix}{i}") for i in range(count)]
