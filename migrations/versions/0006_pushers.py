"""Pushers.

Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, digest

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "pusher",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pusher_key", digest(16), nullable=False),
        sa.Column("device_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("created_ts", sa.BigInteger(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "pusher_key"),
    )
    op.create_index("pusher_by_key", "pusher", ["pusher_key"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("pusher_by_key", table_name="pusher")
    op.drop_table("pusher")
