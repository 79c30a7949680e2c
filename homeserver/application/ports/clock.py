"""Time, as use cases see it."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Tells the time. Never blocks, never fails."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch; may jump in either direction."""

    def monotonic(self) -> float:
        """Return seconds since some moment; never goes back, survives clock changes."""
