"""Full-text search.

Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from homeserver.infrastructure.sql.types import ROWID, blob, digest, octets, words

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_TABLE = (
    "CREATE VIRTUAL TABLE search_fts USING fts5(tokens, content='search_text',"
    " content_rowid='id', tokenize='ascii', detail=none, columnsize=0)"
)
_PUT = "INSERT INTO search_fts (rowid, tokens) VALUES (new.id, new.tokens)"
_TAKE = "INSERT INTO search_fts (search_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens)"
_FTS5 = (
    _TABLE,
    f"CREATE TRIGGER search_fts_put AFTER INSERT ON search_text BEGIN {_PUT}; END",
    f"CREATE TRIGGER search_fts_take AFTER DELETE ON search_text BEGIN {_TAKE}; END",
    f"CREATE TRIGGER search_fts_change AFTER UPDATE ON search_text BEGIN {_TAKE}; {_PUT}; END",
)
_INNODB = ("CREATE FULLTEXT INDEX search_fts_tokens ON search_text (tokens)",)


def upgrade() -> None:
    """Expand the schema."""
    op.create_table(
        "role",
        sa.Column("name", octets(32), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("holder", digest(8), nullable=False),
        sa.Column("body", blob(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "search_room",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid"),
        sa.UniqueConstraint("number"),
    )
    op.create_table(
        "search_text",
        sa.Column("id", ROWID, autoincrement=False, nullable=False),
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("room_seq", sa.BigInteger(), nullable=False),
        sa.Column("back", sa.Integer(), nullable=False),
        sa.Column("search_key", sa.SmallInteger(), nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.Column("tokens", words(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("search_text_at", "search_text", ["room_nid", "room_seq", "back"], unique=True)
    op.create_table(
        "search_edit",
        sa.Column("room_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", digest(32), nullable=False),
        sa.Column("target_id", digest(32), nullable=False),
        sa.Column("sender_nid", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ts", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("room_nid", "event_id"),
    )
    op.create_index(
        "search_edit_of", "search_edit", ["room_nid", "target_id", "sender_nid"], unique=False
    )
    for statement in _index():
        op.execute(statement)


def _index() -> tuple[str, ...]:
    """What makes the index on this database; nothing on TiDB, which has none."""
    connection = op.get_bind()
    if connection.dialect.name == "sqlite":
        return _FTS5
    version = connection.execute(sa.text("SELECT VERSION()")).scalar_one()
    return () if "TiDB" in version else _INNODB


def downgrade() -> None:
    """Take it back."""
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE search_fts")
    op.drop_table("search_edit")
    op.drop_table("search_text")
    op.drop_table("search_room")
    op.drop_table("role")
