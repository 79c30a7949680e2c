"""The shared store: MySQL, MariaDB or TiDB over aiomysql.

A batch is one packet: BEGIN; fence; multi-row INSERTs; COMMIT (one round trip; measured in
`docs/subsystems/store.md`). Everything else is parameterised.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pymysql import err
from pymysql.constants import CLIENT

from homeserver.infrastructure.sql.errors import (
    InDoubtError,
    PoisonError,
    StoreDownError,
    StoreError,
    TransientError,
)
from homeserver.infrastructure.sql.fence import preamble
from homeserver.infrastructure.sql.literal import bound, row_literal
from homeserver.infrastructure.sql.mysql_packets import (
    PACKET_SECONDS,
    PacketConnection,
    translate,
)
from homeserver.infrastructure.sql.mysql_pool import ConnectionPool, discard, open_connection
from homeserver.infrastructure.sql.mysql_rows import run_statements, select_rows
from homeserver.infrastructure.sql.query import SqlDialect
from homeserver.infrastructure.sql.writes import Execute, Insert

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    import aiomysql

    from homeserver.infrastructure.sql.batch import Batch
    from homeserver.infrastructure.sql.database import Commit, Reader, Session
    from homeserver.infrastructure.sql.query import Query
    from homeserver.infrastructure.sql.writes import Row

DIALECT = SqlDialect.MYSQL
SQL_MODE = "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO"
SESSION = (
    "SET SESSION {isolation}='READ-COMMITTED', innodb_lock_wait_timeout={wait},"
    f" sql_mode='{SQL_MODE}', time_zone='+00:00', autocommit=1"
)
ISOLATION_VARIABLES = ("transaction_isolation", "tx_isolation")
"""MySQL's and TiDB's name, and that of MariaDB before 11.1."""
UNKNOWN_VARIABLE = 1193
NO_FULL_TEXT = "TiDB"
"""In the version of a server without full-text indexes."""
SNAPSHOT = (
    "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;"
    "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY"
)
LOCK_SECONDS = 2
HELD_SECONDS = 5
"""How long the server lets a process sleep on locked rooms, before it takes them away."""
_HOLD = "SELECT seq FROM room_head WHERE room_nid IN ({rooms}) ORDER BY room_nid FOR UPDATE"
_MARGIN = 4096
BEGIN = "START TRANSACTION"


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

    def __init__(self, pool: ConnectionPool, address: dict[str, Any], server: _Server) -> None:
        """Use `MySqlDatabase.connect`. One writer commits over it, never two at the same time."""
        self._pool = pool
        self._max_packet = server.max_packet - _MARGIN
        self._render = render_compound if server.compound else render
        self.has_full_text = server.full_text
        self._batches = PacketConnection(address)
        patience = f"{address['init_command']}, wait_timeout={HELD_SECONDS}"
        self._holding = PacketConnection({**address, "init_command": patience})

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
            "client_flag": CLIENT.FOUND_ROWS,  # an UPDATE that changes nothing still matches
        }
        for isolation in ISOLATION_VARIABLES:
            address["init_command"] = SESSION.format(isolation=isolation, wait=LOCK_SECONDS)
            try:
                server = await _server(address)
            except (err.MySQLError, OSError) as error:
                if error.args[0] == UNKNOWN_VARIABLE and isolation != ISOLATION_VARIABLES[-1]:
                    continue
                raise StoreDownError(str(error.args[-1])) from error
            return cls(ConnectionPool(address, pool_size), address, server)
        raise AssertionError

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[aiomysql.Connection]:
        """Lend a connection; after any error, also a cancellation, it is closed, not reused."""
        connection = await self._pool.take()
        try:
            yield connection
        except (err.MySQLError, OSError) as error:
            discard(connection)
            raise _from_driver(error) from error
        except BaseException:
            discard(connection)
            raise
        finally:
            self._pool.give_back(connection)

    async def fetch(self, query: Query, **params: Any) -> Sequence[Row]:
        """See `Reader.fetch`."""
        async with self._connection() as connection:
            return await MySqlSession(connection).fetch(query, **params)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Reader]:
        """See `Database.snapshot`."""
        async with self._connection() as connection:
            await run_statements(connection, SNAPSHOT)
            yield MySqlSession(connection)
            await connection.rollback()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """See `Database.transaction`."""
        async with self._connection() as connection:
            await connection.begin()
            try:
                yield MySqlSession(connection)
            except Exception:
                # closing alone would free the locks only when the server notices
                with suppress(err.MySQLError, OSError):
                    async with asyncio.timeout(PACKET_SECONDS):
                        await connection.rollback()
                raise
            await connection.commit()

    async def commit(self, batch: Batch) -> None:
        """See `Database.commit`."""
        await self._batches.run(self._packet(BEGIN, batch))

    @asynccontextmanager
    async def hold(self, rooms: Sequence[int]) -> AsyncIterator[Commit]:
        """See `Database.hold`."""
        wanted = ",".join([str(int(nid)) for nid in sorted(rooms)])
        try:
            await self._holding.run("BEGIN;" + _HOLD.format(rooms=wanted))
        except InDoubtError as error:
            raise TransientError(str(error)) from error

        begun = True

        async def commit(batch: Batch) -> None:
            nonlocal begun
            packet = self._packet("", batch)
            begun = False
            await self._holding.run(packet)

        try:
            yield commit
        finally:
            if begun:
                await self._holding.roll_back()

    def _packet(self, begin: str, batch: Batch) -> str:
        packet = self._render(begin, batch)
        if len(packet) > self._max_packet:
            msg = "the batch is larger than the server's max_allowed_packet"
            raise PoisonError(msg)
        return packet

    async def close(self) -> None:
        """Close every connection."""
        self._batches.drop()
        self._holding.drop()
        self._pool.close()


def _from_driver(error: Exception) -> StoreError:
    if isinstance(error, err.MySQLError):
        return translate(error)
    return StoreDownError("connection lost")


@dataclass(frozen=True, slots=True)
class _Server:
    """What a server says of itself: its largest packet in bytes, and its dialect's extra."""

    max_packet: int
    compound: bool
    full_text: bool


async def _server(address: dict[str, Any]) -> _Server:
    connection = await open_connection(address)
    try:
        rows = await select_rows(connection, "SELECT @@max_allowed_packet, VERSION()")
    finally:
        connection.close()
    packet, version = rows[0]
    return _Server(int(packet), "MariaDB" in version, NO_FULL_TEXT not in version)


def render(begin: str, batch: Batch) -> str:
    """Write a whole batch as one multi-statement text; `begin` is empty inside a transaction."""
    out = [begin] if begin else []
    out.extend(bound(text, args) for text, args in preamble(batch, DIALECT))
    for write, rows in batch.writes:
        if isinstance(write, Insert):
            values = ",".join([row_literal(row) for row in rows])
            out.append(write.head + values + write.tail[DIALECT])
        elif isinstance(write, Execute):
            out.extend(bound(*write.bound(DIALECT, row)) for row in rows)
    out.append("COMMIT")
    return ";".join(out)


def render_compound(begin: str, batch: Batch) -> str:
    """Write a whole batch as one statement, as only MariaDB takes it.

    It answers once instead of once a statement: each answer comes as a segment of its own
    and wakes the process (measured: 0.17 ms instead of 0.34 for a batch of one message).
    """
    return f"BEGIN NOT ATOMIC {render(begin, batch)};END"
