"""One open socket: aiohttp's WebSocket moved by a `Session`.

Two tasks: the handler's own reads frames, the other follows /sync and writes what is new.
Whoever wants the socket closed calls `end`; the close frame is written, and reading goes on
until the peer's, so that ours is not lost to a reset.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from aiohttp import ClientError, WSMsgType

from homeserver.domain.shared.errors import MatrixError
from homeserver.infrastructure.telemetry.metrics import count_close, count_frame
from homeserver.presentation.middleware.errors import refusal_of
from homeserver.presentation.stream.close_codes import CloseCode
from homeserver.presentation.stream.frames import error_frame
from homeserver.presentation.stream.pulse import PING_SECONDS
from homeserver.presentation.stream.requests import Observation
from homeserver.presentation.stream.session import (
    Action,
    Bye,
    Do,
    Knock,
    Say,
    Session,
    refusal,
    response,
)
from homeserver.presentation.stream.under_way import UnderWay

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.web import BaseRequest, WebSocketResponse

    from homeserver.application.requester import Requester
    from homeserver.application.sync.context import SyncRequest
    from homeserver.application.sync.sync import Answer
    from homeserver.presentation.stream.frames import Request
    from homeserver.presentation.stream.requests import StreamRequests
    from homeserver.presentation.stream.sockets import Sockets

REFRESH_SECONDS: Final = 300.0
"""After so long without news a frame is sent all the same."""
FIRST_SECONDS: Final = 10.0
"""How long the first token may be ahead of this worker."""
CLOSE_SECONDS: Final = 2.0
_PING = b"\x89\x00"
_DATA = frozenset({WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING, WSMsgType.PONG})
_GONE = (ConnectionError, ClientError)
_UNAUTHORIZED = 401


@dataclass(frozen=True, slots=True)
class Work:
    """What all sockets work with."""

    sync: Callable[[Requester, SyncRequest], Awaitable[Answer]]
    requests: StreamRequests
    sockets: Sockets


class Socket:
    """See `OpenSocket`; `run` is its life."""

    __slots__ = (
        "_ending",
        "_loop",
        "_raw",
        "_requester",
        "_session",
        "_timer",
        "_under_way",
        "_window_moved",
        "_work",
        "_ws",
    )

    def __init__(
        self, work: Work, requester: Requester, raw: BaseRequest, ws: WebSocketResponse[bool]
    ) -> None:
        """Take a socket over whose handshake is done and whose client is known."""
        self._work = work
        self._requester = requester
        self._raw = raw
        self._ws = ws
        self._loop = asyncio.get_running_loop()
        self._session = Session(self._allow)
        self._under_way = UnderWay()
        self._ending: asyncio.Task[None] | None = None
        self._window_moved: asyncio.Future[None] | None = None
        self._timer = self._loop.call_later(PING_SECONDS, self._tick)

    @property
    def user_nid(self) -> int:
        """See `OpenSocket.user_nid`."""
        return self._requester.user_nid

    async def run(self, wanted: SyncRequest) -> None:
        """Serve until the socket is closed; what was requested is carried out in any case."""
        follower = asyncio.create_task(self._follow(wanted))
        try:
            await self._listen()
        finally:
            self._timer.cancel()
            follower.cancel()
            await self._hang_up()
            await asyncio.wait({follower})
            await self._under_way.finish()

    async def check(self) -> None:
        """See `OpenSocket.check`."""
        try:
            await self._work.requests.sessions.check_session(self._requester)
        except MatrixError as error:
            self.refuse(error)

    def drain(self) -> None:
        """See `OpenSocket.drain`."""
        self._wake()

    def refuse(self, error: MatrixError) -> None:
        """See `OpenSocket.refuse`."""
        self.end(refusal(error))

    def end(self, bye: Bye) -> None:
        """Close; the first reason counts."""
        if self._ending is None:
            count_close(bye.code)
            self._ending = asyncio.create_task(self._close(bye))

    # --- from the client

    async def _listen(self) -> None:
        while True:
            message = await self._ws.receive()
            if message.type not in _DATA:
                return
            if self._ending is None:
                action = self._take(message.type, message.data)
                if action is not None:
                    await self._act(action)
                if message.type is WSMsgType.PING and self._ending is None:
                    await self._write(WSMsgType.PONG, message.data)

    def _take(self, kind: WSMsgType, data: bytes) -> Action | None:
        count_frame("in", kind.name.lower())
        if kind is WSMsgType.TEXT:
            action = self._session.text(data, self._loop.time())
            if self._session.window.is_open:
                self._wake()
            return action
        return self._session.binary() if kind is WSMsgType.BINARY else self._session.control()

    async def _act(self, action: Action) -> None:
        match action:
            case Say():
                await self._say(action)
            case Do(request):
                await self._under_way.start(request.room_id, partial(self._respond, request))
            case Knock():
                if self._raw.transport is not None:
                    self._raw.transport.write(_PING)
            case Bye():
                self.end(action)

    async def _respond(self, request: Request) -> None:
        answered = await self._work.requests(self._requester, request)
        await self._say(response(request.id, answered.status, answered.body))
        if answered.status == _UNAUTHORIZED:
            self.end(Bye(CloseCode.UNKNOWN_TOKEN, error_frame(answered.body)))

    def _allow(self) -> int | None:
        return self._work.requests.limiter.check(self._requester.user_id, "stream_frames")

    # --- to the client

    async def _follow(self, wanted: SyncRequest) -> None:
        """Write a frame whenever something is new and the window open."""
        observation = Observation("stream/sync")
        try:
            await self._follow_sync(wanted, observation)
        except Exception as error:  # noqa: BLE001 (the one table of failures decides)
            self.refuse(refusal_of(observation, error))

    async def _follow_sync(self, wanted: SyncRequest, observation: Observation) -> None:
        loop, observer = self._loop, self._work.requests.observer
        refresh_at = loop.time() + REFRESH_SECONDS
        patience = FIRST_SECONDS
        while await self._may_write():
            observer.begin(observation)
            asked = replace(wanted, timeout_ms=int(patience * 1000))
            answer = await self._work.sync(self._requester, asked)
            await self._work.requests.sessions.check_session(self._requester)
            if answer.has_news or loop.time() >= refresh_at:
                await self._say(self._session.news(answer.body, loop.time()))
                refresh_at = loop.time() + REFRESH_SECONDS
            if self._work.sockets.draining:
                break
            wanted = replace(wanted, since=answer.token, full_state=False)
            patience = max(refresh_at - loop.time(), 0.0)
        self.end(Bye(CloseCode.GOING_AWAY))

    async def _may_write(self) -> bool:
        """Wait for the window to open; False where the worker stops before that."""
        while not self._session.window.is_open:
            if self._work.sockets.draining:
                return False
            self._window_moved = self._loop.create_future()
            await self._window_moved
        return True

    def _wake(self) -> None:
        waiter, self._window_moved = self._window_moved, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _say(self, say: Say) -> None:
        count_frame("out", say.kind)
        await self._write(WSMsgType.TEXT, say.data)

    async def _write(self, kind: WSMsgType, data: bytes) -> None:
        """Write, and wait until the client has taken most of it; nothing where it has gone."""
        with suppress(*_GONE):
            await self._ws.send_frame(data, kind)
            await self._raw.writer.drain()

    # --- the end

    def _tick(self) -> None:
        transport = self._raw.transport
        if transport is None or self._ending is not None:
            return
        self._timer = self._loop.call_later(PING_SECONDS, self._tick)
        action = self._session.tick(self._loop.time(), transport.get_write_buffer_size())
        if isinstance(action, Knock):
            transport.write(_PING)
        elif isinstance(action, Bye):
            self.end(action)

    async def _close(self, bye: Bye) -> None:
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if bye.code is CloseCode.GOING_AWAY:
                    await self._under_way.finish()
                if bye.last is not None:
                    await self._write(WSMsgType.TEXT, bye.last)
                await self._write(WSMsgType.CLOSE, bye.code.to_bytes(2, "big"))
                await asyncio.Event().wait()  # for the peer's close frame: `_listen` ends then
        except TimeoutError:
            self._cut()

    async def _hang_up(self) -> None:
        if self._ending is None:
            count_close(self._ws.close_code or CloseCode.NORMAL)
            await self._ws.close(drain=False)
        else:
            self._ending.cancel()
            await asyncio.wait({self._ending})
        self._cut()

    def _cut(self) -> None:
        """Close the connection; what a peer that does not read has left is dropped."""
        transport = self._raw.transport
        if transport is None:
            return
        if transport.get_write_buffer_size():
            transport.abort()
        else:
            transport.close()
