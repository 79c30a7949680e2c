"""The kinds of writes a batch may hold, and their order.

A batch runs its writes in the order of `rank`, rows of one kind together: a fixed table
order is what keeps two processes from deadlocking on each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, update

from homeserver.infrastructure.sql import purge_tables as pt
from homeserver.infrastructure.sql import tables as t
from homeserver.infrastructure.sql.query import Query, SqlDialect
from homeserver.infrastructure.sql.types import OPEN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import Table

Row = tuple[Any, ...]


class Write:
    """One kind of write; a smaller `rank` runs earlier."""

    rank: int

    def arranged(self, rows: Sequence[Row]) -> Sequence[Row]:
        """What is run for the rows that the changes of a batch added."""
        return rows


class Insert(Write):
    """Plain INSERT of whole rows, in the column order of the table."""

    def __init__(self, table: Table, rank: int) -> None:
        """Prepare the head of the statement."""
        self.rank = rank
        self.table = table
        names = [c.name for c in table.columns]
        columns = ", ".join(names)
        self.head = f"INSERT INTO {table.name} ({columns}) VALUES "  # noqa: S608 (our own names)
        self.tail: dict[SqlDialect, str] = {SqlDialect.MYSQL: "", SqlDialect.SQLITE: ""}
        self.one_row = f"({', '.join('?' * len(names))})"


class Upsert(Insert):
    """INSERT that replaces the other columns of a row with the same primary key."""

    def __init__(self, table: Table, rank: int, *, update: Mapping[str, str] | None = None) -> None:
        """Replace every other column, or set those of `update` to an expression.

        In an expression `{new[x]}` is the offered value of column x, `{old[x]}` the stored one.
        """
        super().__init__(table, rank)
        key = [c.name for c in table.primary_key]
        names = [c.name for c in table.columns if c.name not in key]
        sets = update if update is not None else {n: "{new[" + n + "]}" for n in names}
        every = [c.name for c in table.columns]
        old = {n: f"{table.name}.{n}" for n in every}
        mysql_new = {n: f"VALUES({n})" for n in every}
        sqlite_new = {n: f"excluded.{n}" for n in every}
        self.tail[SqlDialect.MYSQL] = " ON DUPLICATE KEY UPDATE " + ", ".join(
            f"{n} = {e.format(new=mysql_new, old=old)}" for n, e in sets.items()
        )
        self.tail[SqlDialect.SQLITE] = f" ON CONFLICT ({', '.join(key)}) DO " + (
            "UPDATE SET "
            + ", ".join(f"{n} = {e.format(new=sqlite_new, old=old)}" for n, e in sets.items())
        )


class Execute(Write):
    """An UPDATE or DELETE, once per row; a row is the values of `names` in order."""

    def __init__(self, query: Query, names: Sequence[str], rank: int) -> None:
        """Keep the statement and the order of its parameters."""
        self.rank = rank
        self.query = query
        self.names = tuple(names)

    def bound(self, dialect: SqlDialect, row: Row) -> tuple[str, tuple[Any, ...]]:
        """Return text and arguments for one row."""
        return self.query.on(dialect, dict(zip(self.names, row, strict=True)))


_CAS = (
    "CASE WHEN {old[seq]} = {new[prev_seq]} AND {old[rev]} = {new[prev_rev]}"
    " THEN {new[seq]} ELSE NULL END"
)
"""NULL in a NOT NULL column is an error: a head that moved stops the whole transaction."""

INSERT_USER = Insert(t.matrix_user, 10)
# ranks 11 to 29 are those of account_writes
INSERT_ROOM = Insert(t.room, 30)
INSERT_ALIAS = Insert(t.room_alias, 31)
_alias = t.room_alias.c
DELETE_ALIAS = Execute(
    Query(
        delete(t.room_alias).where(
            _alias.alias == bindparam("alias_"), _alias.room_nid == bindparam("room")
        )
    ),
    ("alias_", "room"),
    32,
)
MOVE_ALIASES = Execute(
    Query(
        update(t.room_alias)
        .where(_alias.room_nid == bindparam("room"))
        .values(room_nid=bindparam("to_room"))
    ),
    ("room", "to_room"),
    33,
)
MOVE_HEAD = Upsert(
    t.room_head,
    40,
    update={
        "seq": _CAS,
        **{
            n: "{new[" + n + "]}"
            for n in (
                *("prev_seq", "rev", "prev_rev", "depth"),
                *("notify_ord", "extremities", "slot", "pos"),
            )
        },
    },
)
INSERT_EVENT = Insert(t.event, 41)
INSERT_STATE = Insert(t.state_interval, 44)
UPSERT_STRAY = Upsert(t.stray_event, 42)
UPSERT_GAP = Upsert(t.room_gap, 45)
INSERT_GROUP = Insert(t.state_group, 53)
INSERT_GROUP_DELTA = Insert(t.state_group_delta, 54)
_stray = t.stray_event.c
DELETE_STRAY = Execute(
    Query(
        delete(t.stray_event).where(
            _stray.room_nid == bindparam("room"), _stray.event_id == bindparam("id")
        )
    ),
    ("room", "id"),
    46,
)
_state = t.state_interval.c
CLOSE_STATE = Execute(
    Query(
        update(t.state_interval)
        .where(
            _state.room_nid == bindparam("room"),
            _state.type == bindparam("kind"),
            _state.state_key == bindparam("key"),
            _state.to_rev == OPEN,
        )
        .values(to_rev=bindparam("rev"), to_seq=bindparam("seq"))
    ),
    ("room", "kind", "key", "rev", "seq"),
    43,
)
_event = t.event.c
STRIP_EVENT = Execute(
    Query(
        update(t.event)
        .where(_event.room_nid == bindparam("room"), _event.event_id == bindparam("id"))
        .values(redacted_by=bindparam("by"), codec=bindparam("codec_"), body=bindparam("body_"))
    ),
    ("room", "id", "by", "codec_", "body_"),
    51,
)
PIN_STATE = Execute(
    Query(
        update(t.event)
        .where(
            _event.room_nid == bindparam("room"),
            _event.room_seq == bindparam("seq"),
            _event.back == 0,
            _event.state_ref.is_(None),
        )
        .values(state_ref=bindparam("ref"))
    ),
    ("room", "seq", "ref"),
    52,
)
UPSERT_MEMBERSHIP = Upsert(t.membership, 47)
_membership = t.membership.c
FORGET_MEMBERSHIP = Execute(
    Query(
        update(t.membership)
        .where(
            _membership.user_nid == bindparam("user"),
            _membership.room_nid == bindparam("room"),
            or_(_membership.membership == b"leave", _membership.membership == b"ban"),
        )
        .values(forgotten=1, slot=bindparam("slot_"), pos=bindparam("pos_"))
    ),
    ("user", "room", "slot_", "pos_"),
    52,
)
INSERT_HIGHLIGHT = Upsert(t.highlight, 48, update={"room_seq": "{new[room_seq]}"})
INSERT_MUTED = Upsert(t.muted_event, 49, update={"room_seq": "{new[room_seq]}"})
INSERT_REDACTION = Upsert(t.redaction, 50, update={"event_id": "{new[event_id]}"})
_relation = t.event_relation.c
DELETE_RELATION = Execute(
    Query(
        delete(t.event_relation).where(
            _relation.room_nid == bindparam("room"),
            _relation.parent_id == bindparam("parent"),
            _relation.place == bindparam("at"),
        )
    ),
    ("room", "parent", "at"),
    55,
)
INSERT_RELATION = Insert(t.event_relation, 56)
"""After the deletion: who takes an annotation back may give it again in the same batch."""
LIFT_FLOOR = Upsert(
    pt.room_floor,
    57,
    update={
        n: "{new[" + n + "]}" for n in ("seq", "notify_ord", "slot", "pos", "since_ts", "pending")
    },
)
"""How far was cleared stays; the head's revision sees to it that a floor never falls."""
INSERT_PURGE = Insert(pt.purge_order, 58)
_NEWER = (
    "CASE WHEN {{new[event_seq]}} > {{old[event_seq]}} OR ({{new[event_seq]}} = {{old[event_seq]}}"
    " AND {{new[event_back]}} > {{old[event_back]}}) THEN {{new[{0}]}} ELSE {{old[{0}]}} END"
)
"""Receipts go forward only, whichever writer comes last."""
UPSERT_RECEIPT = Upsert(
    t.receipt,
    60,
    # MySQL sets columns from left to right, so those that are compared go last
    update={
        n: _NEWER.format(n)
        for n in ("event_id", "notify_ord", "ts", "slot", "pos", "event_back", "event_seq")
    },
)
UPSERT_ACCOUNT_DATA = Upsert(
    t.account_data,
    61,
    update={"rev": "{old[rev]} + 1", **{n: "{new[" + n + "]}" for n in ("content", "slot", "pos")}},
)
UPSERT_STIR = Upsert(t.room_stir, 62)
INSERT_FILTER = Upsert(t.sync_filter, 63, update={"body": "{new[body]}"})
