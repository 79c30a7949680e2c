"""The store that a move fills: nobody serves from it before it is whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, exists, insert, select, text, update

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.fence import STORE
from homeserver.infrastructure.sql.migrate import UNFINISHED
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.tables import metadata, store, writer_slot

if TYPE_CHECKING:
    from sqlalchemy import Table

    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.writes import Row

TABLES = tuple(table for table in metadata.sorted_tables if table is not store)
"""What is copied row by row: everything but the store's own row, which comes last."""
STORE_ROW = Query(select(*store.columns))
_CLEAR_STORE = Query(delete(store))
_ADD_STORE = Query(insert(store).values({c.name: bindparam(f"p_{c.name}") for c in store.columns}))
_RELEASE_SLOTS = Query(update(writer_slot).values(beat_ts=0))


async def prepare_target(target: Database, own: Row) -> None:
    """Mark an empty store as one that is being filled from the store whose row is `own`.

    What an interrupted move of the same store left is thrown away. Raises StoreDownError for
    a store that holds anything else.
    """
    filled = [table for table in TABLES if await _has_rows(target, table)]
    await _check_free(target, own, filled)
    await _set_store(target, _marked(own))
    for table in filled:
        async with target.transaction() as session:
            await session.execute(Query(text(f"TRUNCATE TABLE {table.name}")))


async def _check_free(target: Database, own: Row, filled: list[Table]) -> None:
    _, generation, server_name, _ = own
    found = [tuple(row) for row in await target.fetch(STORE)]
    if found and found[0][1] == UNFINISHED:
        if found[0][0] != generation:
            msg = "the database holds an unfinished move of another store"
            raise StoreDownError(msg)
    elif filled:
        msg = f"the database is not empty ({filled[0].name} has rows)"
        raise StoreDownError(msg)
    elif found and found[0][1] != server_name:
        msg = f"the database belongs to {found[0][1].decode()}, not to {server_name.decode()}"
        raise StoreDownError(msg)


async def _has_rows(target: Database, table: Table) -> bool:
    return bool((await target.fetch(Query(select(exists(select(1).select_from(table))))))[0][0])


def _marked(own: Row) -> Row:
    number, generation, _, created = own
    return number, generation, UNFINISHED, created


async def open_target(target: Database, own: Row) -> None:
    """Make it a store to serve from: it becomes the one it was copied from.

    Its slots are free, as after a server that stopped.
    """
    async with target.transaction() as session:
        await session.execute(_RELEASE_SLOTS)
    await _set_store(target, own)


async def _set_store(target: Database, row: Row) -> None:
    names = [f"p_{c.name}" for c in store.columns]
    async with target.transaction() as session:
        await session.execute(_CLEAR_STORE)
        await session.execute(_ADD_STORE, **dict(zip(names, row, strict=True)))
