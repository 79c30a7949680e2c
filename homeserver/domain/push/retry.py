"""When a push gateway that failed is asked again."""

from __future__ import annotations

from typing import Final

FIRST_MS: Final = 1_000
LONGEST_MS: Final = 3_600_000
"""The ceiling: once an hour."""
MAX_AGE_MS: Final = 24 * 3_600_000
"""A notification that could not be delivered for a day is of no use to anybody."""
REFUSED_TRIES: Final = 5
"""How often a request that the gateway refuses (4xx) is made."""


def pause_ms(failures: int, chance: float, asked_s: float = 0.0) -> int:
    """How long to wait after so many failures in a row (1 or more), in milliseconds.

    Twice as long each time, up to an hour; `chance` (0 to 1) takes off up to a quarter, so that
    what failed together does not come back together. `asked_s` is what the gateway asked for
    (`Retry-After`), up to an hour.
    """
    doubled = FIRST_MS << min(failures - 1, 20)
    pause = min(doubled, LONGEST_MS) * (1 - chance / 4)
    return int(max(pause, min(max(asked_s, 0.0) * 1000, LONGEST_MS)))
