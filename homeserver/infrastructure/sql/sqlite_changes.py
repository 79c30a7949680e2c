"""Which rows of an embedded store change, noted by triggers of the writing connection alone.

Triggers and notes are temporary: they are in no file of the store, they are gone with the
connection, and they see every change, because only that connection writes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from homeserver.infrastructure.sql.tables import metadata, store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import Table

    from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase
    from homeserver.infrastructure.sql.writes import Row

_NOTES = "firn_changed_"
_EVENTS = {"INSERT": ("NEW",), "UPDATE": ("OLD", "NEW"), "DELETE": ("OLD",)}


class Changes(NamedTuple):
    """Primary keys of rows that were inserted, changed or deleted, by table; `left` notes wait."""

    keys: Mapping[str, Sequence[Row]]
    left: int


class ChangeNotes:
    """Notes of all tables but `store`, which never changes in the life of a server."""

    def __init__(self, database: SqliteDatabase) -> None:
        """Nothing is noted before `start`."""
        self._db = database

    async def start(self) -> None:
        """Note every row that changes in any transaction after this."""
        await self._db.alone(_install)

    async def take(self, most: int) -> Changes:
        """Take up to `most` notes away, oldest first in each table; a key comes once."""
        return await self._db.alone(lambda db: _take(db, most))

    async def stop(self) -> None:
        """Note no more, and forget."""
        await self._db.alone(_remove)


def _tables() -> Iterator[Table]:
    return (table for table in metadata.sorted_tables if table is not store)


def _keys(table: Table) -> list[str]:
    return [f'"{c.name}"' for c in table.primary_key]


def _install(db: sqlite3.Connection) -> None:
    _remove(db)
    for table in _tables():
        keys = ", ".join(_keys(table))
        db.execute(f"CREATE TEMP TABLE {_NOTES}{table.name} ({keys})")
        for event, sides in _EVENTS.items():
            notes = "; ".join(_note(table, side) for side in sides)
            db.execute(
                f"CREATE TEMP TRIGGER {_NOTES}{table.name}_{event}"
                f" AFTER {event} ON main.{table.name} BEGIN {notes}; END"
            )


def _note(table: Table, side: str) -> str:
    values = ", ".join(f"{side}.{key}" for key in _keys(table))
    return f"INSERT INTO {_NOTES}{table.name} VALUES ({values})"  # noqa: S608 (our own names)


def _remove(db: sqlite3.Connection) -> None:
    for table in _tables():
        for event in _EVENTS:
            db.execute(f"DROP TRIGGER IF EXISTS temp.{_NOTES}{table.name}_{event}")
        db.execute(f"DROP TABLE IF EXISTS temp.{_NOTES}{table.name}")


def _take(db: sqlite3.Connection, most: int) -> Changes:
    found: dict[str, Sequence[Row]] = {}
    left = 0
    for table in _tables():
        notes = f"temp.{_NOTES}{table.name}"
        taking = f"SELECT rowid, * FROM {notes} ORDER BY rowid LIMIT ?"  # noqa: S608 (our own names)
        rows = db.execute(taking, (most,)).fetchall()
        if rows:
            most -= len(rows)
            found[str(table.name)] = list({row[1:]: None for row in rows})
            db.execute(f"DELETE FROM {notes} WHERE rowid <= ?", (rows[-1][0],))  # noqa: S608
        left += db.execute(f"SELECT COUNT(*) FROM {notes}").fetchone()[0]  # noqa: S608
    return Changes(found, left)
