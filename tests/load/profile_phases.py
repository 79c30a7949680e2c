"""Profiles the server during phases of the load: `python -m tests.load.profile_phases send32 …`.

Prints the functions that took most time of their own, and most with what they call, for each
phase; `docs/operate/where-the-time-goes.md` is made from it.
"""

from __future__ import annotations

import os
import pstats
import signal
import sys
import tempfile
import time
from pathlib import Path

from tests.load import plan
from tests.load.client import build, run_step
from tests.load.places import fresh
from tests.load.server import running

_SHOWN = 45


def main(phases: list[str]) -> int:
    """Profile the phases named; returns 0."""
    program = build()
    steps = {step.name: step for step in plan.busy(plan.QUICK)}
    with tempfile.TemporaryDirectory() as name, fresh("mysql", Path(name)) as place:
        profile = place.folder / "profile"
        settings = {"FIRN_PROFILE": str(profile)}
        with running(place, settings, program="tests.load.profiled") as server:
            for phase in ("setup", *phases):
                os.kill(server.pid, signal.SIGUSR1)
                lines = run_step(
                    program, steps[phase], folder=place.folder, pids=[server.pid], base=server.base
                )
                os.kill(server.pid, signal.SIGUSR2)
                time.sleep(1)
                sys.stdout.write(f"## {phase}: {[(x['key'], x['ops']) for x in lines]}\n")
                if phase != "setup":
                    stats = pstats.Stats(str(profile))
                    stats.sort_stats("tottime").print_stats(_SHOWN)
                    stats.sort_stats("cumtime").print_stats(_SHOWN * 2)
                profile.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
