"""Delayed events.

Revises: 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, octets

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "delayed_event",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("delay_id", octets(32), nullable=False),
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("user_id", octets(255), nullable=False),
        sa.Column("room_id", octets(255), nullable=False),
        sa.Column("type", octets(255), nullable=False),
        sa.Column("state_key", octets(255), nullable=True),
        sa.Column("content", blob(), nullable=False),
        sa.Column("delay_ms", sa.BigInteger(), nullable=False),
        sa.Column("since_ts", sa.BigInteger(), nullable=False),
        sa.Column("due_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("nid"),
        sa.UniqueConstraint("delay_id"),
    )
    op.create_index("delayed_event_due", "delayed_event", ["due_ts", "nid"], unique=False)
    op.create_index("delayed_event_of", "delayed_event", ["user_nid", "due_ts"], unique=False)
    op.create_table(
        "delayed_outcome",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("event_id", octets(255), nullable=True),
        sa.Column("error", blob(), nullable=True),
        sa.PrimaryKeyConstraint("nid"),
    )
    op.create_index("delayed_outcome_by_time", "delayed_outcome", ["ts"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("delayed_outcome_by_time", table_name="delayed_outcome")
    op.drop_table("delayed_outcome")
    op.drop_index("delayed_event_of", table_name="delayed_event")
    op.drop_index("delayed_event_due", table_name="delayed_event")
    op.drop_table("delayed_event")
