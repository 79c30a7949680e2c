"""Messages to devices for application services.

Revises: 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, digest

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.add_column("service_transaction", sa.Column("inboxes", blob(), nullable=True))
    op.create_table(
        "service_message",
        sa.Column("service_key", digest(16), nullable=False),
        sa.Column("ts", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("inbox_seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("service_key", "ts", "device_nid", "inbox_seq"),
    )
    op.create_index(
        "service_message_of_device",
        "service_message",
        ["user_nid", "device_nid", "service_key", "ts"],
        unique=False,
    )
    op.create_table(
        "reading_device",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "device_nid"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("reading_device")
    op.drop_index("service_message_of_device", table_name="service_message")
    op.drop_table("service_message")
    op.drop_column("service_transaction", "inboxes")
