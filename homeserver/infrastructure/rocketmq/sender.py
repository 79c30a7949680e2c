"""One thread that sends, for all targets of a process.

One, because several would reorder; a queue per target, because a dead one must hold up nobody.
What waits for a target when its turn comes goes as one message.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from homeserver.infrastructure.frame_queue import LARGEST_FRAME, MOST_WAITING, FrameQueue
from homeserver.infrastructure.rocketmq import messages
from homeserver.infrastructure.telemetry import bus as figures

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.ports.clock import Clock
    from homeserver.infrastructure.rocketmq.producer import Producer

log = structlog.get_logger(__name__)
LARGEST_BUNDLE = 256 * 1024
"""Bytes of frames in one message, where a single frame is not larger."""
FIRST_PAUSE_S = 0.01
LONGEST_PAUSE_S = 0.5
GIVE_UP_S = 10.0
"""A target that failed for so long is forgotten; its frames would be of no use any more."""


@dataclass(slots=True)
class _Target:
    """What waits for one topic, and how it has been going."""

    topic: str
    frames: FrameQueue
    ping: bytes | None = None
    pause_s: float = 0.0
    due: float = 0.0
    failing_since: float | None = None


@dataclass(slots=True)
class _Job:
    """One message on its way; a ping has no frames."""

    target: _Target
    body: bytes
    frames: list[bytes] = field(default_factory=list)


class Sender:
    """Takes frames from any thread without waiting and sends them from its own."""

    def __init__(
        self,
        connect: Callable[[], Producer],
        clock: Clock,
        most_waiting: int = MOST_WAITING,
    ) -> None:
        """Connect in the thread that sends; let so many bytes wait for one target."""
        self._connect = connect
        self._clock = clock
        self._most_waiting = most_waiting
        self._targets: dict[str, _Target] = {}  # in the order of their turns
        self._changed = threading.Condition()
        self._deadline: float | None = None  # of the last sends, once it closes
        self._is_stale = False
        self._thread = threading.Thread(target=self._run, name="firn-bus-sender", daemon=True)

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def post(self, topic: str, frame: bytes) -> None:
        """Append a frame to what waits for a topic; never waits, never raises."""
        if len(frame) > LARGEST_FRAME:
            figures.too_big_frames.inc()
            return
        with self._changed:
            if self._deadline is None:
                self._target(topic).frames.push(frame)
                self._changed.notify()

    def ping(self, topic: str) -> None:
        """Send a ping before what waits for a topic; a ping that still waits is replaced."""
        with self._changed:
            if self._deadline is None:
                self._target(topic).ping = messages.ping(self._clock.monotonic())
                self._changed.notify()

    def is_failing(self, topic: str) -> bool:
        """Whether the last attempt for a topic failed."""
        with self._changed:
            target = self._targets.get(topic)
            return target is not None and target.failing_since is not None

    def renew(self) -> None:
        """Replace the native client before the next message."""
        with self._changed:
            self._is_stale = True

    def close(self, flush_s: float, patience_s: float) -> bool:
        """Send what waits for at most `flush_s`, then stop; blocks.

        False where the thread was still in the native client after `patience_s` more.
        """
        with self._changed:
            self._deadline = self._clock.monotonic() + flush_s
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(flush_s + patience_s)
        return not self._thread.is_alive()

    def _target(self, topic: str) -> _Target:
        target = self._targets.get(topic)
        if target is None:
            target = _Target(topic, FrameQueue(self._most_waiting))
            self._targets[topic] = target
        return target

    def _run(self) -> None:
        producer: Producer | None = None
        while (job := self._next()) is not None:
            if self._is_stale and producer is not None:
                log.warning("bus.producer_replaced")
                figures.rebuilds.labels("producer").inc()
                _disconnect(producer)
                producer = None
            self._is_stale = False
            try:
                producer = producer or self._connect()
                producer.send(job.target.topic, job.body)
            except Exception as error:  # noqa: BLE001 (the native client's, of many kinds)
                self._failed(job, error)
            else:
                self._sent(job)
        if producer is not None:
            _disconnect(producer)

    def _next(self) -> _Job | None:
        """Wait for the next message; None when it is time to stop."""
        with self._changed:
            while True:
                now = self._clock.monotonic()
                waiting = [t for t in self._targets.values() if t.ping or t.frames]
                if self._deadline is not None and (not waiting or now >= self._deadline):
                    return None
                for target in waiting:
                    if target.due <= now:
                        return self._job(target)
                self._changed.wait(min((t.due - now for t in waiting), default=None))

    def _job(self, target: _Target) -> _Job:
        self._targets[target.topic] = self._targets.pop(target.topic)  # the others come first
        if target.ping is not None:
            body, target.ping = target.ping, None
            return _Job(target, body)
        frames = target.frames.take(LARGEST_BUNDLE)
        return _Job(target, messages.bundle(frames), frames)

    def _sent(self, job: _Job) -> None:
        figures.sent_messages.inc()
        figures.sent_frames.inc(len(job.frames))
        with self._changed:
            target = job.target
            if target.failing_since is not None:
                log.info("bus.target_back", topic=target.topic)
            target.failing_since, target.pause_s, target.due = None, 0.0, 0.0
            if not target.frames and target.ping is None:
                self._targets.pop(target.topic, None)  # most targets are there for a while only

    def _failed(self, job: _Job, error: Exception) -> None:
        figures.failed_messages.inc()
        target = job.target
        with self._changed:
            now = self._clock.monotonic()
            if target.failing_since is None:
                target.failing_since = now
                log.warning("bus.target_failing", topic=target.topic, reason=str(error)[:200])
            target.frames.put_back(job.frames)
            target.pause_s = min(max(target.pause_s * 2, FIRST_PAUSE_S), LONGEST_PAUSE_S)
            target.due = now + target.pause_s
            if now - target.failing_since > GIVE_UP_S:
                figures.expired_frames.inc(target.frames.clear())
                self._targets.pop(target.topic, None)


def _disconnect(producer: Producer) -> None:
    try:
        producer.close()
    except Exception:
        log.exception("bus.producer_not_closed")  # another one can be made all the same
