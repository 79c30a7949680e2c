"""Inboxes of devices.

Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, digest

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.add_column(
        "device", sa.Column("inbox_seq", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.create_table(
        "to_device",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inbox_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "device_nid", "inbox_seq"),
    )
    op.create_table(
        "to_device_txn",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("txn_key", digest(16), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("answer", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "txn_key"),
    )
    op.create_index("to_device_txn_by_time", "to_device_txn", ["ts"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("to_device_txn_by_time", table_name="to_device_txn")
    op.drop_table("to_device_txn")
    op.drop_table("to_device")
    op.drop_column("device", "inbox_seq")
