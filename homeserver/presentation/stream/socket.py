"""One open socket: a wire moved by a `Session`.

Frames come by callback; one task follows /sync and writes what is new, and each request
runs in one of its own. Whoever wants the socket closed calls `end`.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from homeserver.domain.shared.errors import MatrixError
from homeserver.infrastructure.telemetry.metrics import count_close, count_frame
from homeserver.presentation.middleware.errors import refusal_of
from homeserver.presentation.stream.close_codes import CloseCode
from homeserver.presentation.stream.frames import error_frame
from homeserver.presentation.stream.pulse import PING_SECONDS
from homeserver.presentation.stream.requests import Observation
from homeserver.presentation.stream.rfc6455 import Opcode
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
from homeserver.presentation.stream.wire import CLOSE_SECONDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.requester import Requester
    from homeserver.application.sync.context import SyncRequest
    from homeserver.application.sync.sync import Answer
    from homeserver.presentation.stream.frames import Request
    from homeserver.presentation.stream.requests import StreamRequests
    from homeserver.presentation.stream.rfc6455 import Message
    from homeserver.presentation.stream.sockets import Sockets
    from homeserver.presentation.stream.wire import Wire

REFRESH_SECONDS: Final = 300.0
"""After so long without news a frame is sent all the same."""
FIRST_SECONDS: Final = 10.0
"""How long the first token may be ahead of this worker."""
_UNAUTHORIZED = 401
_SYNC = Observation("stream/sync")


@dataclass(frozen=True, slots=True)
class Work:
    """What all sockets work with.

    `received` is told how far the messages to a device have arrived.
    """

    sync: Callable[[Requester, SyncRequest], Awaitable[Answer]]
    received: Callable[[Requester, int], None]
    requests: StreamRequests
    sockets: Sockets


class Socket:
    """See `OpenSocket` and `Receiver`; `follow` is its task."""

    __slots__ = (
        "_follower",
        "_loop",
        "_requester",
        "_session",
        "_timer",
        "_under_way",
        "_window_moved",
        "_wire",
        "_work",
    )

    def __init__(self, work: Work, requester: Requester, wire: Wire) -> None:
        """Take over a wire whose client is known. In the task that will follow."""
        self._work = work
        self._requester = requester
        self._wire = wire
        self._loop = asyncio.get_running_loop()
        self._session = Session(self._allow)
        self._under_way: UnderWay | None = None
        self._window_moved: asyncio.Future[None] | None = None
        self._follower = asyncio.current_task()
        self._timer = self._loop.call_later(PING_SECONDS, self._tick)

    @property
    def user_nid(self) -> int:
        """See `OpenSocket.user_nid`."""
        return self._requester.user_nid

    @property
    def of_service(self) -> bool:
        """See `OpenSocket.of_service`."""
        return self._requester.appservice is not None

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
        self._wire.close(bye.code, bye.last)

    def lost(self, code: int) -> None:
        """See `Receiver.lost`; what was requested is carried out nevertheless."""
        count_close(code)
        self._timer.cancel()
        self._work.sockets.remove(self)
        if self._follower is not None:
            self._follower.cancel()

    # --- from the client

    def receive(self, message: Message) -> None:
        """See `Receiver.receive`."""
        count_frame("in", message.opcode.name.lower())
        action = self._take(message)
        match action:
            case Say():
                self._say(action)
            case Do(request):
                self._start(request)
            case Bye():
                self.end(action)
        if self._wire.is_stalled:  # what is asked for costs us, and the answers are not read
            self._wire.hold()
            self._work.sockets.spawn(self._read_on_later())

    def _take(self, message: Message) -> Action | None:
        if message.opcode is Opcode.TEXT:
            window = self._session.window
            received = window.received
            action = self._session.text(message.data, self._loop.time())
            if window.received > received:
                self._work.received(self._requester, window.received)
            if window.is_open:
                self._wake()
            return action
        if message.opcode is Opcode.BINARY:
            return self._session.binary()
        return self._session.control()

    def _start(self, request: Request) -> None:
        if self._under_way is None:
            self._under_way = UnderWay(self._work.sockets.spawn, self._read_on)
        self._under_way.start(request.room_id, partial(self._respond, request))
        if self._under_way.is_full:
            self._wire.hold()

    async def _respond(self, request: Request) -> None:
        answered = await self._work.requests(self._requester, request)
        self._say(response(request.id, answered.status, answered.body))
        if answered.status == _UNAUTHORIZED:
            self.end(Bye(CloseCode.UNKNOWN_TOKEN, error_frame(answered.body)))
        await self._wire.drained()

    def _read_on(self) -> None:
        full = self._under_way is not None and self._under_way.is_full
        if not full and not self._wire.is_stalled and not self._work.sockets.draining:
            self._wire.release()

    async def _read_on_later(self) -> None:
        await self._wire.drained()
        self._read_on()

    def _allow(self) -> int | None:
        return self._work.requests.wait_ms(self._requester, "stream_frames")

    # --- to the client

    async def follow(self, wanted: SyncRequest) -> None:
        """Write a frame whenever something is new and the window open."""
        self._wire.release()
        try:
            await self._follow(wanted)
        except Exception as error:  # noqa: BLE001 (the one table of failures decides)
            self.refuse(refusal_of(_SYNC, error))

    async def _follow(self, wanted: SyncRequest) -> None:
        loop, requests = self._loop, self._work.requests
        refresh_at = loop.time() + REFRESH_SECONDS
        patience = FIRST_SECONDS
        while await self._may_write():
            requests.observer.begin(_SYNC)
            asked = wanted._replace(timeout_ms=int(patience * 1000))
            answer = await self._work.sync(self._requester, asked)
            await requests.sessions.check_session(self._requester)
            if answer.has_news or loop.time() >= refresh_at:
                self._say(self._session.news(answer.body, loop.time(), answer.inbox))
                refresh_at = loop.time() + REFRESH_SECONDS
            wanted = wanted._replace(since=answer.token, full_state=False, confirms=False)
            patience = max(refresh_at - loop.time(), 0.0)
            if self._work.sockets.draining:
                break
            del asked, answer
            await self._wire.drained()
        await self._finish()

    async def _finish(self) -> None:
        """The worker stops: answer what was requested, then close."""
        self._wire.hold()
        if self._under_way is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_SECONDS):
                    await self._under_way.finish()
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

    def _say(self, say: Say) -> None:
        count_frame("out", say.kind)
        self._wire.write(Opcode.TEXT, say.data)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(PING_SECONDS, self._tick)
        action = self._session.tick(self._loop.time(), self._wire.unwritten)
        if isinstance(action, Knock):
            self._wire.write(Opcode.PING, b"")
        elif isinstance(action, Bye):
            self.end(action)
