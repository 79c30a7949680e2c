"""The full-text indexes over `search_text`, in each dialect's own words.

On SQLite an FTS5 table without a copy of the text; triggers keep it, so whatever writes to
`search_text` (a restore too) needs to know nothing of it. `detail=none`: which words a text
has, not where. On MySQL and MariaDB the index is InnoDB's and keeps itself.
"""

from __future__ import annotations

from homeserver.infrastructure.sql.query import SqlDialect

SEARCH_INDEX = "search_fts"
"""What the names of everything begin with that belongs to the index."""

_TABLE = (
    "CREATE VIRTUAL TABLE search_fts USING fts5(tokens, content='search_text',"
    " content_rowid='id', tokenize='ascii', detail=none, columnsize=0)"
)
_PUT = "INSERT INTO search_fts (rowid, tokens) VALUES (new.id, new.tokens)"
_TAKE = "INSERT INTO search_fts (search_fts, rowid, tokens) VALUES ('delete', old.id, old.tokens)"
_STATEMENTS = {
    SqlDialect.SQLITE: (
        _TABLE,
        f"CREATE TRIGGER search_fts_put AFTER INSERT ON search_text BEGIN {_PUT}; END",
        f"CREATE TRIGGER search_fts_take AFTER DELETE ON search_text BEGIN {_TAKE}; END",
        f"CREATE TRIGGER search_fts_change AFTER UPDATE ON search_text BEGIN {_TAKE}; {_PUT}; END",
    ),
    SqlDialect.MYSQL: ("CREATE FULLTEXT INDEX search_fts_tokens ON search_text (tokens)",),
}


def statements(dialect: SqlDialect) -> tuple[str, ...]:
    """What makes the index, once the table is there."""
    return _STATEMENTS[dialect]
