"""The first schema.

Revises:
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, digest, octets

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "access_token",
        sa.Column("token_hash", digest(32), nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.Column("expires_ts", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(
        "access_token_of_device", "access_token", ["user_nid", "device_nid"], unique=False
    )
    op.create_table(
        "account",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("password_hash", octets(255), nullable=True),
        sa.Column("is_admin", sa.SmallInteger(), nullable=False),
        sa.Column("is_guest", sa.SmallInteger(), nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.Column("deactivated_ts", sa.BigInteger(), nullable=True),
        sa.Column("locked_ts", sa.BigInteger(), nullable=True),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid"),
    )
    op.create_table(
        "account_data",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", octets(255), nullable=False),
        sa.Column("content", blob(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "room_nid", "type"),
    )
    op.create_table(
        "device",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_id", octets(255), nullable=False),
        sa.Column("display_name", octets(1024), nullable=True),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_ts", sa.BigInteger(), nullable=True),
        sa.Column("last_seen_ip", octets(45), nullable=True),
        sa.Column("login", sa.BigInteger(), nullable=True),
        sa.Column("issued", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.Column("first_open", sa.Integer(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nid"),
    )
    op.create_index("device_of_user", "device", ["user_nid", "device_id"], unique=True)
    op.create_table(
        "event",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("back", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.Column("sender_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("notify_ord", sa.BigInteger(), nullable=False),
        sa.Column("state_ref", sa.BigInteger(), nullable=True),
        sa.Column("redacted_by", digest(32), nullable=True),
        sa.Column("txn_key", digest(16), nullable=True),
        sa.Column("txn_device", sa.BigInteger(), nullable=True),
        sa.Column("txn_id", octets(255), nullable=True),
        sa.Column("codec", sa.SmallInteger(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "room_seq", "back"),
    )
    op.create_index("event_by_id", "event", ["room_nid", "event_id"], unique=True)
    op.create_index("event_by_txn", "event", ["room_nid", "txn_key"], unique=True)
    op.create_table(
        "highlight",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("counted", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "room_nid", "room_seq"),
    )
    op.create_table(
        "matrix_user",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", octets(255), nullable=False),
        sa.PrimaryKeyConstraint("nid"),
        sa.UniqueConstraint("user_id"),
    )
    op.create_table(
        "membership",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("membership", octets(16), nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.Column("room_seq", sa.BigInteger(), nullable=False),
        sa.Column("sender_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_ord", sa.BigInteger(), nullable=False),
        sa.Column("forgotten", sa.SmallInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "room_nid"),
    )
    op.create_index("members_of_room", "membership", ["room_nid", "membership"], unique=False)
    op.create_table(
        "muted_event",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "room_seq"),
    )
    op.create_table(
        "profile",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("displayname", octets(1024), nullable=True),
        sa.Column("avatar_url", octets(1024), nullable=True),
        sa.Column("others", blob(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid"),
    )
    op.create_table(
        "receipt",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("thread", octets(255), nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.Column("event_seq", sa.BigInteger(), nullable=False),
        sa.Column("event_back", sa.Integer(), nullable=False),
        sa.Column("notify_ord", sa.BigInteger(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "user_nid", "kind", "thread"),
    )
    op.create_index("receipts_of_user", "receipt", ["user_nid"], unique=False)
    op.create_table(
        "redaction",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("target_id", digest(32), nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "target_id", "event_id"),
    )
    op.create_table(
        "refresh_token",
        sa.Column("token_hash", digest(32), nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("login", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_index(
        "refresh_token_of_device", "refresh_token", ["user_nid", "device_nid"], unique=False
    )
    op.create_table(
        "registration_token",
        sa.Column("token_hash", digest(32), nullable=False),
        sa.Column("uses_allowed", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("makes_admin", sa.SmallInteger(), nullable=False),
        sa.Column("expires_ts", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "room",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_id", octets(255), nullable=False),
        sa.Column("version", octets(32), nullable=False),
        sa.Column("creator_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("published", sa.SmallInteger(), nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nid"),
        sa.UniqueConstraint("room_id"),
    )
    op.create_table(
        "room_alias",
        sa.Column("alias", octets(255), nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("creator_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("alias"),
    )
    op.create_index("alias_of_room", "room_alias", ["room_nid"], unique=False)
    op.create_table(
        "room_gap",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("back", sa.Integer(), nullable=False),
        sa.Column("notify_ord", sa.BigInteger(), nullable=False),
        sa.Column("missing", blob(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "room_seq"),
    )
    op.create_table(
        "room_head",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("prev_seq", sa.BigInteger(), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("prev_rev", sa.BigInteger(), nullable=False),
        sa.Column("depth", sa.BigInteger(), nullable=False),
        sa.Column("notify_ord", sa.BigInteger(), nullable=False),
        sa.Column("extremities", blob(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid"),
    )
    op.create_table(
        "room_stir",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "slot"),
    )
    op.create_table(
        "state_group",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("base_rev", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nid"),
    )
    op.create_table(
        "state_group_delta",
        sa.Column("group_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", octets(255), nullable=False),
        sa.Column("state_key", octets(255), nullable=False),
        sa.Column("event_id", digest(32), nullable=True),
        sa.PrimaryKeyConstraint("group_nid", "type", "state_key"),
    )
    op.create_table(
        "state_interval",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("type", octets(255), nullable=False),
        sa.Column("state_key", octets(255), nullable=False),
        sa.Column("from_rev", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("to_rev", sa.BigInteger(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("to_seq", sa.BigInteger(), nullable=False),
        sa.Column("event_id", digest(32), nullable=True),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "type", "state_key", "from_rev"),
    )
    op.create_index("state_by_end", "state_interval", ["room_nid", "to_rev"], unique=False)
    op.create_index("state_by_seq", "state_interval", ["room_nid", "from_seq"], unique=False)
    op.create_table(
        "store",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("generation", digest(8), nullable=False),
        sa.Column("server_name", octets(255), nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "store_generation",
        sa.Column("generation", digest(8), nullable=False),
        sa.Column("floor", blob(), nullable=False),
        sa.Column("ended_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("generation"),
    )
    op.create_table(
        "stray_event",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
        sa.Column("rule", octets(32), nullable=False),
        sa.Column("reason", octets(255), nullable=False),
        sa.Column("state_ref", sa.BigInteger(), nullable=True),
        sa.Column("codec", sa.SmallInteger(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "event_id"),
    )
    op.create_table(
        "sync_filter",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("filter_id", octets(32), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "filter_id"),
    )
    op.create_table(
        "uia_session",
        sa.Column("session_id", octets(64), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.Column("expires_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id"),
    )
    op.create_index("uia_session_by_end", "uia_session", ["expires_ts"], unique=False)
    op.create_table(
        "writer_batch",
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("pos_to", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pos_from", sa.BigInteger(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("batch_id", digest(16), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("rooms", blob(), nullable=False),
        sa.Column("users", blob(), nullable=False),
        sa.PrimaryKeyConstraint("slot", "pos_to"),
    )
    op.create_table(
        "writer_slot",
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("pos", sa.BigInteger(), nullable=False),
        sa.Column("generation", digest(8), nullable=False),
        sa.Column("worker", octets(64), nullable=False),
        sa.Column("holder", digest(8), nullable=False),
        sa.Column("beat_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("slot"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("writer_slot")
    op.drop_table("writer_batch")
    op.drop_index("uia_session_by_end", table_name="uia_session")
    op.drop_table("uia_session")
    op.drop_table("sync_filter")
    op.drop_table("stray_event")
    op.drop_table("store_generation")
    op.drop_table("store")
    op.drop_index("state_by_seq", table_name="state_interval")
    op.drop_index("state_by_end", table_name="state_interval")
    op.drop_table("state_interval")
    op.drop_table("state_group_delta")
    op.drop_table("state_group")
    op.drop_table("room_stir")
    op.drop_table("room_head")
    op.drop_table("room_gap")
    op.drop_index("alias_of_room", table_name="room_alias")
    op.drop_table("room_alias")
    op.drop_table("room")
    op.drop_table("registration_token")
    op.drop_index("refresh_token_of_device", table_name="refresh_token")
    op.drop_table("refresh_token")
    op.drop_table("redaction")
    op.drop_index("receipts_of_user", table_name="receipt")
    op.drop_table("receipt")
    op.drop_table("profile")
    op.drop_table("muted_event")
    op.drop_index("members_of_room", table_name="membership")
    op.drop_table("membership")
    op.drop_table("matrix_user")
    op.drop_table("highlight")
    op.drop_index("event_by_txn", table_name="event")
    op.drop_index("event_by_id", table_name="event")
    op.drop_table("event")
    op.drop_index("device_of_user", table_name="device")
    op.drop_table("device")
    op.drop_table("account_data")
    op.drop_table("account")
    op.drop_index("access_token_of_device", table_name="access_token")
    op.drop_table("access_token")
