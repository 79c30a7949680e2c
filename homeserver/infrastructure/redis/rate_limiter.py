"""Rate limits that hold across workers: each decides by itself, Redis adds up."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

from homeserver.infrastructure.redis.link import RedisDownError, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.rate_limiter import Limit
    from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
    from homeserver.infrastructure.redis.link import RedisLink

PAUSE_SECONDS = 0.05
"""The first token taken is told at once, then one exchange at most in this time."""
BUCKETS_AT_ONCE = 500
MOST_WAITING = 20_000

TAKE = Script("""
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local left = {}
for i, key in ipairs(KEYS) do
  local took, age, owed = ARGV[3 * i - 2], ARGV[3 * i - 1], ARGV[3 * i]
  local at = math.max(tonumber(redis.call('GET', key) or 0), now - age) + took
  at = math.max(at, now + owed)
  redis.call('SET', key, string.format('%.3f', at), 'PX', math.max(1, math.ceil(at - now)))
  left[i] = math.floor(at - now)
end
return left
""")
"""KEYS buckets; ARGV for each, in ms: what was taken, how long ago, what its taker knows owed.

A bucket is the time (ms) at which it is full again. Gives the ms until then.
"""

_Bucket = tuple[str, str]
"""Limit class and key."""


@dataclass(slots=True)
class _Taken:
    """Tokens that Redis has not heard of, and when the first one was taken."""

    since: float
    count: int = 0


class RedisRateLimiter:
    """`RateLimiter` that answers from this process's buckets and shares them through Redis.

    A request never waits for Redis. What was taken is told to Redis a moment later, many
    buckets in one round trip, and the answer holds what all workers took. A worker's own
    knowledge goes along, so a Redis that forgot is told again. Where it is down, each of N
    workers gives out an Nth: a token costs N there.
    """

    def __init__(
        self,
        own: MemoryRateLimiter,
        link: RedisLink,
        clock: Clock,
        workers: Callable[[], int] = lambda: 1,
    ) -> None:
        """Share the buckets of `own`; `workers` tells how many live, this one included."""
        self._workers = workers
        self._own = own
        self._clock = clock
        self._link = link
        self._taken: dict[_Bucket, _Taken] = {}
        self._task: asyncio.Task[None] | None = None

    def configure(self, limits: Mapping[str, Limit]) -> None:
        """Replace the limits while running."""
        self._own.configure(limits)

    def check(self, key: str, limit_class: str) -> int | None:
        """Take one token; see the port. Called in the event loop."""
        wait = self._own.check(key, limit_class)
        interval = self._own.interval(limit_class)
        if wait is not None or interval is None:
            return wait
        if self._link.failed:
            others = self._workers() - 1
            self._own.owe(key, limit_class, self._own.owed(key, limit_class) + others * interval)
        bucket = limit_class, key
        taken = self._taken.get(bucket)
        if taken is None:
            if len(self._taken) >= MOST_WAITING:
                return None
            taken = self._taken[bucket] = _Taken(self._clock.monotonic())
        taken.count += 1
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._share(), name="rate-limits")
        return None

    async def close(self) -> None:
        """Share no more; the link stays open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait((self._task,))

    async def _share(self) -> None:
        try:
            while self._taken:
                part = dict(islice(self._taken.items(), BUCKETS_AT_ONCE))
                for bucket in part:
                    del self._taken[bucket]
                await self._exchange(part)
                await asyncio.sleep(PAUSE_SECONDS)
        finally:
            self._task = None

    async def _exchange(self, taken: Mapping[_Bucket, _Taken]) -> None:
        numbers: list[float] = []
        asked_at = self._clock.monotonic()
        for (limit_class, key), tokens in taken.items():
            interval = self._own.interval(limit_class) or 0.0
            owed = self._own.owed(key, limit_class)
            numbers += (
                1000 * tokens.count * interval,
                1000 * (asked_at - tokens.since),
                1000 * owed,
            )
        try:
            left = await self._link.run(TAKE, [_name(bucket) for bucket in taken], numbers)
        except RedisDownError:
            return  # it is told with the next token taken from the bucket
        # Counted from the question: the way there, which Redis has added to what is owed, goes
        # off again. Otherwise each exchange would owe its own way.
        under_way = self._clock.monotonic() - asked_at
        for (limit_class, key), milliseconds in zip(taken, left, strict=True):
            interval = self._own.interval(limit_class) or 0.0
            more = self._taken.get((limit_class, key))
            meanwhile = 0.0 if more is None else more.count * interval
            self._own.owe(key, limit_class, milliseconds / 1000 - under_way + meanwhile)


def _name(bucket: _Bucket) -> str:
    """A key of bounded length, which tells nobody whose it is."""
    limit_class, key = bucket
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"limit:{limit_class}:{digest}"
