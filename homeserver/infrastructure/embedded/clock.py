"""The system's clock."""

from __future__ import annotations

import time


class SystemClock:
    """`Clock` on the operating system's clocks."""

    def now_ms(self) -> int:
        """Return milliseconds since the Unix epoch."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds of the monotonic clock."""
        return time.monotonic()
