"""Frames that wait, up to a number of bytes: the oldest give way."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from homeserver.infrastructure.telemetry import bus as figures

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_FRAME = 2 * 1024 * 1024
MOST_WAITING = 8 * 1024 * 1024
_OVERHEAD = 64  # of a bytes object and its place


class FrameQueue:
    """First in, first out. Not thread-safe."""

    __slots__ = ("_bytes", "_frames", "_most")

    def __init__(self, most_bytes: int = MOST_WAITING) -> None:
        """Hold at most so many bytes, a small overhead per frame included."""
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._most = most_bytes

    def __len__(self) -> int:
        return len(self._frames)

    def push(self, frame: bytes) -> None:
        """Append a frame and drop the oldest while there are too many bytes."""
        self._frames.append(frame)
        self._bytes += len(frame) + _OVERHEAD
        self._make_room()

    def take(self, most_bytes: int) -> list[bytes]:
        """Remove and return the oldest frames: one, and more up to so many bytes."""
        taken: list[bytes] = []
        size = 0
        while self._frames and (not taken or size + len(self._frames[0]) <= most_bytes):
            frame = self._frames.popleft()
            size += len(frame)
            taken.append(frame)
        self._bytes -= size + len(taken) * _OVERHEAD
        return taken

    def put_back(self, frames: Iterable[bytes]) -> None:
        """Return frames that were taken last; they are still the oldest."""
        for frame in reversed([*frames]):
            self._frames.appendleft(frame)
            self._bytes += len(frame) + _OVERHEAD
        self._make_room()

    def clear(self) -> int:
        """Drop everything; return how many frames that was."""
        count = len(self._frames)
        self._frames.clear()
        self._bytes = 0
        return count

    def _make_room(self) -> None:
        dropped = 0
        while self._bytes > self._most and len(self._frames) > 1:
            self._bytes -= len(self._frames.popleft()) + _OVERHEAD
            dropped += 1
        if dropped:
            figures.crowded_out_frames.inc(dropped)
