"""`firn` with a profiler that SIGUSR1 switches on and SIGUSR2 off: `python -m tests.load.profiled`.

The profile goes to the file that FIRN_PROFILE names. Only the event loop's thread is
profiled; the profiler itself makes small functions look dearer than they are.
"""

from __future__ import annotations

import cProfile
import os
import signal
import sys
import time
from typing import TYPE_CHECKING

from homeserver.presentation.cli.main import main

if TYPE_CHECKING:
    from types import FrameType

# CPU time of the loop: what it waits for, or loses to other processes, is not its cost.
_profile = cProfile.Profile(time.thread_time)


def _on(_number: int, _frame: FrameType | None) -> None:
    _profile.clear()
    _profile.enable()


def _off(_number: int, _frame: FrameType | None) -> None:
    _profile.disable()
    _profile.dump_stats(os.environ["FIRN_PROFILE"])


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _on)
    signal.signal(signal.SIGUSR2, _off)
    sys.exit(main())
