"""The SELECTs on relations.

Parameters of a reader's sight: a0, b0, a1, b1 … (places: after, before) and i0, i1 … (ignored
user ids).
"""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, func, or_, select, union_all

from homeserver.domain.relations.relation import BUNDLED, REFERENCE, REPLACE, THREAD
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query

if TYPE_CHECKING:
    from sqlalchemy import BindParameter, ColumnElement
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    Columns = ReadOnlyColumnCollection[str, Any]

_r, _u = t.event_relation.c, t.matrix_user.c
_THREAD = THREAD.encode()

IS_ANNOTATED = Query(
    select(_r.place).where(_r.room_nid == bindparam("room"), _r.only_once == bindparam("only_once"))
)

ANY_BUNDLED = Query(
    select(_r.place)
    .where(
        _r.room_nid == bindparam("room"),
        or_(*[_r.rel_type == kind.encode() for kind in BUNDLED]),
    )
    .limit(1)
)


@cache
def tallies(parents: int, spans: int, ignored: int) -> Query:
    """Aggregated children of `parents` events (p0 …) by parent, kind and sender."""
    joined = t.event_relation.join(t.matrix_user, _u.nid == _r.sender_nid)
    return Query(
        select(_r.parent_id, _r.rel_type, _u.user_id, func.count(), func.max(_r.place))
        .select_from(joined)
        .where(
            _r.room_nid == bindparam("room"),
            _r.parent_id.in_(_names("p", parents)),
            _r.counted == 1,
            _seen(_r, spans, ignored),
        )
        .group_by(_r.parent_id, _r.rel_type, _u.user_id)
    )


@cache
def newest_edits(originals: int, spans: int, ignored: int) -> Query:
    """The newest edits of each original: p0, u0 (its sender), k0 (its type), p1 ….

    All those of the same millisecond: ids compare as text, which is not the order of their bytes.
    """
    of_one = [
        and_(
            _r.parent_id == bindparam(f"p{i}"),
            _r.type == bindparam(f"k{i}"),
            _r.sender_nid
            == select(_u.nid).where(_u.user_id == bindparam(f"u{i}")).scalar_subquery(),
        )
        for i in range(originals)
    ]
    number = func.rank().over(partition_by=_r.parent_id, order_by=_r.ts.desc())
    found = (
        select(_r.parent_id, _r.event_id, _r.place, number.label("n"))
        .where(
            _r.room_nid == bindparam("room"),
            _r.rel_type == REPLACE.encode(),
            _r.counted == 1,
            or_(*of_one),
            _seen(_r, spans, ignored),
        )
        .subquery("edits")
    )
    columns = (found.c.parent_id, found.c.event_id, found.c.place)
    return Query(select(*columns).where(found.c.n == 1))


@cache
def references(parents: int, spans: int, ignored: int) -> Query:
    """The oldest `n` references to each of `parents` events (p0 …), oldest first."""
    number = func.row_number().over(partition_by=_r.parent_id, order_by=_r.place)
    found = (
        select(_r.parent_id, _r.event_id, number.label("n"))
        .where(
            _r.room_nid == bindparam("room"),
            _r.parent_id.in_(_names("p", parents)),
            _r.rel_type == REFERENCE.encode(),
            _seen(_r, spans, ignored),
        )
        .subquery("found")
    )
    wanted = found.c.n <= bindparam("n")
    return Query(select(found.c.parent_id, found.c.event_id).where(wanted).order_by(found.c.n))


@cache
def children(
    depth: int, spans: int, ignored: int, *, by_rel_type: bool, by_type: bool, backwards: bool
) -> Query:
    """Places of what relates to event `parent`, directly or over up to `depth` steps.

    Parameters: rel_type and type where they are asked for, after, before, n.
    """
    steps = []
    for last in range(1, depth + 1):
        tables = [t.event_relation.alias(f"r{last}_{i}") for i in range(last)]
        conditions: list[ColumnElement[bool]] = [tables[0].c.parent_id == bindparam("parent")]
        for above, below in pairwise(tables):
            conditions.append(below.c.parent_id == above.c.event_id)
        for table in tables:
            conditions += [table.c.room_nid == bindparam("room"), _seen(table.c, spans, ignored)]
            if by_rel_type:
                conditions.append(table.c.rel_type == bindparam("rel_type"))
            if by_type:
                conditions.append(table.c.type == bindparam("type"))
        place = tables[-1].c.place
        conditions += [place > bindparam("after"), place < bindparam("before")]
        steps.append(select(place.label("place")).where(*conditions))
    found = union_all(*steps).subquery("found") if depth > 1 else steps[0].subquery("found")
    order = found.c.place.desc() if backwards else found.c.place
    return Query(select(found.c.place).order_by(order).limit(bindparam("n")))


@cache
def threads(spans: int, ignored: int, *, participated: bool) -> Query:
    """Positions of thread roots and places of their newest replies before `before`, newest first.

    With `participated` those that user `me` began or replied in. Grouping reads all replies of
    the room from one index; asking of each whether it is the newest took MariaDB minutes.
    """
    own = case((_r.sender_nid == bindparam("me"), 1), else_=0)
    columns = [_r.parent_id, func.max(_r.place).label("newest")]
    if participated:
        columns.append(func.max(own).label("own"))
    found = (
        select(*columns)
        .where(_r.room_nid == bindparam("room"), _r.rel_type == _THREAD, _seen(_r, spans, ignored))
        .group_by(_r.parent_id)
        .subquery("found")
    )
    event = t.event.c
    root = and_(event.room_nid == bindparam("room"), event.event_id == found.c.parent_id)
    conditions = [found.c.newest < bindparam("before")]
    if participated:
        conditions.append(or_(event.sender_nid == bindparam("me"), found.c.own == 1))
    return Query(
        select(event.room_seq, event.back, found.c.newest)
        .select_from(found.join(t.event, root))
        .where(*conditions)
        .order_by(found.c.newest.desc())
        .limit(bindparam("n"))
    )


@cache
def related(
    parents: int, rel_types: int | None, senders: int | None, spans: int, ignored: int
) -> Query:
    """Which of `parents` events (p0 …) have a child of a kind (k0 …) by somebody (u0 …)."""
    conditions = [
        _r.room_nid == bindparam("room"),
        _r.parent_id.in_(_names("p", parents)),
        _seen(_r, spans, ignored),
    ]
    if rel_types is not None:
        conditions.append(_r.rel_type.in_(_names("k", rel_types)))
    if senders is not None:
        conditions.append(_u.user_id.in_(_names("u", senders)))
    joined = t.event_relation.join(t.matrix_user, _u.nid == _r.sender_nid)
    return Query(select(_r.parent_id).select_from(joined).where(*conditions).distinct())


def _seen(columns: Columns, spans: int, ignored: int) -> ColumnElement[bool]:
    """Whether a child counts for the reader."""
    place = columns.place
    within = [and_(place > bindparam(f"a{i}"), place < bindparam(f"b{i}")) for i in range(spans)]
    if not ignored:
        return or_(*within)
    kept_out = select(_u.nid).where(_u.user_id.in_(_names("i", ignored)))
    return and_(or_(*within), columns.sender_nid.not_in(kept_out))


def _names(prefix: str, count: int) -> list[BindParameter[Any]]:
    return [bindparam(f"{prefix}{i}") for i in range(count)]
