"""The tables of purged history."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, SmallInteger, Table

from homeserver.infrastructure.sql.table_parts import id_column as _id
from homeserver.infrastructure.sql.table_parts import log_columns as _log
from homeserver.infrastructure.sql.table_parts import metadata
from homeserver.infrastructure.sql.types import MILLIS, octets

# where a room's log begins for readers (`domain.rooms.floor`), and how far what is behind that
# was cleared away: all up to the place `cleared` (relation_rows.place_of); `pending` until the end
room_floor = Table(
    "room_floor",
    metadata,
    _id("room_nid", primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("notify_ord", BigInteger, nullable=False),
    *_log(),
    Column("since_ts", MILLIS, nullable=False),
    Column("cleared", BigInteger, nullable=False),
    Column("pending", SmallInteger, nullable=False),
    Index("room_floor_pending", "pending", "since_ts"),
)

# what administrators ordered: everything after `from_seq`, up to `seq`
purge_order = Table(
    "purge_order",
    metadata,
    _id("room_nid", primary_key=True),
    Column("purge_id", octets(32), primary_key=True),
    Column("ts", MILLIS, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("seq", BigInteger, nullable=False),
)
