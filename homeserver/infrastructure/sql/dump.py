"""Logical backups: one consistent instant of a whole store, readable by either dialect.

A dump is a gzip stream of MessagePack messages: a header, then for each table its name and
column names, and batches of rows; an end mark shows that it is whole.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import delete

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.fence import STORE
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.rows import insert_rows, pages
from homeserver.infrastructure.sql.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from gzip import GzipFile
    from pathlib import Path

    from sqlalchemy import Table

    from homeserver.infrastructure.sql.database import Database, Reader, Session

FORMAT = "firn-dump-1"
PART_SUFFIX = ".part"
_encoder = msgspec.msgpack.Encoder()
_LENGTH = 4


async def dump(database: Database, path: Path) -> int:
    """Write everything that the store holds at this instant; returns the number of rows.

    The file appears under its name only when it is whole; a failure leaves none.
    """
    part = path.with_name(path.name + PART_SUFFIX)
    try:
        with gzip.open(part, "wb", compresslevel=3) as out:
            rows = await _dump_tables(database, out)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return rows


async def _dump_tables(database: Database, out: GzipFile) -> int:
    rows = 0
    _write(out, {"format": FORMAT})
    async with database.snapshot() as reader:
        for table in metadata.sorted_tables:
            # SQLAlchemy's names are a subclass of str, which msgspec does not take
            columns = [str(c.name) for c in table.columns]
            _write(out, {"table": str(table.name), "columns": columns})
            rows += await _dump_table(reader, table, out)
    _write(out, {"end": rows})
    return rows


async def _dump_table(reader: Reader, table: Table, out: GzipFile) -> int:
    count = 0
    async for page in pages(reader, table):
        await asyncio.to_thread(_write, out, {"rows": [list(row) for row in page]})
        count += len(page)
    return count


async def load(database: Database, path: Path, server_name: str) -> int:
    """Fill a store from a dump, in place of everything it holds; returns the number of rows.

    One transaction: a dump that is not whole, of another schema or of another server changes
    nothing. Raises StoreDownError for such a file.
    """
    tables = metadata.tables
    count, ended, table = 0, None, None
    async with database.transaction() as session:
        for known in reversed(metadata.sorted_tables):
            await session.execute(Query(delete(known)))
        for message in _read(path):
            if "table" in message:
                table = _table(tables, message)
            elif "rows" in message and table is not None:
                await insert_rows(session, table, message["rows"])
                count += len(message["rows"])
            ended = message.get("end", ended)
        if ended != count:
            msg = f"{path.name} is not a whole backup"
            raise StoreDownError(msg)
        await _check_owner(session, path, server_name)
    return count


async def _check_owner(session: Session, path: Path, server_name: str) -> None:
    names = [row[1].decode() for row in await session.fetch(STORE)]
    if names != [server_name]:
        msg = f"{path.name} is a backup of {', '.join(names) or 'no server'}, not of {server_name}"
        raise StoreDownError(msg)


def _table(tables: Mapping[str, Table], message: Mapping[str, Any]) -> Table:
    table = tables.get(message["table"])
    if table is None or [c.name for c in table.columns] != message["columns"]:
        msg = f"the backup's table {message['table']} is not of this version: migrate it first"
        raise StoreDownError(msg)
    return table


def _write(out: GzipFile, message: Mapping[str, Any]) -> None:
    body = _encoder.encode(message)
    out.write(len(body).to_bytes(_LENGTH, "big") + body)


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rb") as source:
            while head := source.read(_LENGTH):
                message: dict[str, Any] = msgspec.msgpack.decode(
                    source.read(int.from_bytes(head, "big"))
                )
                yield message
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, msgspec.DecodeError) as error:
        msg = f"{path.name} cannot be read as a backup"
        raise StoreDownError(msg) from error
