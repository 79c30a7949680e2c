"""A client of the WebSocket stream for tests."""

from __future__ import annotations

import asyncio
import base64
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import aiohttp

from tests.support.spec.judge import Answer
from tests.support.spec.watch import WATCH

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.support.client import Device

PATH = "/_firn/client/v1/stream"
SYNC = "/_matrix/client/v3/sync"
PROTOCOL = "firn.v1"
SECONDS = 10.0


@dataclass
class Closed(Exception):  # noqa: N818 (what became of a socket)
    """The server closed: its code, and the error frame before it."""

    code: int | None
    error: dict[str, Any]

    @property
    def errcode(self) -> str:
        """The Matrix error code."""
        return str(self.error.get("errcode", ""))


@dataclass
class Socket:
    """One open socket of a device; sync frames that came while it waited for others are kept."""

    device: Device
    raw: aiohttp.ClientWebSocketResponse
    frames: list[dict[str, Any]] = field(default_factory=list)
    last_seq: int = 0
    _ids: count[int] = field(default_factory=lambda: count(1))

    async def receive(self) -> dict[str, Any]:
        """The next frame of whatever type; Closed where there is none."""
        error: dict[str, Any] = {}
        while True:
            message = await self.raw.receive(SECONDS)
            if message.type is not aiohttp.WSMsgType.TEXT:
                raise Closed(self.raw.close_code, error)
            frame: dict[str, Any] = json.loads(message.data)
            if frame["type"] == "error":
                error = frame["body"]
                continue
            assert not error, "a frame after the error"
            if frame["type"] == "sync":
                assert frame["seq"] == self.last_seq + 1
                self.last_seq = frame["seq"]
                body = json.dumps(frame["body"]).encode()
                WATCH.saw(Answer("GET", SYNC, 200, "application/json", body))
            return frame

    async def sync(self, *, ack: bool = True) -> dict[str, Any]:
        """The body of the next sync frame, taken in by the device."""
        frame = self.frames.pop(0) if self.frames else await self.receive()
        while frame["type"] != "sync":  # an answer that nobody waits for
            frame = await self.receive()
        self.device.take_in(frame["body"])
        if ack:
            await self.send(type="ack", seq=frame["seq"])
        body: dict[str, Any] = frame["body"]
        return body

    async def until(self, done: Callable[[], bool]) -> None:
        """Take in frames until something holds."""
        async with asyncio.timeout(SECONDS):
            while not done():
                await self.sync()

    async def send(self, **frame: Any) -> None:
        """Write a frame."""
        await self.raw.send_str(json.dumps(frame))

    async def ask(self, **frame: Any) -> dict[str, Any]:
        """Write a request and give its response, or pong."""
        frame.setdefault("id", f"q{next(self._ids)}")
        await self.send(**frame)
        return await self.answer(frame["id"])

    async def answer(self, asked: str | int) -> dict[str, Any]:
        """The response to a request that was written."""
        while True:
            found = await self.receive()
            if found["type"] == "sync":
                self.frames.append(found)
            elif found.get("id") == asked:
                return found

    async def say(self, room: str, text: str, txn: str | None = None) -> str:
        """Send a message; returns its event id."""
        number = next(self._ids)
        answer = await self.ask(
            type="send",
            room_id=room,
            event_type="m.room.message",
            txn_id=txn or f"ws{id(self)}-{number}",
            content={"msgtype": "m.text", "body": text},
        )
        assert answer["status"] == 200, answer
        return str(answer["body"]["event_id"])

    async def closed(self) -> Closed:
        """How the server closes, whatever comes before that."""
        try:
            while True:
                await self.receive()
        except Closed as closed:
            return closed


@asynccontextmanager
async def streaming(
    device: Device,
    *,
    since: str | None = None,
    browser: bool = False,
    protocols: tuple[str, ...] = (PROTOCOL,),
    **query: Any,
) -> AsyncIterator[Socket]:
    """Open a socket, by default with the device's token in the header and from its `since`."""
    wanted = {"since": since or device.since, **query}
    headers = {}
    if browser:
        token = base64.urlsafe_b64encode(device.token.encode()).decode().rstrip("=")
        protocols = (*protocols, f"firn.token.{token}")
        headers["Origin"] = "https://chat.example"
    elif device.token:
        headers["Authorization"] = f"Bearer {device.token}"
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(
            device.base + PATH,
            params={k: v for k, v in wanted.items() if v is not None},
            headers=headers,
            protocols=protocols,
            max_msg_size=0,
        ) as raw,
    ):
        assert raw.protocol == PROTOCOL
        yield Socket(device, raw)
