"""The bus over Redis while its server is killed, paused, restarted, and says what nobody sent."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.redis.event_bus import DEAD_AFTER_S, PAUSE_S, RedisEventBus
from homeserver.infrastructure.redis.link import RedisLink
from tests.support.buses import Post
from tests.support.redis import eventually, new_generation, open_link, private_redis
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.redis import PrivateRedis

BACK_S = 3.0
Posts = tuple[Post, Post]


@pytest.fixture
async def redis() -> AsyncIterator[PrivateRedis]:
    require_service("redis")
    async with private_redis() as server:
        yield server


@pytest.fixture
async def posts(redis: PrivateRedis) -> AsyncIterator[Posts]:
    """Two workers as they are in production."""
    generation, made = new_generation(), []
    async with AsyncExitStack() as stack:
        for name in ("a-1", "b-1"):
            link = RedisLink(redis.url, generation, SystemClock())
            stack.push_async_callback(link.close)
            post = Post(RedisEventBus(link, SystemClock()), name)
            stack.push_async_callback(post.bus.close)
            made.append(await post.start())
        yield made[0], made[1]


async def heard_again(posts: Posts) -> None:
    """Frames go both ways, at the latest after a while."""
    for sender, target in (posts, posts[::-1]):

        def arrives(sender: Post = sender, target: Post = target) -> bool:
            sender.bus.send(target.worker, b"again")
            return b"again" in target.heard

        await eventually(arrives, BACK_S)


async def test_a_killed_redis_is_known_at_once_and_its_successor_used(
    redis: PrivateRedis, posts: Posts
) -> None:
    a, b = posts
    redis.kill()
    await eventually(lambda: not (a.bus.healthy() or b.bus.healthy()), PAUSE_S)
    for n in range(100):
        a.bus.send(b.worker, b"%d" % n)
    await redis.start()
    await heard_again(posts)
    assert a.bus.healthy()
    assert b.bus.healthy()


async def test_a_redis_that_hangs_is_not_healthy_and_is_used_again(
    redis: PrivateRedis, posts: Posts
) -> None:
    a, _ = posts
    redis.pause()
    await eventually(lambda: not a.bus.healthy(), DEAD_AFTER_S + 0.5)
    redis.resume()
    await heard_again(posts)


async def test_a_flush_loses_nothing(redis: PrivateRedis, posts: Posts) -> None:
    a, b = posts
    await redis.flush()
    frames = [b"%d" % n for n in range(50)]
    for frame in frames:
        a.bus.send(b.worker, frame)
    await b.hears(frames[-1])
    assert b.heard == frames


async def test_garbage_on_the_channel_is_dropped(redis: PrivateRedis, posts: Posts) -> None:
    a, b = posts
    link = open_link(redis.url, b"")
    channels = await link.call("PUBSUB", "CHANNELS", f"*:frames:{b.worker}")
    for garbage in (b"", b"\xff", b"hello", b"\x91\xc0"):
        assert await link.call("PUBLISH", channels[0], garbage) == 1
    await link.close()
    a.bus.send(b.worker, b"after")
    await b.hears(b"after")
    assert b.heard == [b"after"]


async def test_a_worker_that_starts_without_redis_joins_when_it_is_there(
    redis: PrivateRedis,
) -> None:
    redis.kill()
    link = RedisLink(redis.url, new_generation(), SystemClock())
    post = Post(RedisEventBus(link, SystemClock()), "late-1")
    async with asyncio.timeout(BACK_S):
        await post.start()
    assert not post.bus.healthy()
    await redis.start()
    await eventually(post.bus.healthy, BACK_S)
    await heard_again((post, post))
    await post.bus.close()
    await link.close()
