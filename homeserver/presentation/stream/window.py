"""The frames that are on their way: sent and not acknowledged."""

from __future__ import annotations

from typing import Final

from homeserver.domain.shared.errors import InvalidParamError

MAX_FRAMES: Final = 4
MAX_BYTES: Final = 1024 * 1024


class Window:
    """Counts frames and bytes; the frames themselves are not kept.

    `sent` and `acknowledged` are sequence numbers.
    """

    __slots__ = ("_sizes", "acknowledged", "sent")

    def __init__(self) -> None:
        """Begin with nothing sent."""
        self.sent = 0
        self.acknowledged = 0
        self._sizes: tuple[int, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether everything sent is acknowledged."""
        return not self._sizes

    @property
    def is_open(self) -> bool:
        """Whether one more frame may be sent."""
        return len(self._sizes) < MAX_FRAMES and sum(self._sizes) < MAX_BYTES

    def send(self, size: int) -> int:
        """Count one more frame; returns its number."""
        self.sent += 1
        self._sizes += (size,)
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
        self._sizes = self._sizes[arrived:]
        return True
