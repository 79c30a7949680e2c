"""The directory of published rooms, and reports.

Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, octets

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "published_room",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("joined", sa.BigInteger(), nullable=False),
        sa.Column("room_type", octets(255), nullable=True),
        sa.Column("search", blob(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid"),
    )
    op.create_index(
        "published_room_by_size", "published_room", ["joined", "room_nid"], unique=False
    )
    op.create_table(
        "report",
        sa.Column("nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("reporter_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_id", octets(255), nullable=True),
        sa.Column("event_id", octets(255), nullable=True),
        sa.Column("user_id", octets(255), nullable=True),
        sa.Column("reason", blob(), nullable=False),
        sa.PrimaryKeyConstraint("nid"),
    )
    op.create_index("report_by_time", "report", ["ts", "nid"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("report_by_time", table_name="report")
    op.drop_table("report")
    op.drop_index("published_room_by_size", table_name="published_room")
    op.drop_table("published_room")
