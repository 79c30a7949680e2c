"""A connection that speaks WebSocket: taken over from aiohttp after the handshake.

aiohttp keeps a parser, three tasks and the whole request for each WebSocket, some 10 KB more
than one of these. So its protocol is told that the connection is lost, forgets it, and the
transport goes on with ours.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from hashlib import sha1
from typing import TYPE_CHECKING, Final, Protocol

from aiohttp import web

from homeserver.presentation.stream.rfc6455 import FrameError, FrameReader, Message, Opcode, frame

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

    from homeserver.presentation.request import Request

CLOSE_SECONDS: Final = 2.0
"""How long a peer may take to answer a close frame."""
NO_CLOSE_FRAME: Final = 1006
_NO_CODE: Final = 1005
_ACCEPT: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Receiver(Protocol):
    """Hears what comes over a wire; neither method may raise or block."""

    def receive(self, message: Message) -> None:
        """A message, a ping (answered already), a pong or a fragment came."""
        ...

    def lost(self, code: int) -> None:
        """The connection has gone, with this close code."""
        ...


class Wire(asyncio.Protocol):
    """Reads and writes frames; nothing is read until it is released."""

    __slots__ = (
        "_close_timer",
        "_code",
        "_deaf",
        "_held",
        "_lost",
        "_reader",
        "_receiver",
        "_resumed",
        "_transport",
    )

    def __init__(self, transport: asyncio.Transport, max_size: int) -> None:
        """Take a transport over; `max_size` bounds a message, in bytes."""
        self._receiver: Receiver | None = None
        self._transport = transport
        self._reader = FrameReader(max_size)
        self._code = 0
        self._deaf = False
        self._lost = False
        self._held = True
        self._resumed: asyncio.Event | None = None
        self._close_timer: asyncio.TimerHandle | None = None
        transport.pause_reading()
        transport.set_protocol(self)

    # --- for the socket

    def attach(self, receiver: Receiver) -> None:
        """Tell a receiver what comes, and that the peer has gone: also where it has already."""
        self._receiver = receiver
        if self._lost:
            self._report()

    @property
    def unwritten(self) -> int:
        """Bytes that were written and that the kernel has not taken."""
        return self._transport.get_write_buffer_size()

    @property
    def is_stalled(self) -> bool:
        """Whether the peer leaves much of what was written."""
        return self._resumed is not None

    def write(self, opcode: Opcode, data: bytes) -> None:
        """Write a frame; nothing once the close frame is written or the peer has gone."""
        if not self._code and not self._transport.is_closing():
            self._transport.write(frame(opcode, data))

    async def drained(self) -> None:
        """Wait until the peer has taken most of what was written, or has gone."""
        while self._resumed is not None:
            await self._resumed.wait()

    def hold(self) -> None:
        """Read no further."""
        if not self._held and not self._transport.is_closing():
            self._held = True
            self._transport.pause_reading()

    def release(self) -> None:
        """Read on."""
        if self._held and not self._transport.is_closing():
            self._held = False
            self._transport.resume_reading()
            self._deliver()

    def close(self, code: int, last: bytes | None = None) -> None:
        """Write a last message and the close frame; the first call counts.

        Reading goes on until the peer's close frame, so that a reset does not overtake ours.
        """
        if self._code:
            return
        if last is not None:
            self.write(Opcode.TEXT, last)
        self.write(Opcode.CLOSE, code.to_bytes(2, "big"))
        self._code = code
        loop = asyncio.get_running_loop()
        self._close_timer = loop.call_later(CLOSE_SECONDS, self._cut)
        self.release()

    # --- asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        if not self._deaf:
            self._reader.feed(data)
            self._deliver()

    def pause_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        self._resumed = asyncio.Event()

    def resume_writing(self) -> None:
        """See `asyncio.BaseProtocol`."""
        if self._resumed is not None:
            self._resumed.set()
            self._resumed = None

    def connection_lost(self, _error: Exception | None) -> None:
        """See `asyncio.BaseProtocol`."""
        self.resume_writing()
        if self._close_timer is not None:
            self._close_timer.cancel()
        self._lost = True
        self._report()

    # ---

    def _report(self) -> None:
        receiver, self._receiver = self._receiver, None
        if receiver is not None:
            receiver.lost(self._code or NO_CLOSE_FRAME)

    def _deliver(self) -> None:
        try:
            while not self._held and (message := self._reader.next()) is not None:
                self._take(message)
        except FrameError as error:
            self._deaf = True
            self.close(error.code)

    def _take(self, message: Message) -> None:
        if message.opcode is Opcode.CLOSE:
            self._deaf = True
            if not self._code:
                self.write(Opcode.CLOSE, message.data[:2])
                self._code = int.from_bytes(message.data[:2], "big") or _NO_CODE
            self._cut()
        elif not self._code:
            if message.opcode is Opcode.PING:
                self.write(Opcode.PONG, message.data)
            if self._receiver is not None:
                self._receiver.receive(message)

    def _cut(self) -> None:
        """End the connection; what a peer that does not read has left is dropped."""
        if self.unwritten:
            self._transport.abort()
        else:
            self._transport.close()


class Upgraded(web.StreamResponse):
    """What aiohttp is given for a request whose connection it no longer has."""

    def __init__(self) -> None:
        """Only the status is looked at."""
        super().__init__(status=101)

    async def prepare(self, _request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write nothing."""

    async def write_eof(self, _data: bytes = b"") -> None:
        """Write nothing."""


def upgrade(request: Request, protocol: str) -> Wire:
    """Answer a handshake that was checked, and take the connection over.

    Raises ConnectionResetError where the client has gone.
    """
    connection, transport = request.raw.protocol, request.raw.transport
    if transport is None or transport.is_closing():
        raise ConnectionResetError("The client has gone")
    wire = Wire(transport, request.settings.max_body)
    connection.transport = None  # it would close it
    connection.connection_lost(None)
    key = request.headers["Sec-WebSocket-Key"].encode()
    accept = b64encode(sha1(key + _ACCEPT, usedforsecurity=False).digest()).decode()
    transport.write(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept}\r\nSec-WebSocket-Protocol: {protocol}\r\n\r\n".encode()
    )
    return wire
