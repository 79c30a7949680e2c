"""Every table of the store (migrations must agree: `alembic check` compares them).

Conventions: `(slot, pos)` is where a row stands in its writer's log; `*_nid` are internal
64-bit ids; unique keys begin with the room or user, so that tables can be partitioned;
there are no foreign keys on hot tables. `docs/subsystems/store.md` explains the whole.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, SmallInteger, Table

from homeserver.infrastructure.sql import (
    key_tables,  # noqa: F401 (the metadata has to know of them)
    purge_tables,  # noqa: F401
    service_tables,  # noqa: F401
    table_parts,
)
from homeserver.infrastructure.sql.types import (
    MILLIS,
    NID,
    POS,
    ROWID,
    SLOT,
    blob,
    digest,
    octets,
    words,
)

metadata = table_parts.metadata
_id, _log = table_parts.id_column, table_parts.log_columns

store = Table(
    "store",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("generation", digest(8), nullable=False),
    Column("server_name", octets(255), nullable=False),
    Column("created_ts", MILLIS, nullable=False),
)

store_generation = Table(
    "store_generation",
    metadata,
    Column("generation", digest(8), primary_key=True),
    Column("floor", blob(), nullable=False),
    Column("ended_ts", MILLIS, nullable=False),
)

writer_slot = Table(
    "writer_slot",
    metadata,
    Column("slot", SLOT, primary_key=True, autoincrement=False),
    Column("epoch", Integer, nullable=False),
    Column("pos", POS, nullable=False),
    Column("generation", digest(8), nullable=False),
    Column("worker", octets(64), nullable=False),
    Column("holder", digest(8), nullable=False),
    Column("beat_ts", MILLIS, nullable=False),
)

writer_batch = Table(
    "writer_batch",
    metadata,
    Column("slot", SLOT, primary_key=True, autoincrement=False),
    Column("pos_to", POS, primary_key=True, autoincrement=False),
    Column("pos_from", POS, nullable=False),
    Column("epoch", Integer, nullable=False),
    Column("batch_id", digest(16), nullable=False),
    Column("ts", MILLIS, nullable=False),
    Column("rooms", blob(), nullable=False),
    Column("users", blob(), nullable=False),
)

matrix_user = Table(
    "matrix_user",
    metadata,
    _id("nid", primary_key=True),
    Column("user_id", octets(255), nullable=False, unique=True),
)

account = Table(
    "account",
    metadata,
    _id("user_nid", primary_key=True),
    Column("password_hash", octets(255)),
    Column("is_admin", SmallInteger, nullable=False),
    Column("is_guest", SmallInteger, nullable=False),
    Column("created_ts", MILLIS, nullable=False),
    Column("deactivated_ts", MILLIS),
    Column("locked_ts", MILLIS),
    *_log(),
)

profile = Table(
    "profile",
    metadata,
    _id("user_nid", primary_key=True),
    Column("displayname", octets(1024)),
    Column("avatar_url", octets(1024)),
    Column("others", blob(), nullable=False),
    Column("rev", BigInteger, nullable=False),
    *_log(),
)

device = Table(
    "device",
    metadata,
    _id("nid", primary_key=True),
    _id("user_nid"),
    Column("device_id", octets(255), nullable=False),
    Column("display_name", octets(1024)),
    Column("created_ts", MILLIS, nullable=False),
    Column("last_seen_ts", MILLIS),
    Column("last_seen_ip", octets(45)),
    # its login and where that login's token pairs stand (domain.accounts.refresh)
    Column("login", NID),
    Column("issued", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("first_open", Integer, nullable=False),
    *_log(),
    # how many messages were ever put into its inbox: the number of the last one
    Column("inbox_seq", BigInteger, nullable=False, server_default="0"),
    Index("device_of_user", "user_nid", "device_id", unique=True),
)

access_token = Table(
    "access_token",
    metadata,
    Column("token_hash", digest(32), primary_key=True),
    _id("user_nid"),
    _id("device_nid"),
    _id("login"),
    Column("number", Integer, nullable=False),
    Column("created_ts", MILLIS, nullable=False),
    Column("expires_ts", MILLIS),
    Index("access_token_of_device", "user_nid", "device_nid"),
)

refresh_token = Table(
    "refresh_token",
    metadata,
    Column("token_hash", digest(32), primary_key=True),
    _id("user_nid"),
    _id("device_nid"),
    _id("login"),
    Column("number", Integer, nullable=False),
    Column("created_ts", MILLIS, nullable=False),
    Index("refresh_token_of_device", "user_nid", "device_nid"),
)

to_device = Table(
    "to_device",
    metadata,
    _id("user_nid", primary_key=True),
    _id("device_nid", primary_key=True),
    Column("inbox_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("body", blob(), nullable=False),
)

to_device_txn = Table(
    "to_device_txn",
    metadata,
    _id("user_nid", primary_key=True),
    Column("txn_key", digest(16), primary_key=True),
    Column("ts", MILLIS, nullable=False),
    Column("answer", blob(), nullable=False),
    Index("to_device_txn_by_time", "ts"),
)

openid_token = Table(
    "openid_token",
    metadata,
    Column("token_hash", digest(32), primary_key=True),
    _id("user_nid"),
    Column("expires_ts", MILLIS, nullable=False),
    Index("openid_token_by_end", "expires_ts"),
)

registration_token = Table(
    "registration_token",
    metadata,
    Column("token_hash", digest(32), primary_key=True),
    Column("uses_allowed", Integer),
    Column("uses", Integer, nullable=False),
    Column("makes_admin", SmallInteger, nullable=False),
    Column("expires_ts", MILLIS),
)

uia_session = Table(
    "uia_session",
    metadata,
    Column("session_id", octets(64), primary_key=True),
    Column("body", blob(), nullable=False),
    Column("expires_ts", MILLIS, nullable=False),
    Index("uia_session_by_end", "expires_ts"),
)

sync_filter = Table(
    "sync_filter",
    metadata,
    _id("user_nid", primary_key=True),
    Column("filter_id", octets(32), primary_key=True),
    Column("body", blob(), nullable=False),
)

pusher = Table(
    "pusher",
    metadata,
    _id("user_nid", primary_key=True),
    Column("pusher_key", digest(16), primary_key=True),
    _id("device_nid"),
    Column("created_ts", MILLIS, nullable=False),
    Column("body", blob(), nullable=False),
    Index("pusher_by_key", "pusher_key"),
)

# what pushers are owed, and how those stand whose gateway failed: the push role's alone
push_notice = Table(
    "push_notice",
    metadata,
    _id("user_nid", primary_key=True),
    Column("pusher_key", digest(16), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    _id("room_nid"),
    Column("room_seq", BigInteger, nullable=False),
    Column("ts", MILLIS, nullable=False),
    Column("body", blob(), nullable=False),
    Index("push_notice_by_number", "number"),
)

push_retry = Table(
    "push_retry",
    metadata,
    _id("user_nid", primary_key=True),
    Column("pusher_key", digest(16), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("due_ts", MILLIS, nullable=False),
)

room = Table(
    "room",
    metadata,
    _id("nid", primary_key=True),
    Column("room_id", octets(255), nullable=False, unique=True),
    Column("version", octets(32), nullable=False),
    _id("creator_nid"),
    # nothing any more: `published_room` has it
    Column("published", SmallInteger, nullable=False),
    Column("created_ts", MILLIS, nullable=False),
)

room_alias = Table(
    "room_alias",
    metadata,
    Column("alias", octets(255), primary_key=True),
    _id("room_nid"),
    _id("creator_nid"),
    Index("alias_of_room", "room_nid"),
)

published_room = Table(
    "published_room",
    metadata,
    _id("room_nid", primary_key=True),
    Column("joined", BigInteger, nullable=False),
    Column("room_type", octets(255)),
    Column("search", blob(), nullable=False),
    Column("body", blob(), nullable=False),
    # 0 for a room that only networks of application services show
    Column("listed", SmallInteger, nullable=False, server_default="1"),
    Index("published_room_by_size", "listed", "joined", "room_nid"),
)

# `network_key`: a hash of the network's instance id
network_room = Table(
    "network_room",
    metadata,
    Column("network_key", digest(16), primary_key=True),
    _id("room_nid", primary_key=True),
    Index("networks_of_room", "room_nid"),
)

room_head = Table(
    "room_head",
    metadata,
    _id("room_nid", primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("prev_seq", BigInteger, nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("prev_rev", BigInteger, nullable=False),
    Column("depth", BigInteger, nullable=False),
    Column("notify_ord", BigInteger, nullable=False),
    Column("extremities", blob(), nullable=False),
    *_log(),
)

event = Table(
    "event",
    metadata,
    _id("room_nid", primary_key=True),
    Column("room_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("back", Integer, primary_key=True, autoincrement=False),
    Column("event_id", digest(32), nullable=False),
    *_log(),
    _id("sender_nid"),
    Column("ts", MILLIS, nullable=False),
    Column("notify_ord", BigInteger, nullable=False),
    Column("state_ref", NID),
    Column("redacted_by", digest(32)),
    Column("txn_key", digest(16)),
    Column("txn_device", NID),
    Column("txn_id", octets(255)),
    Column("codec", SmallInteger, nullable=False),
    Column("body", blob(), nullable=False),
    Index("event_by_id", "room_nid", "event_id", unique=True),
    Index("event_by_txn", "room_nid", "txn_key", unique=True),
)

stray_event = Table(
    "stray_event",
    metadata,
    _id("room_nid", primary_key=True),
    Column("event_id", digest(32), primary_key=True),
    Column("verdict", SmallInteger, nullable=False),
    Column("rule", octets(32), nullable=False),
    Column("reason", octets(255), nullable=False),
    Column("state_ref", NID),
    Column("codec", SmallInteger, nullable=False),
    Column("body", blob(), nullable=False),
    *_log(),
)

room_gap = Table(
    "room_gap",
    metadata,
    _id("room_nid", primary_key=True),
    Column("room_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("back", Integer, nullable=False),
    Column("notify_ord", BigInteger, nullable=False),
    Column("missing", blob(), nullable=False),
    *_log(),
)

state_interval = Table(
    "state_interval",
    metadata,
    _id("room_nid", primary_key=True),
    Column("type", octets(255), primary_key=True),
    Column("state_key", octets(255), primary_key=True),
    Column("from_rev", BigInteger, primary_key=True, autoincrement=False),
    Column("to_rev", BigInteger, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("to_seq", BigInteger, nullable=False),
    Column("event_id", digest(32)),
    *_log(),
    Index("state_by_end", "room_nid", "to_rev"),
    Index("state_by_seq", "room_nid", "from_seq"),
)

state_group = Table(
    "state_group",
    metadata,
    _id("nid", primary_key=True),
    _id("room_nid"),
    Column("base_rev", BigInteger, nullable=False),
)

state_group_delta = Table(
    "state_group_delta",
    metadata,
    _id("group_nid", primary_key=True),
    Column("type", octets(255), primary_key=True),
    Column("state_key", octets(255), primary_key=True),
    Column("event_id", digest(32)),
)

membership = Table(
    "membership",
    metadata,
    _id("user_nid", primary_key=True),
    _id("room_nid", primary_key=True),
    Column("membership", octets(16), nullable=False),
    Column("event_id", digest(32), nullable=False),
    Column("room_seq", BigInteger, nullable=False),
    _id("sender_nid"),
    Column("base_ord", BigInteger, nullable=False),
    Column("forgotten", SmallInteger, nullable=False),
    *_log(),
    Index("members_of_room", "room_nid", "membership"),
)

receipt = Table(
    "receipt",
    metadata,
    _id("room_nid", primary_key=True),
    _id("user_nid", primary_key=True),
    Column("kind", SmallInteger, primary_key=True, autoincrement=False),
    Column("thread", octets(255), primary_key=True),
    Column("event_id", digest(32), nullable=False),
    Column("event_seq", BigInteger, nullable=False),
    Column("event_back", Integer, nullable=False),
    Column("notify_ord", BigInteger, nullable=False),
    Column("ts", MILLIS, nullable=False),
    *_log(),
    Index("receipts_of_user", "user_nid"),
)

# one row for each writer: unlike heads, receipts of two writers do not build on each other,
# so the last one's position says nothing about the other's
room_stir = Table(
    "room_stir",
    metadata,
    _id("room_nid", primary_key=True),
    Column("slot", SLOT, primary_key=True, autoincrement=False),
    Column("pos", POS, nullable=False),
)

highlight = Table(
    "highlight",
    metadata,
    _id("user_nid", primary_key=True),
    _id("room_nid", primary_key=True),
    Column("room_seq", BigInteger, primary_key=True, autoincrement=False),
    Column("counted", SmallInteger, nullable=False),
)

muted_event = Table(
    "muted_event",
    metadata,
    _id("room_nid", primary_key=True),
    Column("room_seq", BigInteger, primary_key=True, autoincrement=False),
)

redaction = Table(
    "redaction",
    metadata,
    _id("room_nid", primary_key=True),
    Column("target_id", digest(32), primary_key=True),
    Column("event_id", digest(32), primary_key=True),
)

# `place` is where the child stands (relation_rows.place_of); `only_once` names an annotation
# that its sender may not repeat, NULL for all else
event_relation = Table(
    "event_relation",
    metadata,
    _id("room_nid", primary_key=True),
    Column("parent_id", digest(32), primary_key=True),
    Column("place", BigInteger, primary_key=True, autoincrement=False),
    Column("event_id", digest(32), nullable=False),
    Column("rel_type", octets(255), nullable=False),
    Column("type", octets(255), nullable=False),
    _id("sender_nid"),
    Column("ts", MILLIS, nullable=False),
    Column("counted", SmallInteger, nullable=False),
    Column("only_once", digest(16)),
    Index("relation_by_type", "room_nid", "rel_type", "place"),
    Index("relation_only_once", "room_nid", "only_once", unique=True),
)

account_data = Table(
    "account_data",
    metadata,
    _id("user_nid", primary_key=True),
    _id("room_nid", primary_key=True),
    Column("type", octets(255), primary_key=True),
    Column("content", blob(), nullable=False),
    Column("rev", BigInteger, nullable=False),
    *_log(),
)

# one process at a time does what a row names (roles.py)
role = Table(
    "role",
    metadata,
    Column("name", octets(32), primary_key=True),
    Column("rev", BigInteger, nullable=False),
    Column("holder", digest(8), nullable=False),
    Column("body", blob(), nullable=False),
)

search_room = Table(
    "search_room",
    metadata,
    _id("room_nid", primary_key=True),
    Column("number", Integer, nullable=False, unique=True),
    Column("seq", BigInteger, nullable=False),
)

# its full-text index is not among SQLAlchemy's things: see search_schema.py
search_text = Table(
    "search_text",
    metadata,
    Column("id", ROWID, primary_key=True, nullable=False, autoincrement=False),
    _id("room_nid"),
    Column("room_seq", BigInteger, nullable=False),
    Column("back", Integer, nullable=False),
    Column("search_key", SmallInteger, nullable=False),
    Column("ts", MILLIS, nullable=False),
    Column("tokens", words(), nullable=False),
    Index("search_text_at", "room_nid", "room_seq", "back", unique=True),
)

search_edit = Table(
    "search_edit",
    metadata,
    _id("room_nid", primary_key=True),
    Column("event_id", digest(32), primary_key=True),
    Column("target_id", digest(32), nullable=False),
    _id("sender_nid"),
    Column("ts", MILLIS, nullable=False),
    Index("search_edit_by_id", "event_id"),
    Index("search_edit_of", "target_id"),
)

report = Table(
    "report",
    metadata,
    _id("nid", primary_key=True),
    Column("ts", MILLIS, nullable=False),
    _id("reporter_nid"),
    Column("room_id", octets(255)),
    Column("event_id", octets(255)),
    Column("user_id", octets(255)),
    Column("reason", blob(), nullable=False),
    Index("report_by_time", "ts", "nid"),
)

# `due_ts` is OPEN once there is an outcome, whose key is what makes it the only one
delayed_event = Table(
    "delayed_event",
    metadata,
    _id("nid", primary_key=True),
    Column("delay_id", octets(32), nullable=False, unique=True),
    _id("user_nid"),
    _id("device_nid"),
    Column("user_id", octets(255), nullable=False),
    Column("room_id", octets(255), nullable=False),
    Column("type", octets(255), nullable=False),
    Column("state_key", octets(255)),
    Column("content", blob(), nullable=False),
    Column("delay_ms", BigInteger, nullable=False),
    Column("since_ts", MILLIS, nullable=False),
    Column("due_ts", MILLIS, nullable=False),
    Index("delayed_event_due", "due_ts", "nid"),
    Index("delayed_event_of", "user_nid", "due_ts"),
)

delayed_outcome = Table(
    "delayed_outcome",
    metadata,
    _id("nid", primary_key=True),
    Column("ts", MILLIS, nullable=False),
    Column("event_id", octets(255)),
    Column("error", blob()),
    Index("delayed_outcome_by_time", "ts"),
)
