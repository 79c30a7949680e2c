"""Connections are lent, kept, and never lost."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.mysql_pool import ConnectionPool
from homeserver.infrastructure.sql.mysql_rows import run_statements, select_rows
from tests.support.databases import address_of
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest_asyncio.fixture
async def pool() -> AsyncIterator[ConnectionPool]:
    """Two connections at most."""
    opened = ConnectionPool({**address_of(require_service("mysql")), "autocommit": True}, 2)
    yield opened
    opened.close()


async def test_the_last_one_given_back_goes_out_first(pool: ConnectionPool) -> None:
    one, two = await pool.take(), await pool.take()
    pool.give_back(two)
    pool.give_back(one)
    assert await pool.take() is one
    assert await pool.take() is two


async def test_a_taker_waits_while_all_are_lent(pool: ConnectionPool) -> None:
    one, _ = await pool.take(), await pool.take()
    third = asyncio.create_task(pool.take())
    await asyncio.sleep(0.05)
    assert not third.done()
    pool.give_back(one)
    assert await third is one


async def test_an_open_transaction_is_not_lent_again(pool: ConnectionPool) -> None:
    one = await pool.take()
    await run_statements(one, "BEGIN;SELECT 1")
    pool.give_back(one)
    assert one.closed
    assert await pool.take() is not one


async def test_a_connection_that_the_server_ended_is_not_lent_again(pool: ConnectionPool) -> None:
    one, two = await pool.take(), await pool.take()
    ((number,),) = await select_rows(one, "SELECT CONNECTION_ID()")
    pool.give_back(one)
    await run_statements(two, f"KILL {number}")
    await asyncio.sleep(0.1)
    three = await pool.take()
    assert three is not one
    assert await select_rows(three, "SELECT 1") == [(1,)]


async def test_closing_ends_all_of_them(pool: ConnectionPool) -> None:
    one, two = await pool.take(), await pool.take()
    pool.give_back(one)
    pool.close()
    assert one.closed
    assert two.closed
    pool.give_back(two)
    with pytest.raises(StoreDownError):
        await pool.take()


@asynccontextmanager
async def _mute_server() -> AsyncIterator[tuple[int, asyncio.Event, asyncio.Event]]:
    """A server that never says hello: its port, somebody came, somebody left."""
    came, left = asyncio.Event(), asyncio.Event()

    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(hang, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], came, left


async def test_a_cancelled_opening_leaves_no_connection_and_frees_its_place() -> None:
    async with _mute_server() as (port, came, left):
        pool = ConnectionPool({"host": "127.0.0.1", "port": port}, 1)
        for _ in range(2):  # the second would wait for ever if the place were lost
            came.clear()
            left.clear()
            taking = asyncio.create_task(pool.take())
            await asyncio.wait_for(came.wait(), 5)
            taking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await taking
            await asyncio.wait_for(left.wait(), 5)
        pool.close()
