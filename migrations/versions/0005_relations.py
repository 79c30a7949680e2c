"""Relations between events.

Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import digest, octets

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "event_relation",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("parent_id", digest(32), nullable=False),
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.Column("rel_type", octets(255), nullable=False),
        sa.Column("type", octets(255), nullable=False),
        sa.Column("sender_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.SmallInteger(), nullable=False),
        sa.Column("only_once", digest(16), nullable=True),
        sa.PrimaryKeyConstraint("room_nid", "parent_id", "place"),
    )
    op.create_index("relation_by_type", "event_relation", ["room_nid", "rel_type", "place"])
    op.create_index("relation_only_once", "event_relation", ["room_nid", "only_once"], unique=True)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("relation_only_once", table_name="event_relation")
    op.drop_index("relation_by_type", table_name="event_relation")
    op.drop_table("event_relation")
