"""A clock that stands still until a test moves it."""

from __future__ import annotations


class Watch:
    """A clock that a test moves."""

    def __init__(self) -> None:
        """Begin somewhere."""
        self.seconds = 1000.0

    def now_ms(self) -> int:
        """See `Clock.now_ms`."""
        return int(self.seconds * 1000)

    def monotonic(self) -> float:
        """See `Clock.monotonic`."""
        return self.seconds
