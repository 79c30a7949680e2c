"""A whole store for tests: an empty SQLite file, or a MariaDB database of its own.

`open_store(kind, folder)` gives everything that use cases stand on: database, writer, room
store, hub, clock and ids, all real but the clock, which a test may turn. Ask for it through
a fixture, for example::

    @pytest_asyncio.fixture(params=STORE_KINDS)
    async def store(request, tmp_path):
        async with open_store(request.param, tmp_path) as store:
            yield store
"""

from __future__ import annotations

import atexit
import os
import secrets
import sqlite3
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiomysql
import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from homeserver.application.sync.hub import Hub
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql import search_schema, tables
from homeserver.infrastructure.sql.mysql_database import MySqlDatabase
from homeserver.infrastructure.sql.query import Query, SqlDialect
from homeserver.infrastructure.sql.room_store import SqlRoomStore
from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase
from homeserver.infrastructure.sql.writer import GroupCommitWriter
from tests.support.databases import address_of
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from homeserver.infrastructure.sql.database import Database

    Opened = tuple[Database, Callable[[], Awaitable[Database]]]

STORE_KINDS = ("sqlite", "mysql")
SERVER_NAME = "firn.test"
_DIALECTS: dict[SqlDialect, Any] = {
    SqlDialect.MYSQL: mysql.dialect(),
    SqlDialect.SQLITE: sqlite.dialect(),
}
_ADD_STORE = Query(
    insert(tables.store).values({c.name: bindparam(f"p_{c.name}") for c in tables.store.columns})
)


class TurnableClock:
    """The system's clock, ahead by as much as a test has turned it."""

    def __init__(self) -> None:
        """Begin at the true time."""
        self._true = SystemClock()
        self.ahead_ms = 0

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return self._true.now_ms() + self.ahead_ms

    def monotonic(self) -> float:
        """Return seconds that go on with the turns."""
        return self._true.monotonic() + self.ahead_ms / 1000

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.ahead_ms += int(seconds * 1000)


@dataclass
class Worker:
    """One process's way into the store: its writer, and the hub that its readers wait on."""

    name: str
    writer: GroupCommitWriter
    rooms: SqlRoomStore
    hub: Hub


@dataclass
class Store:
    """A store and its first worker, `worker`; more workers come from `join`."""

    kind: str
    database: Database
    connect: Callable[[], Awaitable[Database]]
    worker: Worker = field(init=False)
    clock: TurnableClock = field(default_factory=TurnableClock)
    ids: SystemIds = field(default_factory=SystemIds)
    server_name: str = SERVER_NAME
    _workers: AsyncExitStack = field(default_factory=AsyncExitStack)

    @property
    def writer(self) -> GroupCommitWriter:
        """The first worker's writer."""
        return self.worker.writer

    @property
    def rooms(self) -> SqlRoomStore:
        """The first worker's room store."""
        return self.worker.rooms

    @property
    def hub(self) -> Hub:
        """The first worker's hub."""
        return self.worker.hub

    async def join(self, name: str) -> Worker:
        """Start a writer with a slot of its own on this store, over connections of its own."""
        database = await self.another()
        rooms, hub = SqlRoomStore(database), Hub()
        writer = GroupCommitWriter(
            database=database,
            rooms=rooms,
            stream=hub,
            clock=self.clock,
            ids=self.ids,
            worker=name,
        )
        lease = await writer.start()
        hub.start({lease.slot: lease.pos})
        self._workers.push_async_callback(writer.stop)
        return Worker(name, writer, rooms, hub)

    async def another(self) -> Database:
        """Connect once more: writers that commit at the same time need a `Database` each."""
        database = await self.connect()
        if database is not self.database:
            self._workers.push_async_callback(database.close)
        return database

    async def dump(self, table: str) -> list[tuple[Any, ...]]:
        """Every row of a table, for looking at what really is stored."""
        return list(await self.database.fetch(Query(select(tables.metadata.tables[table]))))

    async def close(self) -> None:
        """Stop the writers and close the database."""
        await self._workers.aclose()
        await self.database.close()


@asynccontextmanager
async def open_store(kind: str, folder: Path) -> AsyncIterator[Store]:
    """Make an empty store with its schema and one worker; it is gone afterwards.

    `kind` is one of STORE_KINDS. Without a MySQL its tests are skipped (see services.py).
    """
    opened = _sqlite(folder) if kind == "sqlite" else _mysql()
    async with opened as (database, connect):
        store = Store(kind, database, connect)
        async with database.transaction() as session:
            await session.execute(
                _ADD_STORE,
                p_id=1,
                p_generation=secrets.token_bytes(8),
                p_server_name=SERVER_NAME.encode(),
                p_created_ts=store.clock.now_ms(),
            )
        try:
            store.worker = await store.join("main")
            yield store
        finally:
            await store.close()


def schema(dialect: SqlDialect) -> list[str]:
    """The statements that make every table."""
    target = _DIALECTS[dialect]
    statements: list[str] = []
    for table in tables.metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=target)))
        statements += [
            str(CreateIndex(index).compile(dialect=target))
            for index in sorted(table.indexes, key=lambda i: str(i.name))
        ]
    return [*statements, *search_schema.statements(dialect)]


@asynccontextmanager
async def _sqlite(folder: Path) -> AsyncIterator[Opened]:
    path = folder / "firn.db"
    db = sqlite3.connect(path)
    db.execute("PRAGMA synchronous=OFF")
    db.executescript(";".join(["BEGIN", *schema(SqlDialect.SQLITE), "COMMIT"]))
    db.close()
    database = SqliteDatabase(path)

    async def share() -> Database:
        return database  # one process, one writing connection

    yield database, share


@asynccontextmanager
async def _mysql() -> AsyncIterator[Opened]:
    address = address_of(require_service("mysql"))
    admin = await aiomysql.connect(**address, autocommit=True, client_flag=CLIENT.MULTI_STATEMENTS)
    try:
        name = _spare.pop() if _spare else await _make_database(admin)

        async def connect() -> Database:
            return await MySqlDatabase.connect(**address, db=name)

        yield await connect(), connect
        await _empty_database(admin, name)
        _spare.append(name)
    finally:
        admin.close()


_spare: list[str] = []
"""Empty databases: making one takes a second of DDL, emptying it a few milliseconds."""
_made: list[str] = []


async def _make_database(admin: aiomysql.Connection) -> str:
    name = f"firn_test_{secrets.token_hex(6)}"
    if not _made:
        atexit.register(_drop_databases)
    _made.append(name)
    async with admin.cursor() as cursor:
        await cursor.execute(f"CREATE DATABASE {name} COLLATE utf8mb4_bin")
        await cursor.execute(f"USE {name}")
        for statement in schema(SqlDialect.MYSQL):
            await cursor.execute(statement)
    return name


async def _empty_database(admin: aiomysql.Connection, name: str) -> None:
    deletes = [f"DELETE FROM {name}.{table}" for table in tables.metadata.tables]
    async with admin.cursor() as cursor:
        await cursor.execute(";".join(["BEGIN", *deletes, "COMMIT"]))
        while await cursor.nextset():
            pass


def _drop_databases() -> None:
    admin = pymysql.connect(**address_of(os.environ["FIRN_TEST_MYSQL_URL"]))
    with admin, admin.cursor() as cursor:
        for name in _made:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
