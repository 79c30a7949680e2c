"""How busy the machine is: bounds in seconds hold for one that has time."""

from __future__ import annotations

import os


def busy() -> float:
    """How many processes want to run for each processor, in the last minute; 1 at least."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
