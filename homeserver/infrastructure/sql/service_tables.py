"""The tables of the delivery to application services."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Table

from homeserver.infrastructure.sql.table_parts import id_column as _id
from homeserver.infrastructure.sql.table_parts import metadata
from homeserver.infrastructure.sql.types import MILLIS, blob, digest, octets

# events that wait for an application service (`service_key`: a hash of its id), and the
# transaction that was made of the first of them: empty `body` once it was taken
service_queue = Table(
    "service_queue",
    metadata,
    Column("service_key", digest(16), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _id("room_nid"),
    Column("room_seq", BigInteger, nullable=False),
)

service_transaction = Table(
    "service_transaction",
    metadata,
    Column("service_key", digest(16), primary_key=True),
    Column("rev", BigInteger, nullable=False),
    Column("upto", BigInteger, nullable=False),
    Column("txn_id", octets(64), nullable=False),
    Column("body", blob(), nullable=False),
    # which messages leave their inboxes when it was taken (service_queue.py)
    Column("inboxes", blob()),
)

# copies of messages to devices for services that hear of them; `ts` is the time of the batch
# that wrote one, and no earlier than that of the device's message before
service_message = Table(
    "service_message",
    metadata,
    Column("service_key", digest(16), primary_key=True),
    Column("ts", MILLIS, primary_key=True, autoincrement=False),
    _id("device_nid", primary_key=True),
    Column("inbox_seq", BigInteger, primary_key=True, autoincrement=False),
    _id("user_nid"),
    Column("body", blob(), nullable=False),
    Index("service_message_of_device", "user_nid", "device_nid", "service_key", "ts"),
)

# devices of services' users that /sync: they clear their inboxes themselves
reading_device = Table(
    "reading_device",
    metadata,
    _id("user_nid", primary_key=True),
    _id("device_nid", primary_key=True),
)
