"""Calls that fail on their way: what is repeated, where, and under which transaction id."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from firn_client import (
    Client,
    ConnectionFailedError,
    MatrixError,
    MemoryStore,
    Session,
    UnknownTokenError,
)
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

ROOM = "!r:x"


class Server:
    """Answers each request with the next of `answers`, then with the last of them."""

    def __init__(self, *answers: Callable[[web.Request], web.StreamResponse]) -> None:
        self.answers = list(answers)
        self.paths: list[str] = []
        self.base = ""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Note the path and answer."""
        self.paths.append(request.path)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return answer(request)


def sent(_request: web.Request) -> web.Response:
    return web.json_response({"event_id": "$e", "room_id": ROOM})


def gone(_request: web.Request) -> web.Response:
    return web.Response(status=502, text="<html>bad gateway</html>", content_type="text/html")


def limited(_request: web.Request) -> web.Response:
    return web.json_response({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 300}, status=429)


def unknown(request: web.Request) -> web.Response:
    """No access token is good, but there is always another."""
    if request.path.endswith("/refresh"):
        return web.json_response({"access_token": "t2"})
    return web.json_response({"errcode": "M_UNKNOWN_TOKEN"}, status=401)


def lost(request: web.Request) -> web.Response:
    """The request was carried out, and the connection breaks before the answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


@asynccontextmanager
async def client_of(*servers: Server, patience: float = 10.0) -> AsyncIterator[Client]:
    """A logged-in client with these servers."""
    runners = []
    for server in servers:
        app = web.Application()
        app.router.add_route("*", "/{rest:.*}", server.handle)
        runners.append(web.AppRunner(app, shutdown_timeout=0.1))
        await runners[-1].setup()
        port = free_port()
        await web.TCPSite(runners[-1], "127.0.0.1", port).start()
        server.base = f"http://127.0.0.1:{port}"
    store = MemoryStore()
    await store.save(Session(user_id="@me:x", device_id="D", access_token="t", refresh_token="r"))
    try:
        bases = [server.base for server in servers]
        async with Client(bases, store=store, patience=patience) as client:
            yield client
    finally:
        for runner in runners:
            await runner.cleanup()


async def test_a_send_whose_answer_was_lost_has_the_same_transaction_id_again() -> None:
    server = Server(lost, gone, lost, sent)
    async with client_of(server) as client:
        assert await client.room(ROOM).send_text("once") == "$e"
        assert len(server.paths) >= 4
        assert len(set(server.paths)) == 1
        await client.room(ROOM).send_text("another")
        assert len(set(server.paths)) == 2


async def test_a_room_is_not_made_twice() -> None:
    for failure in (lost, gone):
        server = Server(failure, sent)
        async with client_of(server) as client:
            with pytest.raises((ConnectionFailedError, MatrixError)):
                await client.create_room()
            assert len(server.paths) == 1


async def test_a_gateway_without_its_server_is_left_for_another_at_once() -> None:
    bad, good = Server(gone), Server(sent)
    async with client_of(bad, good) as client, asyncio.timeout(2):
        for _ in range(3):
            await client.room(ROOM).send_text("x")
        assert (len(bad.paths), len(good.paths)) == (1, 3)


async def test_a_rate_limit_is_waited_for_and_is_no_reason_to_leave() -> None:
    busy, other = Server(limited, sent), Server(sent)
    loop = asyncio.get_running_loop()
    async with client_of(busy, other) as client:
        began = loop.time()
        await client.create_room()
        assert loop.time() - began >= 0.3
        assert (len(busy.paths), len(other.paths)) == (2, 0)


async def test_patience_ends() -> None:
    server = Server(gone)
    async with client_of(server, patience=0.5) as client:
        with pytest.raises(MatrixError) as failure:
            await client.room(ROOM).send_text("x")
        assert failure.value.status == 502
        assert len(server.paths) > 1


async def test_a_token_is_renewed_once_and_then_given_up() -> None:
    server = Server(unknown)
    async with client_of(server) as client:
        with pytest.raises(UnknownTokenError):
            await client.joined_rooms()
        assert [path.rpartition("/")[2] for path in server.paths] == [
            "joined_rooms",
            "refresh",
            "joined_rooms",
        ]
