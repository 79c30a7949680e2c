"""Requests to services: whose token they carry, and what is made of every kind of answer."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from homeserver.application.ports.service_client import (
    Call,
    ServiceAwayError,
    ServiceSlowError,
)
from homeserver.domain.appservices.registration import Registration
from homeserver.infrastructure.http.service_client import MAX_ANSWER, HttpServiceClient
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

SECONDS = 5.0


@dataclass
class Site:
    """A server that answers as it is told to."""

    answer: Callable[[web.Request], Awaitable[web.Response]]
    port: int = field(default_factory=free_port)
    seen: list[web.Request] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        """Note the request."""
        self.seen.append(request)
        return await self.answer(request)

    @property
    def service(self) -> Registration:
        """The service that it is, below a path."""
        return Registration("x", f"http://127.0.0.1:{self.port}/base", b"", "hs", "@x:firn.test")


@asynccontextmanager
async def site(
    answer: Callable[[web.Request], Awaitable[web.Response]],
) -> AsyncIterator[tuple[Site, HttpServiceClient]]:
    """A server, and a client for it."""
    one, client = Site(answer), HttpServiceClient()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", one.handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", one.port).start()
    try:
        yield one, client
    finally:
        await client.close()
        await runner.cleanup()


async def test_a_request_has_the_token_the_encoded_path_the_query_and_the_body() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"got": await request.json()})

    async with site(answer) as (one, client):
        call = Call("PUT", "/users/%40a%2Fb", query={"q": "x & y/ü"}, body=b'{"n":1}')
        reply = await client(one.service, call, SECONDS)
    assert (reply.status, reply.ok, reply.body) == (200, True, b'{"got": {"n": 1}}')
    (request,) = one.seen
    assert request.raw_path.partition("?")[0] == "/base/_matrix/app/v1/users/%40a%2Fb"
    assert dict(request.query) == {"q": "x & y/ü"}
    assert request.headers["Authorization"] == "Bearer hs"
    assert request.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "text", "asks_again"),
    [
        (404, '{"errcode":"M_UNRECOGNIZED"}', True),
        (404, "not found", True),
        (500, "", True),
        (404, '{"errcode":"M_NOT_FOUND"}', False),
        (200, "no JSON", False),
    ],
)
async def test_the_older_path_is_for_services_that_do_not_know_the_newer(
    status: int, text: str, *, asks_again: bool
) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/base/old":
            return web.Response(text="{}")
        return web.Response(status=status, text=text)

    async with site(answer) as (one, client):
        reply = await client(one.service, Call("GET", "/new", legacy="/old"), SECONDS)
    assert [request.path for request in one.seen][1:] == ["/base/old"] * asks_again
    assert reply.status == (200 if asks_again else status)


async def test_a_redirect_carries_the_token_nowhere() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with site(answer) as (one, client):
        reply = await client(one.service, Call("GET", "/x"), SECONDS)
    assert (reply.status, reply.ok, len(one.seen)) == (302, False, 1)


async def test_an_answer_without_end_is_no_answer() -> None:
    async def answer(_request: web.Request) -> web.Response:
        return web.Response(body=b"x" * (MAX_ANSWER + 1))

    async with site(answer) as (one, client):
        with pytest.raises(ServiceAwayError):
            await client(one.service, Call("GET", "/x"), SECONDS)


async def test_silence_and_nobody() -> None:
    never = asyncio.Event()

    async def answer(_request: web.Request) -> web.Response:
        await never.wait()
        return web.Response()

    async with site(answer) as (one, client):
        with pytest.raises(ServiceSlowError):
            await client(one.service, Call("GET", "/x"), 0.1)
        never.set()
    alone = HttpServiceClient()
    with pytest.raises(ServiceAwayError):
        await alone(one.service, Call("GET", "/x"), SECONDS)
    await alone.close()
