"""The frames that are on their way: sent and not acknowledged."""

from __future__ import annotations

from typing import Final

from homeserver.domain.shared.errors import InvalidParamError

MAX_FRAMES: Final = 4
MAX_BYTES: Final = 1024 * 1024


class Window:
    """Counts frames and bytes; the frames themselves are not kept.

    `sent` and `acknowledged` are sequence numbers. `received` is the number of the last message
    to the device that has surely arrived.
    """

    __slots__ = ("_frames", "acknowledged", "received", "sent")

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.sent = 0
        self.acknowledged = 0
        self.received = 0
        self._frames: tuple[tuple[int, int], ...] = ()

    @property
    def empty(self) -> bool:
        """Whether everything sent is acknowledged."""
        return not self._frames

    @property
    def is_open(self) -> bool:
        """Whether one more frame may be sent."""
        return len(self._frames) < MAX_FRAMES and sum(s for s, _ in self._frames) < MAX_BYTES

    def send(self, size: int, inbox: int = 0) -> int:
        """Count one more frame; returns its number.

        `inbox` is the number of the last message that the device has with it.
        """
        self.sent += 1
        self._frames += ((size, inbox),)
        return self.sent

    def acknowledge(self, seq: int) -> bool:
        """Take in that all frames up to one arrived; whether that is news.

        Raises InvalidParamError for a frame that was not sent.
        """
        if seq > self.sent:
            raise InvalidParamError("A frame is acknowledged that was not sent")
        arrived = seq - self.acknowledged
        if arrived <= 0:
            return False
        self.acknowledged = seq
        self.received = max(self.received, self._frames[arrived - 1][1])
        self._frames = self._frames[arrived:]
        return True
