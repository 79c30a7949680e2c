"""What waits for application services, the rooms of their networks, and OpenID tokens.

Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, digest, octets

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "service_queue",
        sa.Column("service_key", digest(16), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("service_key", "number"),
    )
    op.create_table(
        "service_transaction",
        sa.Column("service_key", digest(16), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("txn_id", octets(64), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("service_key"),
    )
    op.create_table(
        "openid_token",
        sa.Column("token_hash", digest(32), nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("expires_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_hash"),
    )
    op.create_table(
        "network_room",
        sa.Column("network_key", digest(16), nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("network_key", "room_nid"),
    )
    op.create_index("networks_of_room", "network_room", ["room_nid"], unique=False)
    op.add_column(
        "published_room",
        sa.Column("listed", sa.SmallInteger(), nullable=False, server_default="1"),
    )
    op.drop_index("published_room_by_size", table_name="published_room")
    op.create_index(
        "published_room_by_size", "published_room", ["listed", "joined", "room_nid"], unique=False
    )
    op.create_index("openid_token_by_end", "openid_token", ["expires_ts"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("published_room_by_size", table_name="published_room")
    op.execute("DELETE FROM published_room WHERE listed = 0")
    op.drop_column("published_room", "listed")
    op.create_index(
        "published_room_by_size", "published_room", ["joined", "room_nid"], unique=False
    )
    op.drop_index("networks_of_room", table_name="network_room")
    op.drop_table("network_room")
    op.drop_index("openid_token_by_end", table_name="openid_token")
    op.drop_table("openid_token")
    op.drop_table("service_transaction")
    op.drop_table("service_queue")
