"""The embedded store: SQLite in WAL mode, one process, one writing connection.

Each connection lives on a thread of its own, and a whole transaction crosses to it in one
hop. A lock file refuses a second process (Database.open raises StoreDownError).
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from homeserver.infrastructure.sql.errors import (
    ClashError,
    PoisonError,
    StoreDownError,
    TransientError,
)
from homeserver.infrastructure.sql.fence import preamble
from homeserver.infrastructure.sql.lock_file import lock_file
from homeserver.infrastructure.sql.query import SqlDialect
from homeserver.infrastructure.sql.writes import Execute, Insert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.database import Commit, Reader, Session
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

T = TypeVar("T")
DIALECT = SqlDialect.SQLITE
_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "cache_size=-65536",
    "mmap_size=268435456",
    "busy_timeout=2000",
)
_UNSTORABLE = (
    sqlite3.DataError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
    OverflowError,
)


class SqliteConnection:
    """One connection and its thread."""

    def __init__(self, path: Path, *, writes: bool) -> None:
        """Open the file; pragmas make a commit durable before it returns."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._open = (path, writes)
        self._db: sqlite3.Connection | None = None

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a whole job on the connection's thread.

        A cancelled caller leaves the job to finish there: the next job waits behind it.
        """
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._do, job)

    def _do(self, job: Callable[[sqlite3.Connection], T]) -> T:
        try:
            return job(self._connection())
        except (sqlite3.Error, OverflowError) as error:
            raise translate(error) from error

    def _connection(self) -> sqlite3.Connection:
        if self._db is None:
            self._db = _connect(*self._open)
        return self._db

    async def close(self) -> None:
        """Close the connection and end its thread."""

        def job() -> None:
            if self._db is not None:
                self._db.close()

        await asyncio.get_running_loop().run_in_executor(self._thread, job)
        self._thread.shutdown(wait=False)


@asynccontextmanager
async def instant(path: Path) -> AsyncIterator[Reader]:
    """One consistent instant of a store that another process may be writing to.

    Takes no lock file and holds up no writer; the instant is that of the first SELECT. While
    it lasts, the store's log of changes (`-wal`) cannot begin anew and grows.
    """
    connection = SqliteConnection(path, writes=False)
    try:
        await connection.run(lambda db: db.execute("BEGIN"))
        yield SqliteSession(connection)
    finally:
        await connection.close()


def _connect(path: Path, writes: bool) -> sqlite3.Connection:
    """Open the file; a connection whose settings fail is not kept."""
    db = sqlite3.connect(path, isolation_level=None, cached_statements=512)
    try:
        for pragma in _PRAGMAS:
            db.execute(f"PRAGMA {pragma}")
        if not writes:
            db.execute("PRAGMA query_only=1")
    except BaseException:
        db.close()
        raise
    return db


def translate(error: Exception) -> Exception:
    """Say a driver's error in the store's terms."""
    if isinstance(error, sqlite3.IntegrityError):
        return ClashError(str(error))
    if isinstance(error, _UNSTORABLE):
        return PoisonError(str(error))
    if "locked" in str(error) or "busy" in str(error):
        return TransientError(str(error))
    return StoreDownError(str(error))


def _fetch(db: sqlite3.Connection, query: Query, params: dict[str, Any]) -> list[Row]:
    text, args = query.on(DIALECT, params)
    return db.execute(text, args).fetchall()


def _rollback(db: sqlite3.Connection) -> None:
    if db.in_transaction:
        db.execute("ROLLBACK")


class SqliteSession:
    """A transaction's statements, each run on the thread of the transaction's connection."""

    def __init__(self, connection: SqliteConnection) -> None:
        """Speak on this connection."""
        self._connection = connection

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        """See `Reader.fetch`."""
        return await self._connection.run(lambda db: _fetch(db, query, params))

    async def execute(self, query: Query, **params: Any) -> int:
        """See `Session.execute`."""
        text, args = query.on(DIALECT, params)
        return await self._connection.run(lambda db: db.execute(text, args).rowcount)


class SqliteDatabase:
    """See `Database`."""

    dialect = DIALECT
    has_full_text = True

    def __init__(self, path: Path, readers: int = 2) -> None:
        """Take the lock file of the store and prepare one writing and a few reading threads."""
        self._lock = lock_file(path.with_suffix(".lock"), "uses this store")
        self._writer = SqliteConnection(path, writes=True)
        self._writing = asyncio.Lock()
        self._frozen = False
        self._readers: asyncio.Queue[SqliteConnection] = asyncio.Queue()
        self._all = [SqliteConnection(path, writes=False) for _ in range(readers)]
        for reader in self._all:
            self._readers.put_nowait(reader)

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        """See `Reader.fetch`."""
        reader = await self._readers.get()
        try:
            return await reader.run(lambda db: _fetch(db, query, params))
        finally:
            self._readers.put_nowait(reader)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """See `Database.snapshot`: in WAL mode the first SELECT fixes the instant."""
        reader = await self._readers.get()
        try:
            try:
                # inside: a cancelled BEGIN happens all the same
                await reader.run(lambda db: db.execute("BEGIN"))
                yield SqliteSession(reader)
            finally:
                await asyncio.shield(reader.run(_rollback))
        finally:
            self._readers.put_nowait(reader)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """See `Database.transaction`."""
        async with self._begun():
            yield SqliteSession(self._writer)
            await self._writer.run(lambda db: db.execute("COMMIT"))

    @asynccontextmanager
    async def hold(self, rooms: Sequence[int]) -> AsyncIterator[Commit]:  # noqa: ARG002 (one process)
        """See `Database.hold`: here a transaction that writes holds everything."""

        async def commit(batch: Batch) -> None:
            await self._writer.run(lambda db: _fill(db, batch))

        async with self._begun():
            yield commit

    @asynccontextmanager
    async def _begun(self) -> AsyncIterator[None]:
        """Write alone; what is not committed at the end is rolled back."""
        async with self._turn():
            try:
                await self._writer.run(lambda db: db.execute("BEGIN IMMEDIATE"))
                yield
            finally:
                await asyncio.shield(self._writer.run(_rollback))

    async def commit(self, batch: Batch) -> None:
        """See `Database.commit`; SQLite's COMMIT is never in doubt within a live process."""
        async with self._turn():
            await self._writer.run(lambda db: _commit(db, batch))

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Be the only one that writes. Raises StoreDownError while the store is frozen."""
        async with self._writing:
            if self._frozen:
                msg = "the store is read-only while it is moved"
                raise StoreDownError(msg)
            yield

    async def alone(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """Run a job on the writing connection between transactions, also when frozen."""
        async with self._writing:
            return await self._writer.run(job)

    async def freeze(self) -> None:
        """Let nothing change from when this returns until `thaw`; reads go on."""
        self._frozen = True
        async with self._writing:
            pass  # the transaction that was open has ended

    def thaw(self) -> None:
        """Write again."""
        self._frozen = False

    async def close(self) -> None:
        """Close every connection and give the lock file back."""
        for connection in (self._writer, *self._all):
            await connection.close()
        os.close(self._lock)


def _commit(db: sqlite3.Connection, batch: Batch) -> None:
    try:
        db.execute("BEGIN IMMEDIATE")
        _fill(db, batch)
    except BaseException:
        _rollback(db)
        raise


def _fill(db: sqlite3.Connection, batch: Batch) -> None:
    """Write a batch into the open transaction and commit it; the caller rolls back."""
    for text, args in preamble(batch, DIALECT):
        db.execute(text, args)
    for write, rows in batch.writes:
        if isinstance(write, Insert):
            db.executemany(write.head + write.one_row + write.tail[DIALECT], rows)
        elif isinstance(write, Execute):
            for row in rows:
                db.execute(*write.bound(DIALECT, row))
    db.execute("COMMIT")
