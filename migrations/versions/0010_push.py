"""What pushers are owed.

Revises: 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import blob, digest

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "push_notice",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pusher_key", digest(16), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "pusher_key", "number"),
    )
    op.create_index("push_notice_by_number", "push_notice", ["number"], unique=False)
    op.create_table(
        "push_retry",
        sa.Column("user_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("pusher_key", digest(16), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("due_ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("user_nid", "pusher_key"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("push_retry")
    op.drop_index("push_notice_by_number", table_name="push_notice")
    op.drop_table("push_notice")
