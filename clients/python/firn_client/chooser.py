"""WebSocket or long poll. Pure: the caller brings the time."""

from __future__ import annotations

from enum import Enum

TRIES = 3
PAUSE = 60.0
LONG_PAUSE = 3600.0


class Transport(Enum):
    """How events come: `AUTO` is the stream with the long poll to fall back to."""

    AUTO = "auto"
    STREAM = "websocket"
    POLL = "longpoll"


class Chooser:
    """Prefers the stream; polls for a while where it cannot be had, then tries it again."""

    def __init__(self, wish: Transport = Transport.AUTO) -> None:
        self._wish = wish
        self._failures = 0
        self._poll_until = 0.0

    def pick(self, now: float) -> Transport:
        """What to use now: STREAM or POLL."""
        if self._wish is not Transport.AUTO:
            return self._wish
        return Transport.POLL if now < self._poll_until else Transport.STREAM

    @property
    def may_poll(self) -> bool:
        """Whether the long poll is allowed."""
        return self._wish is not Transport.STREAM

    def worked(self) -> None:
        """A frame came."""
        self._failures = 0

    def lost(self, now: float) -> None:
        """The stream could not be opened, or ended; several times without a frame is enough."""
        self._failures += 1
        if self._failures >= TRIES:
            self._failures = 0
            self._poll_until = now + PAUSE

    def refused(self, now: float) -> None:
        """Whoever answered there knows no stream."""
        self._failures = 0
        self._poll_until = now + LONG_PAUSE
