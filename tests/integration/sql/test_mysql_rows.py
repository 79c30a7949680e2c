"""Our reader of MySQL's result sets gives what aiomysql gives."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import aiomysql
import pytest
import pytest_asyncio
from pymysql import err

from homeserver.infrastructure.sql.mysql_rows import select_rows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

NUMBERS = " UNION ALL ".join(f"SELECT {n} AS n" for n in range(40))
STATEMENTS = [
    "SELECT 1, -5, 9223372036854775807, NULL, x'00ff', 'text é', 1.5, 2e10",
    "SELECT x'', '', NULL, NULL",
    "SELECT 1 FROM (SELECT 1) t WHERE 1 = 0",
    f"SELECT SUM(n), COUNT(*), MAX(n), AVG(n) FROM ({NUMBERS}) t",
    f"SELECT a.n, CAST(REPEAT(x'ab', a.n * b.n) AS BINARY) FROM ({NUMBERS}) a, ({NUMBERS}) b",
    "SELECT CAST(REPEAT(x'cd', 250) AS BINARY), CAST(REPEAT(x'cd', 251) AS BINARY)",
    "SELECT CAST(REPEAT(x'cd', 65535) AS BINARY), CAST(REPEAT(x'cd', 65536) AS BINARY), 7",
    "SELECT CAST(REPEAT(x'cd', 3000000) AS BINARY), 7 UNION ALL SELECT x'01', 8",
]


@pytest_asyncio.fixture
async def connection() -> AsyncIterator[aiomysql.Connection]:
    """A plain connection of the driver."""
    url = os.environ.get("FIRN_TEST_MYSQL_URL")
    if not url:
        pytest.skip("FIRN_TEST_MYSQL_URL is not set (make services)")
    parts = urlsplit(url)
    opened = await aiomysql.connect(
        host=parts.hostname,
        port=parts.port or 3306,
        user=parts.username,
        password=parts.password,
        charset="utf8mb4",
    )
    yield opened
    opened.close()


async def by_driver(connection: aiomysql.Connection, statement: str) -> list[Any]:
    """What aiomysql makes of it."""
    async with connection.cursor() as cursor:
        await cursor.execute(statement)
        return list(await cursor.fetchall())


@pytest.mark.parametrize("statement", STATEMENTS)
async def test_rows_are_those_of_the_driver(
    connection: aiomysql.Connection, statement: str
) -> None:
    """Numbers, bytes, text, NULL, lengths of every width; and the connection stays usable."""
    expected = await by_driver(connection, statement)
    assert await select_rows(connection, statement) == expected
    assert await by_driver(connection, "SELECT 42") == [(42,)]
    assert await select_rows(connection, statement) == expected


async def test_a_row_beyond_one_packet_is_joined(connection: aiomysql.Connection) -> None:
    """Packets hold at most 2^24 - 1 bytes; longer rows come in several."""
    (allowed,) = (await by_driver(connection, "SELECT @@max_allowed_packet"))[0]
    size = min(1 << 24, allowed)
    parts = ", ".join([f"CAST(REPEAT(x'ee', {size // 2 - 100}) AS BINARY)"] * 3)
    rows = await select_rows(connection, f"SELECT {parts}, 5")
    assert [len(value) for value in rows[0][:3]] == [size // 2 - 100] * 3
    assert rows[0][3] == 5
    assert await select_rows(connection, "SELECT 1") == [(1,)]


async def test_errors_are_the_drivers(connection: aiomysql.Connection) -> None:
    """By number, and the connection can go on."""
    with pytest.raises(err.ProgrammingError) as raised:
        await select_rows(connection, "SELEC 1")
    assert raised.value.args[0] == 1064
    assert await select_rows(connection, "SELECT 1") == [(1,)]


async def test_the_transaction_status_is_followed(connection: aiomysql.Connection) -> None:
    """The pool looks at it before it lends a connection again."""
    await connection.begin()
    await select_rows(connection, "SELECT 1")
    assert connection.get_transaction_status()
    await connection.rollback()
    await select_rows(connection, "SELECT 1")
    assert not connection.get_transaction_status()


async def test_a_lost_connection_is_an_error(connection: aiomysql.Connection) -> None:
    """Never a short answer."""
    running = asyncio.ensure_future(select_rows(connection, "SELECT SLEEP(5)"))
    await asyncio.sleep(0.1)
    connection._writer.transport.abort()
    with pytest.raises((err.OperationalError, OSError)):
        await running
