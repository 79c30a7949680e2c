"""Edits of messages are looked up by ids alone.

Revises: 0006
"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change the indexes."""
    op.drop_index("search_edit_of", table_name="search_edit")
    op.create_index("search_edit_of", "search_edit", ["target_id"], unique=False)
    op.create_index("search_edit_by_id", "search_edit", ["event_id"], unique=False)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("search_edit_by_id", table_name="search_edit")
    op.drop_index("search_edit_of", table_name="search_edit")
    op.create_index(
        "search_edit_of", "search_edit", ["room_nid", "target_id", "sender_nid"], unique=False
    )
