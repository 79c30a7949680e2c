"""From the native client's thread into the event loop."""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog

from homeserver.infrastructure.rocketmq.messages import MalformedError, frames_of, ping_moment
from homeserver.infrastructure.telemetry import bus as figures

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from homeserver.application.ports.clock import Clock

log = structlog.get_logger(__name__)
MOST_WAITING = 64 * 1024 * 1024
_A_TURN_S = 0.005
"""How long frames are handed over before the loop may do something else."""


class Inbox:
    """Wakes the loop once per burst; a loop that is held up loses the oldest messages."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        receive: Callable[[bytes], None],
        clock: Clock,
        heard: asyncio.Event,
    ) -> None:
        """Hand frames to `receive` in this loop; set `heard` with the first message."""
        self._loop = loop
        self._receive = receive
        self._clock = clock
        self._heard = heard
        self._lock = threading.Lock()
        self._waiting: deque[bytes] = deque()
        self._bytes = 0
        self._is_due = False
        self._is_closed = False
        self.last_heard = clock.monotonic()
        self.has_heard = False

    def put(self, body: bytes) -> None:
        """Take a message, in any thread; never raises."""
        with self._lock:
            self._waiting.append(body)
            self._bytes += len(body)
            while self._bytes > MOST_WAITING:
                self._bytes -= len(self._waiting.popleft())
            if self._is_due:
                return
            self._is_due = True
        with suppress(RuntimeError):  # the loop has closed: nobody listens any more
            self._loop.call_soon_threadsafe(self._hand_over)

    def close(self) -> None:
        """Hand nothing over any more."""
        self._is_closed = True

    def _hand_over(self) -> None:
        begun = self._clock.monotonic()
        while (body := self._next()) is not None:
            self._open(body)
            if self._clock.monotonic() - begun > _A_TURN_S:
                self._loop.call_soon(self._hand_over)
                return

    def _next(self) -> bytes | None:
        with self._lock:
            if not self._waiting or self._is_closed:
                self._is_due = self._is_closed
                return None
            body = self._waiting.popleft()
            self._bytes -= len(body)
            return body

    def _open(self, body: bytes) -> None:
        figures.received_messages.inc()
        self.last_heard = self._clock.monotonic()
        self.has_heard = True
        self._heard.set()
        sent = ping_moment(body)
        if sent is not None:
            figures.ping_seconds.set(max(0.0, self.last_heard - sent))
            return
        try:
            frames = frames_of(body)
        except MalformedError:
            figures.malformed_messages.inc()
            return
        figures.received_frames.inc(len(frames))
        for frame in frames:
            try:
                self._receive(frame)
            except Exception:
                log.exception("bus.receiver_failed")  # its contract says that it never does
