"""Moving a store while its server goes on (`docs/operate/moving.md`).

All rows are copied from one instant; then, round by round, those that changed meanwhile, until
few are left; then the server holds still for the last of them. Everything written is read
back and compared. The target is a store to serve from only when all of that is done.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import func, select

from homeserver.infrastructure.sql.checksum import Sum, sum_at, sum_in, sum_of
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.migrate import HEAD, VERSION_TABLE
from homeserver.infrastructure.sql.move_target import (
    STORE_ROW,
    TABLES,
    open_target,
    prepare_target,
)
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.rows import (
    by_keys,
    deletion,
    insert_rows,
    pages,
    replace_rows,
    rows_at,
)
from homeserver.infrastructure.sql.sqlite_database import instant
from homeserver.infrastructure.sql.tables import metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sqlalchemy import Table

    from homeserver.application.ports.clock import Clock
    from homeserver.infrastructure.sql.database import Database, Reader, Session
    from homeserver.infrastructure.sql.sqlite_changes import Changes
    from homeserver.infrastructure.sql.writes import Row

ROUND = 2_000
"""Changed rows that are copied in one transaction."""
PATIENCE = 5
"""Rounds without coming closer, after which the server has to hold still for the rest."""
_VERSION = Query(select(VERSION_TABLE.c.version_num))


class MovingServer(Protocol):
    """Who writes to the store that is moved, and notes what changes from before the move."""

    async def changes(self, most: int) -> Changes:
        """The keys of rows that changed and that no call has told of."""
        ...

    async def freeze(self) -> None:
        """Write nothing from now on."""
        ...

    async def finish(self) -> None:
        """Never write again."""
        ...


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did: rows in the new store, and for how many seconds nothing was written."""

    rows: int
    read_only_seconds: float


class Move:
    """One move of a SQLite file to an empty database with this version's tables.

    Raises StoreError; the source is as it was then, and the target can only be moved to again.
    """

    def __init__(
        self,
        server: MovingServer,
        source: Path,
        target: Database,
        clock: Clock,
        tell: Callable[[str], None],
    ) -> None:
        """`tell` hears how far it is, in lines for a person."""
        self._server = server
        self._source = source
        self._target = target
        self._clock = clock
        self._tell = tell

    async def __call__(self, server_name: str) -> Moved:
        """Move it."""
        own = await self._own_row(server_name)
        await prepare_target(self._target, own)
        await self._copy_all()
        await self._catch_up()
        began = self._clock.monotonic()
        await self._server.freeze()
        while await self._round():
            pass
        rows = await self._compare_counts()
        await self._server.finish()
        await open_target(self._target, own)
        return Moved(rows, self._clock.monotonic() - began)

    async def _own_row(self, server_name: str) -> Row:
        async with instant(self._source) as reader:
            version = (await reader.fetch(_VERSION))[0][0]
            row: Row = (await reader.fetch(STORE_ROW))[0]
        if version != HEAD:
            msg = f"the store has the schema {version}, this version {HEAD}: run `firn migrate`"
            raise StoreDownError(msg)
        if row[2].decode() != server_name:
            msg = f"the store belongs to {row[2].decode()}, not to {server_name}"
            raise StoreDownError(msg)
        return row

    async def _copy_all(self) -> None:
        async with instant(self._source) as reader:
            for table in TABLES:
                copied = Sum()
                async for page in pages(reader, table):
                    async with self._target.transaction() as session:
                        await insert_rows(session, table, page)
                    copied = copied.plus(sum_of(page))
                if copied.rows:
                    _compare(table, copied, await sum_in(self._target, table))
                    self._tell(f"{table.name}: {copied.rows} rows")

    async def _catch_up(self) -> None:
        least, patience = inf, PATIENCE
        while patience and (left := await self._round()):
            patience = PATIENCE if left < least else patience - 1
            least = min(least, left)

    async def _round(self) -> int:
        """Copy some of what changed; returns how much is left.

        The rows are read after the keys were taken: a row that changes in between is noted
        again, and may be here early.
        """
        changes = await self._server.changes(ROUND)
        async with instant(self._source) as reader, self._target.transaction() as session:
            for name, keys in changes.keys.items():
                await _copy_keys(reader, session, metadata.tables[name], keys)
        return changes.left

    async def _compare_counts(self) -> int:
        total = 0
        async with instant(self._source) as reader:
            for table in TABLES:
                counting = Query(select(func.count()).select_from(table))
                here, there = [
                    (await where.fetch(counting))[0][0] for where in (reader, self._target)
                ]
                if here != there:
                    msg = f"{table.name} has {here} rows here and {there} there"
                    raise StoreDownError(msg)
                total += here
        return total


async def _copy_keys(reader: Reader, session: Session, table: Table, keys: Sequence[Row]) -> None:
    """Make the rows with these keys the same there, also those that are no more."""
    for count, condition in by_keys(keys):
        rows = await reader.fetch(rows_at(table, count), **condition)
        await session.execute(deletion(table, count), **condition)
        # another row may still hold a unique key of these: it has changed, and comes later
        await replace_rows(session, table, rows)
        _compare(table, sum_of(rows), await sum_at(session, table, count, **condition))


def _compare(table: Table, here: Sum, there: Sum) -> None:
    if here != there:
        msg = f"{table.name} was not copied faithfully: {here} here, {there} there"
        raise StoreDownError(msg)
