"""Raw HTTP connections to a server under test."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.support.spec import judge as spec
from tests.support.spec.watch import WATCH

if TYPE_CHECKING:
    from homeserver.presentation.app import HttpServer


@dataclass
class Answer:
    """A parsed response."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The JSON of the body."""
        return json.loads(self.body)

    @property
    def error(self) -> tuple[int, str]:
        """Status and errcode."""
        return self.status, self.json["errcode"]


@dataclass
class Wire:
    """One raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)

    async def receive(self, *, head_only: bool = False) -> Answer:
        """Read one response."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        length = 0 if head_only else int(headers.get("content-length", 0))
        return Answer(int(lines[0].split()[1]), headers, await self.reader.readexactly(length))

    async def ask(
        self, method: str, target: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        """Make one request and read its answer."""
        self.send(request_bytes(method, target, body, **headers))
        answer = await self.receive(head_only=method == "HEAD")
        kind = answer.headers.get("content-type", "")
        path = target.partition("?")[0]
        WATCH.saw(spec.Answer(method, path, answer.status, kind, answer.body))
        return answer

    async def at_end(self, seconds: float = 3.0) -> bool:
        """Whether the server closes the connection in time."""
        async with asyncio.timeout(seconds):
            return await self.reader.read(1) == b""


async def ask(
    port: int, method: str, target: str, body: bytes | None = None, **headers: str
) -> Answer:
    """Make one request to a local server, on a connection of its own."""
    wire = Wire(*await asyncio.open_connection("127.0.0.1", port))
    try:
        return await wire.ask(method, target, body, **headers)
    finally:
        wire.writer.close()


@dataclass
class Site:
    """A running server and the way to it."""

    server: HttpServer
    wires: list[Wire] = field(default_factory=list)

    async def connect(self) -> Wire:
        """Open a raw connection."""
        wire = Wire(*await asyncio.open_connection("127.0.0.1", self.server.port))
        self.wires.append(wire)
        return wire

    async def ask(
        self, method: str, target: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        """Make one request on a connection of its own."""
        wire = await self.connect()
        return await wire.ask(method, target, body, **headers)


def request_bytes(method: str, target: str, body: bytes | None = None, **headers: str) -> bytes:
    """Write a request down; underscores in header names are dashes."""
    lines = [f"{method} {target} HTTP/1.1", "Host: test"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")
