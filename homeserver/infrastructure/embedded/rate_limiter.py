"""Rate limits in the memory of one process."""

from __future__ import annotations

import time
from collections import OrderedDict
from math import ceil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeserver.application.ports.rate_limiter import Limit


class _Buckets:
    """The buckets of one class, least recently used first.

    A token bucket is kept as one number, the time at which it will be full again
    (the generic cell rate algorithm); one that is full already need not be kept at all.
    """

    __slots__ = ("full_at", "interval", "tolerance")

    def __init__(self, limit: Limit) -> None:
        self.full_at: OrderedDict[str, float] = OrderedDict()
        self.interval = 1.0 / limit.per_second
        self.tolerance = self.interval * (limit.burst - 1)


class MemoryRateLimiter:
    """`RateLimiter` over dictionaries of at most `max_keys` buckets for each class.

    Every new bucket drops up to two full ones from the least recently used end, and the
    least recently used one where there are too many: memory and work are bounded
    whatever the number of callers.
    """

    __slots__ = ("_classes", "_clock", "_max_keys")

    def __init__(
        self,
        limits: Mapping[str, Limit],
        *,
        max_keys: int = 100_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start with all buckets full; `clock` gives seconds and never goes back."""
        self._max_keys = max_keys
        self._clock = clock
        self._classes: dict[str, _Buckets] = {}
        self.configure(limits)

    def configure(self, limits: Mapping[str, Limit]) -> None:
        """Replace the limits while running; a class whose limit stays keeps its buckets."""
        old = self._classes
        self._classes = {name: _Buckets(limit) for name, limit in limits.items()}
        for name, buckets in self._classes.items():
            before = old.get(name)
            if (
                before is not None
                and before.interval == buckets.interval
                and before.tolerance == buckets.tolerance
            ):
                self._classes[name] = before

    def check(self, key: str, limit_class: str) -> int | None:
        """Take one token; see the port."""
        buckets = self._classes.get(limit_class)
        if buckets is None:
            return None
        now = self._clock()
        full_at = buckets.full_at
        at = full_at.get(key)
        if at is None:
            self._make_room(full_at, now)
            full_at[key] = now + buckets.interval
            return None
        full_at.move_to_end(key)
        if at <= now:
            full_at[key] = now + buckets.interval
            return None
        wait = at - now - buckets.tolerance
        if wait > 0:
            return max(1, ceil(wait * 1000))
        full_at[key] = at + buckets.interval
        return None

    def interval(self, limit_class: str) -> float | None:
        """The seconds in which a class gets a token back; None for an unlimited one."""
        buckets = self._classes.get(limit_class)
        return None if buckets is None else buckets.interval

    def owed(self, key: str, limit_class: str) -> float:
        """The seconds until a bucket is full again."""
        buckets = self._classes.get(limit_class)
        at = None if buckets is None else buckets.full_at.get(key)
        return 0.0 if at is None else max(0.0, at - self._clock())

    def owe(self, key: str, limit_class: str, seconds: float) -> None:
        """Have a bucket be full again in so many seconds, not before; others took from it."""
        buckets = self._classes.get(limit_class)
        if buckets is None or seconds <= 0:
            return
        now, full_at = self._clock(), buckets.full_at
        at = full_at.get(key)
        if at is None:
            self._make_room(full_at, now)
        full_at[key] = max(at or 0.0, now + seconds)

    def __len__(self) -> int:
        """How many buckets are kept."""
        return sum(len(buckets.full_at) for buckets in self._classes.values())

    def _make_room(self, full_at: OrderedDict[str, float], now: float) -> None:
        for _ in range(2):
            if not full_at:
                return
            oldest = next(iter(full_at))
            if full_at[oldest] > now and len(full_at) < self._max_keys:
                return
            del full_at[oldest]
