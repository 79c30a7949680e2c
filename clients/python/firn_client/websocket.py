"""Frames over a WebSocket, over aiohttp."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from firn_client import stream
from firn_client.calls.sync import STREAM
from firn_client.errors import FirnError, ProtocolError, refusal
from firn_client.http import ANSWER_SECONDS, failed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from firn_client.http import Http

HEARTBEAT_SECONDS = 25.0
# A gateway says these; the server itself refuses after the upgrade, with an error frame.
PASSING = (429, 500, 502, 503, 504)
READ_AHEAD = 16


class NoStreamError(FirnError):
    """Whoever answered knows no WebSocket here."""


class StreamEndedError(FirnError):
    """The socket was closed or broke."""

    def __init__(self, ending: stream.End, body: dict[str, object] | None) -> None:
        super().__init__(ending.value)
        self.ending = ending
        self.body = body


class Socket:
    """An open stream.

    A task of its own reads ahead, so that pings are answered while the events before are still
    being worked on; the server sends only few frames beyond those acknowledged.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._frames: asyncio.Queue[stream.Frame | FirnError] = asyncio.Queue(READ_AHEAD)

    async def frame(self) -> stream.SyncFrame:
        """The next news. Raises StreamEndedError, ProtocolError."""
        while True:
            found = await self._frames.get()
            if isinstance(found, FirnError):
                raise found
            if isinstance(found, stream.SyncFrame):
                return found

    async def acknowledge(self, seq: int) -> None:
        """Say that everything up to this frame was read; nothing where the socket is gone."""
        try:
            await self._socket.send_str(stream.ack(seq))
        except (aiohttp.ClientError, ConnectionError):
            return  # `frame` will say so

    async def read(self) -> None:
        """Read until the end of the socket."""
        last: dict[str, object] | None = None
        async for message in self._socket:
            if message.type is not aiohttp.WSMsgType.TEXT:
                continue
            try:
                frame = stream.decode(message.data)
            except ProtocolError as error:
                await self._frames.put(error)
                return
            if isinstance(frame, stream.ErrorFrame):
                last = frame.body
            elif frame is not None:
                await self._frames.put(frame)
        ending = stream.end(self._socket.close_code)
        await self._frames.put(StreamEndedError(ending, last))


@asynccontextmanager
async def open_stream(
    http: Http, server: str, token: str, query: dict[str, str]
) -> AsyncIterator[Socket]:
    """A stream at this server. Raises NoStreamError, MatrixError, ConnectionFailedError."""
    socket = await _connect(http, server, token, query)
    opened = Socket(socket)
    reading = asyncio.create_task(opened.read())
    try:
        yield opened
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
        await socket.close()


async def _connect(
    http: Http, server: str, token: str, query: dict[str, str]
) -> aiohttp.ClientWebSocketResponse:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            socket = await http.session.ws_connect(
                server + STREAM,
                params=query,
                protocols=(stream.SUBPROTOCOL,),
                headers={"Authorization": f"Bearer {token}"},
                heartbeat=HEARTBEAT_SECONDS,
                max_msg_size=0,
            )
    except aiohttp.WSServerHandshakeError as error:
        if error.status in PASSING:
            retry = error.headers.get("Retry-After") if error.headers else None
            raise refusal(error.status, {"error": str(error)}, retry) from error
        raise NoStreamError(str(error)) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        raise failed(error) from error
    if socket.protocol != stream.SUBPROTOCOL:
        await socket.close()
        raise NoStreamError("no subprotocol in common")
    return socket
