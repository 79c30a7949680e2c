"""Waits until servers have done what a load left them to do: the index for search fills then."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import LoadError

if TYPE_CHECKING:
    from collections.abc import Sequence

LOOK_SECONDS = 0.5
LOOKS = 3
"""With little to do one after another, before they are believed."""
LITTLE = 0.06
"""Cores together."""
MAX_SECONDS = 120.0
_TICK = os.sysconf("SC_CLK_TCK")


def settle(pids: Sequence[int]) -> float:
    """Wait until these processes rest; return the CPU milliseconds that they used meanwhile.

    Raises LoadError where they still work after `MAX_SECONDS`.
    """
    first = last = _used(pids)
    quiet = 0
    deadline = time.monotonic() + MAX_SECONDS
    while quiet < LOOKS:
        if time.monotonic() > deadline:
            raise LoadError("the servers still work long after the load")
        time.sleep(LOOK_SECONDS)
        now = _used(pids)
        quiet = quiet + 1 if now - last <= LITTLE * LOOK_SECONDS else 0
        last = now
    return (last - first) * 1000


def _used(pids: Sequence[int]) -> float:
    """CPU seconds of processes so far; one that is gone has used none."""
    return sum(_seconds(pid) for pid in pids)


def _seconds(pid: int) -> float:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK
