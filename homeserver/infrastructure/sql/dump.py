"""Logical backups: one consistent instant of a whole store, readable by either dialect.

A dump is a gzip stream of MessagePack messages: a header, then for each table its name and
column names, and batches of rows; an end mark shows that it is whole.
"""

from __future__ import annotations

import asyncio
import gzip
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import and_, bindparam, delete, insert, or_, select

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.fence import STORE
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from gzip import GzipFile
    from pathlib import Path

    from sqlalchemy import ColumnElement, Table

    from homeserver.infrastructure.sql.database import Database, Reader, Session
    from homeserver.infrastructure.sql.writes import Row

FORMAT = "firn-dump-1"
PART_SUFFIX = ".part"
PAGE = 2_000
MAX_ROWS = 128
"""In one INSERT; SQLite takes 32,766 values, MySQL a packet of 16 MiB by default."""
MAX_STATEMENT = 1 << 20
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
    """Page through a table by its primary key: memory stays bounded."""
    names = [c.name for c in table.columns]
    keys = [names.index(c.name) for c in table.primary_key]
    first, following = _pages(table)
    page = await reader.fetch(first, n=PAGE)
    count = 0
    while page:
        await asyncio.to_thread(_write, out, {"rows": [list(row) for row in page]})
        count += len(page)
        last = {f"k{i}": page[-1][at] for i, at in enumerate(keys)}
        page = await reader.fetch(following, n=PAGE, **last)
    return count


def _pages(table: Table) -> tuple[Query, Query]:
    keys = list(table.primary_key)
    ordered = select(*table.columns).order_by(*keys).limit(bindparam("n"))
    return Query(ordered), Query(ordered.where(_after(keys)))


def _after(keys: Sequence[ColumnElement[Any]]) -> ColumnElement[bool]:
    """Compare key by key: (a, b) > (x, y) as a > x, or a = x and b > y."""
    cases = []
    for i, key in enumerate(keys):
        same = [keys[j] == bindparam(f"k{j}") for j in range(i)]
        cases.append(and_(*same, key > bindparam(f"k{i}")))
    return or_(*cases)


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
                await _insert(session, table, message["rows"])
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


async def _insert(session: Session, table: Table, rows: Sequence[Row]) -> None:
    """Insert in statements of many rows: a round trip for each would take minutes."""
    together = _rows_together(rows)
    at = 0
    while at < len(rows):
        while together > len(rows) - at:
            together //= 2
        values = {
            f"v{i}_{n}": value
            for i, row in enumerate(rows[at : at + together])
            for n, value in enumerate(row)
        }
        await session.execute(_insertion(table, together), **values)
        at += together


def _rows_together(rows: Sequence[Row]) -> int:
    """How many of these rows fit into one statement: a power of two, so that texts repeat."""
    largest = max(sum(len(v) for v in row if isinstance(v, bytes)) for row in rows)
    fitting = min(MAX_ROWS, max(1, MAX_STATEMENT // (largest + 1)))
    return 1 << (fitting.bit_length() - 1)


@lru_cache(maxsize=256)
def _insertion(table: Table, count: int) -> Query:
    names = [c.name for c in table.columns]
    return Query(
        insert(table).values(
            [{c: bindparam(f"v{i}_{n}") for n, c in enumerate(names)} for i in range(count)]
        )
    )


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
