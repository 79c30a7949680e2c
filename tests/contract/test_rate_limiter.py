"""What `RateLimiter` promises, in one process and shared through Redis."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from homeserver.application.ports.rate_limiter import Limit
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.infrastructure.redis import rate_limiter
from homeserver.infrastructure.redis.link import Argument, RedisLink, Script
from homeserver.infrastructure.redis.rate_limiter import RedisRateLimiter
from tests.support.redis import eventually, new_generation, open_link, private_redis
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from homeserver.application.ports.rate_limiter import RateLimiter

LIMITS = {
    "slow": Limit(0.01, 10),
    "quick": Limit(20, 2),
    "tiny": Limit(0.5, 1),
    "huge": Limit(1e6, 5000),
}
WAY = 25
"""Milliseconds that the way to Redis may add, on a busy machine."""
TOLD = 0.2
"""Seconds after which all workers have heard of a token, on a busy machine too."""


@pytest.fixture
async def shared() -> AsyncIterator[Callable[[], RedisRateLimiter]]:
    """Makes limiters of different workers."""
    generation, made = new_generation(), list[tuple[RedisRateLimiter, RedisLink]]()

    def make() -> RedisRateLimiter:
        link = open_link(require_service("redis"), generation)
        limiter = RedisRateLimiter(MemoryRateLimiter(LIMITS), link, SystemClock())
        made.append((limiter, link))
        return limiter

    yield make
    for limiter, link in made:
        await limiter.close()
        await link.close()


@pytest.fixture(params=["memory", "redis"])
def limiter(request: pytest.FixtureRequest) -> RateLimiter:
    if request.param == "memory":
        return MemoryRateLimiter(LIMITS)
    make: Callable[[], RedisRateLimiter] = request.getfixturevalue("shared")
    return make()


def taken(limiter: RateLimiter, limit_class: str, key: str = "k", tries: int = 20) -> int:
    return [limiter.check(key, limit_class) for _ in range(tries)].count(None)


async def test_a_burst_and_then_a_wait(limiter: RateLimiter) -> None:
    assert taken(limiter, "slow") == 10
    await asyncio.sleep(TOLD)
    wait = limiter.check("k", "slow")
    assert wait is not None
    assert 90_000 < wait <= 100_000


async def test_a_refusal_takes_nothing_and_its_wait_is_enough(limiter: RateLimiter) -> None:
    assert taken(limiter, "quick", tries=2) == 2
    for _ in range(5):
        wait = limiter.check("k", "quick")
        assert wait is not None
        assert 1 <= wait <= 50 + WAY
        await asyncio.sleep((wait + WAY) / 1000)
        assert limiter.check("k", "quick") is None


async def test_tokens_come_back_at_the_rate(limiter: RateLimiter) -> None:
    began = asyncio.get_running_loop().time()
    count = 0
    while (seconds := asyncio.get_running_loop().time() - began) < 1.0:
        count += taken(limiter, "quick", tries=3)
        await asyncio.sleep(0.01)
    assert 0.75 * 20 * seconds <= count <= 20 * seconds + 2


async def test_keys_and_classes_do_not_share(limiter: RateLimiter) -> None:
    assert taken(limiter, "slow", "a") == 10
    assert taken(limiter, "slow", "b") == 10
    assert taken(limiter, "tiny", "a") == 1


async def test_a_class_without_a_limit_is_unlimited(limiter: RateLimiter) -> None:
    assert taken(limiter, "other", tries=1000) == 1000


@pytest.mark.parametrize("key", ["", "会议 😀", "\ud800", "x" * 5000, "a b\r\n"])
async def test_any_text_is_a_key(limiter: RateLimiter, key: str) -> None:
    assert taken(limiter, "slow", key) == 10
    await asyncio.sleep(TOLD)
    assert taken(limiter, "slow", key) == 0


async def test_a_high_rate_is_none_too_high(limiter: RateLimiter) -> None:
    assert taken(limiter, "huge", tries=5000) == 5000
    await asyncio.sleep(TOLD)
    assert taken(limiter, "huge", tries=5000) == 5000


async def test_workers_share_a_bucket(shared: Callable[[], RedisRateLimiter]) -> None:
    one, two = shared(), shared()
    count = 0
    for _ in range(8):
        count += taken(one, "slow", tries=1) + taken(two, "slow", tries=1)
        await asyncio.sleep(TOLD)
    assert 10 <= count <= 12
    assert taken(shared(), "slow", "k", tries=1) == 1  # a worker that has heard of nobody
    await asyncio.sleep(TOLD)
    assert [taken(worker, "slow") for worker in (one, two)] == [0, 0]


async def test_what_workers_take_at_one_instant_is_owed(
    shared: Callable[[], RedisRateLimiter],
) -> None:
    one, two = shared(), shared()
    assert taken(one, "quick") + taken(two, "quick") == 4
    await asyncio.sleep(0.005)

    async def both_know() -> bool:
        waits = [worker._own.owed("k", "quick") for worker in (one, two)]
        return min(waits) > 0.1 or max(waits) == 0

    await eventually(both_know, 1)


class FarLink(RedisLink):
    """A Redis that is 30 milliseconds away."""

    async def run(
        self,
        script: Script,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        *,
        probe: bool = False,
    ) -> Any:
        await asyncio.sleep(0.03)
        answer = await super().run(script, keys, arguments, probe=probe)
        await asyncio.sleep(0.03)
        return answer


async def test_the_way_to_redis_is_not_owed_at_each_exchange() -> None:
    """One who stays below the limit is not refused, however often it is told."""
    link = FarLink(require_service("redis"), new_generation(), SystemClock(), call_seconds=2)
    own = MemoryRateLimiter({"steady": Limit(20, 10)})
    limiter = RedisRateLimiter(own, link, SystemClock())
    assert taken(limiter, "steady", tries=5) == 5
    for _ in range(50):
        assert limiter.check("k", "steady") is None
        await asyncio.sleep(0.055)  # 18 a second, of 20
    await limiter.close()
    await link.close()


async def test_what_is_told_late_is_not_owed_for_longer(
    shared: Callable[[], RedisRateLimiter], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_limiter, "PAUSE_SECONDS", 0.5)
    one = shared()
    assert taken(one, "tiny", "first", tries=1) == 1
    await asyncio.sleep(0.1)
    assert taken(one, "tiny", tries=1) == 1  # is told 400 ms later
    await asyncio.sleep(0.6)
    assert one._own.owed("k", "tiny") < 2.0 - 0.6 + 0.2


@pytest.mark.parametrize(("workers", "part"), [(1, 10), (3, 4), (100, 1)])
async def test_F5_where_redis_is_down_a_worker_gives_out_its_part(workers: int, part: int) -> None:
    require_service("redis")
    async with private_redis() as redis:
        link = open_link(redis.url, new_generation())
        own = MemoryRateLimiter(LIMITS)
        limiter = RedisRateLimiter(own, link, SystemClock(), lambda: workers)
        redis.kill()
        assert taken(limiter, "slow", "first", tries=1) == 1
        await eventually(lambda: link.failed, 3)
        assert taken(limiter, "slow") == part
        await asyncio.sleep(TOLD)
        assert taken(limiter, "slow") == 0
        assert own.owed("k", "slow") == pytest.approx(100 * part * workers, abs=1)
        await limiter.close()
        await link.close()


async def test_a_redis_that_forgot_is_told_again() -> None:
    require_service("redis")
    generation = new_generation()
    async with private_redis() as redis:
        links = [open_link(redis.url, generation) for _ in range(2)]
        one, two = (
            RedisRateLimiter(MemoryRateLimiter(LIMITS), link, SystemClock()) for link in links
        )
        assert taken(one, "slow", tries=9) == 9
        await asyncio.sleep(TOLD)
        await redis.flush()
        assert taken(one, "slow", tries=1) == 1
        await asyncio.sleep(TOLD)
        assert taken(two, "slow", tries=1) == 1
        await asyncio.sleep(TOLD)
        assert taken(two, "slow") == 0
        for limiter in (one, two):
            await limiter.close()
        for link in links:
            await link.close()
