"""The port that says how often somebody may do something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Limit:
    """A token bucket: `burst` requests at once, refilled at `per_second`."""

    per_second: float
    burst: int

    def __post_init__(self) -> None:
        """Refuse a bucket that never fills or holds nothing."""
        if self.per_second <= 0 or self.burst < 1:
            msg = f"A limit needs per_second > 0 and burst >= 1, not {self}"
            raise ValueError(msg)


class RateLimiter(Protocol):
    """Token buckets, one for each pair of key and limit class."""

    def check(self, key: str, limit_class: str) -> int | None:
        """Take one token from the bucket.

        Gives None when there was one; otherwise, taking nothing, the milliseconds (at
        least 1) until there will be. A class without a configured limit is unlimited.
        Never blocks and never fails. Workers of a cluster share their buckets: what they
        take at the same instant, before they hear of each other, is owed, and waited for
        later; a worker that hears of nobody counts alone.
        """
        ...
