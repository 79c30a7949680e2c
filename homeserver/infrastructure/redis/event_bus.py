"""A bus over Redis: a channel for each worker, for frames that somebody waits for."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from redis.exceptions import RedisError

from homeserver.infrastructure.frame_queue import LARGEST_FRAME, MOST_WAITING, FrameQueue
from homeserver.infrastructure.redis.link import RedisDownError
from homeserver.infrastructure.telemetry import bus as figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.clock import Clock
    from homeserver.infrastructure.redis.link import RedisLink

log = structlog.get_logger(__name__)
PING_EVERY_S = 0.5
DEAD_AFTER_S = 2.0
PATIENCE_S = 1.0
"""For a subscription, and at the end for what still waits to be sent."""
PAUSE_S = 0.25
AT_ONCE = 256 * 1024
"""Bytes of frames in one message, unless one frame alone is larger."""
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[bytes]).decode


class RedisEventBus:
    """`EventBus` over Redis' channels.

    It takes a fraction of a broker's time, and keeps nothing: a frame to a worker that does
    not listen at that moment is gone. What waits for one worker goes out as one message.
    """

    def __init__(self, link: RedisLink, clock: Clock, most_waiting: int = MOST_WAITING) -> None:
        """Let so many bytes wait for one worker; the link is closed by whoever made it."""
        self._link = link
        self._clock = clock
        self._most_waiting = most_waiting
        self._waiting: dict[str, FrameQueue] = {}
        self._sending: asyncio.Task[None] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()  # heard, or found that nothing can be heard yet
        self._heard_at: float | None = None
        self._is_closed = False

    async def start(self, worker: str, receive: Callable[[bytes], None]) -> None:
        """Subscribe, or keep trying."""
        listening = self._keep_listening(self._channel(worker), receive)
        self._listening = asyncio.create_task(listening, name="redis-bus")
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._settled.wait()

    def send(self, worker: str, frame: bytes) -> None:
        """Queue a frame; it leaves with what else waits for that worker."""
        if len(frame) > LARGEST_FRAME:
            figures.too_big_frames.inc()
        elif not self._is_closed:
            queue = self._waiting.get(worker)
            if queue is None:
                queue = self._waiting[worker] = FrameQueue(self._most_waiting)
            queue.push(frame)
            if self._sending is None:
                self._sending = asyncio.create_task(self._send(), name="redis-bus-out")

    def healthy(self) -> bool:
        """Whether Redis said anything on this worker's channel in the last two seconds."""
        heard_at = self._heard_at
        return heard_at is not None and self._clock.monotonic() - heard_at < DEAD_AFTER_S

    async def close(self) -> None:
        """Send what waits, hang up."""
        self._is_closed = True
        if self._sending is not None:
            await asyncio.wait((self._sending,), timeout=PATIENCE_S)
        for task in (self._sending, self._listening):
            if task is not None:
                task.cancel()
                await asyncio.wait((task,))
        self._heard_at = None

    def _channel(self, worker: str) -> str:
        return f"{self._link.prefix}frames:{worker}"

    async def _send(self) -> None:
        """Send to one worker after the other until nothing waits."""
        try:
            while self._waiting:
                worker = next(iter(self._waiting))
                queue = self._waiting.pop(worker)
                frames = queue.take(AT_ONCE)
                if queue:
                    self._waiting[worker] = queue  # behind the others
                await self._publish(worker, frames)
        finally:
            self._sending = None

    async def _publish(self, worker: str, frames: list[bytes]) -> None:
        try:
            await self._link.call("PUBLISH", self._channel(worker), _encode(frames))
        except RedisDownError:
            figures.lost_frames.inc(len(frames))  # the link has told the log
        else:
            figures.sent_frames.inc(len(frames))

    async def _keep_listening(self, channel: str, receive: Callable[[bytes], None]) -> None:
        """Subscribe again whenever it broke off."""
        while True:
            try:
                await self._listen(channel, receive)
            except* (RedisError, OSError) as errors:
                if self._heard_at is not None or not self._settled.is_set():
                    log.warning("redis_bus.lost", reason=str(errors.exceptions[0])[:200])
            self._heard_at = None
            self._settled.set()
            await asyncio.sleep(PAUSE_S)

    async def _listen(self, channel: str, receive: Callable[[bytes], None]) -> None:
        """Hand over what comes until the connection breaks or is silent."""
        subscription = self._link.subscription()
        try:
            async with asyncio.timeout(PATIENCE_S):
                await subscription.subscribe(channel)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read(subscription, receive))
                tasks.create_task(self._keep_asking(subscription))
        finally:
            await subscription.aclose()

    async def _read(self, subscription: Any, receive: Callable[[bytes], None]) -> None:
        async for message in subscription.listen():
            # The first one says that we are subscribed; others may be answers to pings.
            self._heard_at = self._clock.monotonic()
            self._settled.set()
            if message["type"] == "message":
                _hand_over(message["data"], receive)

    async def _keep_asking(self, subscription: Any) -> None:
        """A Redis that hangs, or is gone without a word, says nothing."""
        begun = self._clock.monotonic()
        while self._clock.monotonic() - (self._heard_at or begun) < DEAD_AFTER_S:
            await asyncio.sleep(PING_EVERY_S)
            await subscription.ping()
        raise TimeoutError("silent")


def _hand_over(message: bytes, receive: Callable[[bytes], None]) -> None:
    try:
        frames = _decode(message)
    except msgspec.DecodeError:
        figures.malformed_messages.inc()
        return
    figures.received_frames.inc(len(frames))
    for frame in frames:
        try:
            receive(frame)
        except Exception:
            log.exception("redis_bus.receiver_failed")  # its contract says that it never does
