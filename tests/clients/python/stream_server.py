"""A server that sends what a test tells it to: for what a real one does too seldom."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import WSMsgType, web

from firn_client import Client, MemoryStore, Session, Transport
from tests.support.server import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

ROOM, ME = "!r:x", "@me:x"


def news(first: int, last: int, body: str = "") -> dict[str, Any]:
    """A sync body with these numbered messages; its token is the last number."""
    events = [
        {"type": "m.room.message", "event_id": f"${n}", "sender": "@y:x", "content": {"n": n}}
        for n in range(first, last + 1)
    ]
    joined = {ROOM: {"timeline": {"events": events, "limited": False}}}
    return {"next_batch": body or str(last), "rooms": {"join": joined}}


class Connection:
    """One socket of the client."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket = socket
        self.token = request.headers["Authorization"]
        self._request = request

    def abort(self) -> None:
        """Cut the connection."""
        assert self._request.transport is not None
        self._request.transport.abort()

    async def sync(self, seq: int, body: dict[str, Any]) -> None:
        """Send news."""
        await self.socket.send_str(json.dumps({"type": "sync", "seq": seq, "body": body}))

    async def acknowledged(self) -> int:
        """Wait for an acknowledgement."""
        while True:
            message = await self.socket.receive(10)
            assert message.type is WSMsgType.TEXT, message
            return int(json.loads(message.data)["seq"])

    async def close(self, code: int, errcode: str = "") -> None:
        """Close, with a reason if there is one."""
        if errcode:
            body = {"errcode": errcode, "error": "said the test", "retry_after_ms": 1}
            await self.socket.send_str(json.dumps({"type": "error", "body": body}))
        await self.socket.close(code=code)


@dataclass
class StreamServer:
    """Runs one script for each socket that the client opens; keeps what it was asked."""

    scripts: list[Callable[[Connection], Awaitable[None]]]
    status: int = 404
    asked: list[str] = field(default_factory=list)
    port: int = field(default_factory=free_port)

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def stream(self, request: web.Request) -> web.StreamResponse:
        """The handshake, then the next script."""
        since = request.query.get("since", "")
        if not self.scripts:
            self.asked.append(f"refused {since}")
            return web.json_response({"errcode": "M_UNRECOGNIZED"}, status=self.status)
        self.asked.append(f"stream {since}")
        socket = web.WebSocketResponse(protocols=("firn.v1",))
        await socket.prepare(request)
        await self.scripts.pop(0)(Connection(socket, request))
        return socket

    async def sync(self, request: web.Request) -> web.Response:
        """The long poll: three messages after the token."""
        since = request.query["since"]
        self.asked.append(f"poll {since}")
        return web.json_response(news(int(since) + 1, int(since) + 3))

    async def refresh(self, _request: web.Request) -> web.Response:
        """New tokens."""
        self.asked.append("refresh")
        return web.json_response({"access_token": "second", "refresh_token": "r2"})


@asynccontextmanager
async def client_of(
    *scripts: Callable[[Connection], Awaitable[None]],
    transport: Transport = Transport.AUTO,
    status: int = 404,
) -> AsyncIterator[tuple[Client, StreamServer]]:
    """A client with position 0 at a server with these scripts."""
    server = StreamServer(list(scripts), status)
    app = web.Application()
    app.router.add_get("/_firn/client/v1/stream", server.stream)
    app.router.add_get("/_matrix/client/v3/sync", server.sync)
    app.router.add_post("/_matrix/client/v3/refresh", server.refresh)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", server.port).start()
    store = MemoryStore()
    tokens = {"access_token": "first", "refresh_token": "r1"}
    await store.save(Session(user_id=ME, device_id="D", since="0", **tokens))
    try:
        async with Client(server.base, store=store, transport=transport) as client:
            yield client, server
    finally:
        await runner.cleanup()
