"""The bus of workers that share one process: embedded mode, and tests of several."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from homeserver.infrastructure.frame_queue import LARGEST_FRAME, MOST_WAITING, FrameQueue
from homeserver.infrastructure.telemetry import bus as figures

if TYPE_CHECKING:
    from collections.abc import Callable

log = structlog.get_logger(__name__)
_A_TURN = 64 * 1024
"""Bytes that are handed over before the loop may do something else."""


class Switchboard:
    """Who listens, by worker id; shared by the buses of a process."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        """Let so many bytes wait for one worker."""
        self.lines: dict[str, _Line] = {}
        self.most_waiting = most_waiting


class EmbeddedEventBus:
    """`EventBus` over a switchboard: nothing but the loop's next turn lies between."""

    def __init__(self, switchboard: Switchboard | None = None) -> None:
        """Join a switchboard, or be alone."""
        self._switchboard = switchboard or Switchboard()
        self._worker: str | None = None

    async def start(self, worker: str, receive: Callable[[bytes], None]) -> None:
        """Listen under this name."""
        self._worker = worker
        self._switchboard.lines[worker] = _Line(receive, self._switchboard.most_waiting)

    def send(self, worker: str, frame: bytes) -> None:
        """Hand a frame over in a later turn of the loop; nobody there: it is gone."""
        if len(frame) > LARGEST_FRAME:
            figures.too_big_frames.inc()
            return
        line = self._switchboard.lines.get(worker)
        if line is not None:
            figures.sent_frames.inc()
            line.put(frame)

    def healthy(self) -> bool:
        """Whether this worker listens: nothing can come in between."""
        return self._worker in self._switchboard.lines

    async def close(self) -> None:
        """Hang up; what was sent to others still arrives."""
        if self._worker is not None:
            line = self._switchboard.lines.pop(self._worker, None)
            if line is not None:
                line.cut()


class _Line:
    """What waits for one worker."""

    def __init__(self, receive: Callable[[bytes], None], most_waiting: int) -> None:
        self._receive = receive
        self._loop = asyncio.get_running_loop()
        self._waiting = FrameQueue(most_waiting)
        self._is_due = False

    def put(self, frame: bytes) -> None:
        self._waiting.push(frame)
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._hand_over)

    def cut(self) -> None:
        self._waiting.clear()

    def _hand_over(self) -> None:
        self._is_due = False
        frames = self._waiting.take(_A_TURN)
        if self._waiting:
            self._is_due = True
            self._loop.call_soon(self._hand_over)
        figures.received_frames.inc(len(frames))
        for frame in frames:
            try:
                self._receive(frame)
            except Exception:
                log.exception("bus.receiver_failed")  # its contract says that it never does
