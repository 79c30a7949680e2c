"""`firn` with a wall clock that a test turns: `python -m tests.support.turned FILE …`.

The file holds by how many milliseconds the clock is ahead; a missing one means none.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.presentation.cli.main import main


def set_ahead(file: Path, ms: int) -> None:
    """Turn the clocks that look into the file; they never see it half written."""
    part = file.with_suffix(".part")
    part.write_text(str(ms))
    part.replace(file)


def turn(file: Path) -> None:
    """Let every clock of this process look into the file."""

    def now_ms(self: SystemClock) -> int:
        ahead = int(file.read_text()) if file.exists() else 0
        return time.time_ns() // 1_000_000 + ahead

    SystemClock.now_ms = now_ms  # type: ignore[method-assign]


if __name__ == "__main__":
    turn(Path(sys.argv[1]))
    sys.exit(main(sys.argv[2:]))
