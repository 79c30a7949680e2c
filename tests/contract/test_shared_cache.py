"""What `SharedCache` promises: in memory, in Redis, and on two levels."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from homeserver.application.two_level_cache import TwoLevelCache
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.shared_cache import MemoryCache
from homeserver.infrastructure.redis.shared_cache import RedisSharedCache
from tests.support.redis import new_generation, open_link
from tests.support.services import require_service
from tests.support.tcp_proxy import TcpProxy, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.ports.shared_cache import SharedCache
    from homeserver.infrastructure.redis.link import RedisLink

MEGABYTE = 1 << 20


@pytest.fixture
async def proxy() -> AsyncIterator[TcpProxy]:
    async with open_proxy("127.0.0.1", urlsplit(require_service("redis")).port or 0) as proxy:
        yield proxy


@pytest.fixture
async def link(proxy: TcpProxy) -> AsyncIterator[RedisLink]:
    password = urlsplit(require_service("redis")).password
    url = f"redis://:{password}@127.0.0.1:{proxy.port}/0"
    link = open_link(url, new_generation())
    yield link
    await link.close()


def memory() -> MemoryCache:
    return MemoryCache(SystemClock(), max_bytes=MEGABYTE)


@pytest.fixture(params=["memory", "redis", "two levels"])
def cache(request: pytest.FixtureRequest) -> SharedCache:
    if request.param == "memory":
        return memory()
    link: RedisLink = request.getfixturevalue("link")
    far = RedisSharedCache(link)
    return far if request.param == "redis" else TwoLevelCache(memory(), far)


async def test_an_entry_is_found_under_its_version(cache: SharedCache) -> None:
    await cache.put("a", 7, b"seven", 60)
    assert await cache.get([("a", 7)]) == {"a": b"seven"}


@pytest.mark.parametrize("version", [0, 6, 8, 2**53 - 1])
async def test_another_version_is_a_miss(cache: SharedCache, version: int) -> None:
    await cache.put("a", 7, b"seven", 60)
    assert await cache.get([("a", version)]) == {}


async def test_an_older_version_never_replaces_a_newer_one(cache: SharedCache) -> None:
    newest = 2**53 - 1
    await cache.put("a", newest, b"new", 60)
    for older in (0, 255, 256, newest - 1):
        await cache.put("a", older, b"old", 60)
        assert await cache.get([("a", older)]) == {}
    assert await cache.get([("a", newest)]) == {"a": b"new"}


async def test_a_newer_or_equal_version_replaces_an_entry(cache: SharedCache) -> None:
    for version, value in ((255, b"x"), (256, b"y"), (256, b"z"), (2**40, b"w")):
        await cache.put("a", version, value, 60)
        assert await cache.get([("a", version)]) == {"a": value}
    assert await cache.get([("a", 255)]) == {}


async def test_misses_are_absent_and_hits_come_together(cache: SharedCache) -> None:
    await cache.put("a", 1, b"A", 60)
    await cache.put("b", 2, b"B", 60)
    assert await cache.get([("a", 1), ("b", 1), ("c", 1)]) == {"a": b"A"}
    assert await cache.get([("a", 1), ("b", 2)]) == {"a": b"A", "b": b"B"}
    assert await cache.get([]) == {}


async def test_an_entry_goes_when_its_time_is_over(cache: SharedCache) -> None:
    await cache.put("short", 1, b"x", 1)
    await cache.put("long", 1, b"y", 60)
    await cache.put("none", 1, b"z", 0)
    assert set(await cache.get([("short", 1), ("long", 1), ("none", 1)])) == {"short", "long"}
    await asyncio.sleep(1.1)
    assert await cache.get([("short", 1), ("long", 1)]) == {"long": b"y"}


@pytest.mark.parametrize("key", ["", "with space\r\n", "会议 😀", "\ud800", "k" * 10_000])
@pytest.mark.parametrize("value", [b"", b"\x00\r\n$-1\r\n", bytes(100_000)])
async def test_any_text_is_a_key_and_any_bytes_a_value(
    cache: SharedCache, key: str, value: bytes
) -> None:
    await cache.put(key, 3, value, 60)
    assert await cache.get([(key, 3)]) == {key: value}


async def test_a_value_that_is_too_large_is_not_kept(cache: SharedCache) -> None:
    await cache.put("a", 1, b"small", 60)
    await cache.put("big", 1, bytes(MEGABYTE), 60)
    assert await cache.get([("a", 1), ("big", 1)]) == {"a": b"small"}


async def test_workers_share_what_is_in_redis(link: RedisLink) -> None:
    one, two = (TwoLevelCache(memory(), RedisSharedCache(link)) for _ in range(2))
    await one.put("a", 1, b"A", 60)
    assert await two.get([("a", 1)]) == {"a": b"A"}
    await one.put("a", 2, b"new", 60)
    assert await two.get([("a", 2)]) == {"a": b"new"}


async def test_the_near_level_answers_without_the_far_one(link: RedisLink, proxy: TcpProxy) -> None:
    one, two = (TwoLevelCache(memory(), RedisSharedCache(link)) for _ in range(2))
    await one.put("a", 1, b"A", 60)
    await one.put("b", 1, b"B", 60)
    await two.get([("a", 1)])
    proxy.down = True
    proxy.cut_all()
    assert await two.get([("a", 1), ("b", 1)]) == {"a": b"A"}


async def test_where_the_cache_is_down_all_is_missing_soon(
    link: RedisLink, proxy: TcpProxy
) -> None:
    cache = RedisSharedCache(link)
    await cache.put("a", 1, b"A", 60)
    proxy.down = True
    proxy.cut_all()
    began = perf_counter()
    assert await cache.get([("a", 1)]) == {}
    await cache.put("a", 2, b"B", 60)
    assert perf_counter() - began < 0.3
    proxy.down = False
    await asyncio.sleep(0.3)
    assert await cache.get([("a", 1)]) == {"a": b"A"}


async def test_memory_is_bounded_and_the_least_used_goes_first() -> None:
    cache = memory()
    for number in range(100):
        await cache.put(str(number), 1, bytes(50_000), 60)
        await cache.get([("0", 1)])
        assert cache.size <= MEGABYTE
    found = await cache.get([(str(number), 1) for number in range(100)])
    assert {"0", "99", "98"} <= set(found)
    assert "1" not in found
    await cache.close()
    assert cache.size == 0
