"""The shared store: MySQL, MariaDB or TiDB over aiomysql.

A batch is one packet: BEGIN; fence; multi-row INSERTs; COMMIT (one round trip; measured in
`docs/subsystems/store.md`). Everything else is parameterised.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiomysql
from pymysql import err

from homeserver.infrastructure.sql.errors import (
    ClashError,
    InDoubtError,
    PoisonError,
    StoreDownError,
    StoreError,
    TransientError,
)
from homeserver.infrastructure.sql.fence import preamble
from homeserver.infrastructure.sql.literal import bound, literal
from homeserver.infrastructure.sql.mysql_rows import select_rows
from homeserver.infrastructure.sql.query import SqlDialect
from homeserver.infrastructure.sql.writes import Execute, Insert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.database import Reader, Session
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

DIALECT = SqlDialect.MYSQL
SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"
SESSION = (
    "SET SESSION {isolation}='READ-COMMITTED', innodb_lock_wait_timeout=2,"
    f" sql_mode='{SQL_MODE}', time_zone='+00:00', autocommit=1"
)
ISOLATION_VARIABLES = ("transaction_isolation", "tx_isolation")
"""MySQL's and TiDB's name, and that of MariaDB before 11.1."""
UNKNOWN_VARIABLE = 1193
SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
)
_CLASH = {1048, 1062}
_TRANSIENT = {1205, 1213}
_POISON = {1264, 1366, 1406, 1153, 3140}
_FULL = {1021, 1114, 1030, 1290, 1836}


def translate(error: err.MySQLError) -> StoreError:
    """Say a driver's error in the store's terms, by number, never by text."""
    code = error.args[0] if error.args else 0
    if code in _CLASH:
        return ClashError(str(code))
    if code in _TRANSIENT:
        return TransientError(str(code))
    if code in _POISON or isinstance(error, err.DataError):
        return PoisonError(str(code))
    if code in _FULL:
        return StoreDownError("the database cannot write")
    return StoreDownError(f"the database answered {code}")


class MySqlSession:
    """Statements on one connection."""

    def __init__(self, connection: aiomysql.Connection) -> None:
        """Speak on this connection."""
        self._connection = connection

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        """See `Reader.fetch`."""
        text, args = query.on(DIALECT, params)
        return await select_rows(self._connection, bound(text, args))

    async def execute(self, query: Query, **params: Any) -> int:
        """See `Session.execute`."""
        text, args = query.on(DIALECT, params)
        async with self._connection.cursor() as cursor:
            matched: int = await cursor.execute(bound(text, args))
            return matched


class MySqlDatabase:
    """See `Database`."""

    dialect = DIALECT

    def __init__(self, pool: aiomysql.Pool, address: dict[str, Any]) -> None:
        """Use `MySqlDatabase.connect`."""
        self._pool = pool
        self._address = address
        self._batches: aiomysql.Connection | None = None

    @classmethod
    async def connect(
        cls, *, host: str, port: int, user: str, password: str, db: str, pool_size: int = 8
    ) -> MySqlDatabase:
        """Open a pool; every connection gets the session settings that the store relies on."""
        address: dict[str, Any] = {
            "host": host,
            "port": port,
            "user": user,
            "password": password,
            "db": db,
            "charset": "utf8mb4",
            "autocommit": True,
            "connect_timeout": 5,
        }
        for isolation in ISOLATION_VARIABLES:
            address["init_command"] = SESSION.format(isolation=isolation)
            try:
                pool = await aiomysql.create_pool(minsize=1, maxsize=pool_size, **address)
            except err.MySQLError as error:
                if error.args[0] == UNKNOWN_VARIABLE and isolation != ISOLATION_VARIABLES[-1]:
                    continue
                raise StoreDownError(str(error.args[-1])) from error
            return cls(pool, address)
        raise AssertionError

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiomysql.Connection]:
        """Lend a connection; after any error, also a cancellation, it is closed, not reused."""
        try:
            connection = await self._pool.acquire()
        except (err.MySQLError, OSError) as error:
            msg = "the database cannot be reached"
            raise StoreDownError(msg) from error
        try:
            yield connection
        except (err.MySQLError, OSError) as error:
            connection.close()
            raise _from_driver(error) from error
        except BaseException:
            connection.close()
            raise
        finally:
            await self._pool.release(connection)

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        """See `Reader.fetch`."""
        async with self._connection() as connection:
            return await MySqlSession(connection).fetch(query, **params)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """See `Database.snapshot`."""
        async with self._connection() as connection:
            await _packet(connection, SNAPSHOT)
            yield MySqlSession(connection)
            await connection.rollback()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """See `Database.transaction`."""
        async with self._connection() as connection:
            await connection.begin()
            yield MySqlSession(connection)
            await connection.commit()

    async def commit(self, batch: Batch) -> None:
        """See `Database.commit`."""
        packet = render(batch)
        connection = await self._batch_connection()
        try:
            await _packet(connection, packet)
        except err.MySQLError as error:
            self._drop()
            lost = isinstance(error, (err.OperationalError, err.InterfaceError)) and (
                not error.args or error.args[0] in {0, 2006, 2013, 2014, 2055}
            )
            raise (InDoubtError("connection lost") if lost else translate(error)) from error
        except BaseException as error:
            # an open transaction would keep the slot's row locked for its successor
            self._drop()
            if isinstance(error, OSError):
                msg = "connection lost"
                raise InDoubtError(msg) from error
            raise

    async def _batch_connection(self) -> aiomysql.Connection:
        if self._batches is None or self._batches.closed:
            try:
                self._batches = await aiomysql.connect(**self._address)
            except (err.MySQLError, OSError) as error:
                msg = "the database cannot be reached"
                raise StoreDownError(msg) from error
        return self._batches

    def _drop(self) -> None:
        if self._batches is not None:
            self._batches.close()
            self._batches = None

    async def close(self) -> None:
        """Close every connection."""
        self._drop()
        self._pool.close()
        await self._pool.wait_closed()


def _from_driver(error: Exception) -> StoreError:
    if isinstance(error, err.MySQLError):
        return translate(error)
    return StoreDownError("connection lost")


async def _packet(connection: aiomysql.Connection, text: str) -> None:
    """Send several statements as one packet and read every result."""
    async with connection.cursor() as cursor:
        await cursor.execute(text)
        while await cursor.nextset():
            pass


def render(batch: Batch) -> str:
    """Write a whole batch as one multi-statement text."""
    out = ["BEGIN"]
    out.extend(bound(text, args) for text, args in preamble(batch, DIALECT))
    for write, rows in batch.writes:
        if isinstance(write, Insert):
            values = ",".join(["(" + ",".join([literal(v) for v in row]) + ")" for row in rows])
            out.append(write.head + values + write.tail[DIALECT])
        elif isinstance(write, Execute):
            out.extend(bound(*write.bound(DIALECT, row)) for row in rows)
    out.append("COMMIT")
    return ";".join(out)
