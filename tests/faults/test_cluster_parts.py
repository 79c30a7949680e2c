"""F3, F4, F5 over worker processes: whatever dies, a message is there within a second."""

from __future__ import annotations

import asyncio
from time import perf_counter
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.support.broker import own_rocketmq
from tests.support.odd_worker import KILLED, LAST_WORDS
from tests.support.pair import figure, late, open_pair
from tests.support.redis import eventually, open_link, private_redis
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from tests.support.broker import OwnRocketMq
    from tests.support.pair import Pair
    from tests.support.redis import PrivateRedis

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]
DOWN_S = 8.0
"""How long the broker is away; F4 says 60 s, which the soak does (docs/operate/bus-soak.md)."""


@pytest.fixture
async def redis() -> AsyncIterator[PrivateRedis]:
    """A Redis that may be killed."""
    require_service("redis")
    async with private_redis() as server:
        yield server


@pytest.fixture
def broker() -> Iterator[OwnRocketMq]:
    """A broker that may be killed."""
    require_service("rocketmq")
    with own_rocketmq() as rocketmq:
        yield rocketmq


def back() -> float:
    """Seconds after a part's return within which it is used again."""
    return 3 * late()


async def talk(pair: Pair, word: str, times: int = 4) -> list[float]:
    """Both say something some times; how many seconds each took."""
    took = []
    for number in range(times):
        took.append(await pair.says(pair.romeo, pair.juliet, f"{word} {number}"))
        took.append(await pair.says(pair.juliet, pair.romeo, f"{word} {number}, she says"))
    return took


async def test_F1_F3_a_worker_dies_for_ever_between_commit_and_push(
    tmp_path: Path, mysql_database_url: str
) -> None:
    async with open_pair(tmp_path, mysql_database_url, "dies") as pair:
        await talk(pair, "before", 1)
        hears = asyncio.create_task(pair.hears(pair.juliet, LAST_WORDS))
        await asyncio.sleep(0.05)
        with pytest.raises(aiohttp.ClientError):
            await pair.romeo.send(pair.room, LAST_WORDS, txn="last")
        died = perf_counter()
        assert pair.a.process is not None
        assert await pair.a.process.wait() == KILLED
        assert await hears - died < late()
        # what was committed is found by whoever asks again elsewhere
        pair.romeo.base = pair.b.base
        event_id = await pair.romeo.send(pair.room, LAST_WORDS, txn="last")
        heard = pair.juliet.rooms[pair.room].timeline
        assert [e["event_id"] for e in heard if e["content"].get("body") == LAST_WORDS] == [
            event_id
        ]
        assert max(await talk(pair, "after", 2)) < late()


async def test_F3_a_route_is_deleted(
    tmp_path: Path, mysql_database_url: str, redis: PrivateRedis
) -> None:
    async with open_pair(tmp_path, mysql_database_url, FIRN__REDIS__URL=redis.url) as pair:
        link = open_link(redis.url, b"")
        unpushed = 0
        for number in range(4):
            poll = asyncio.create_task(pair.hears(pair.juliet, f"{number}"))
            await eventually(lambda: link.call("KEYS", "*:user:*"), back())
            await asyncio.sleep(1.1)  # longer than look-ups are remembered
            frames = await figure(pair.a, "firn_bus_frames_total", fate="sent")
            sent = perf_counter()
            await link.call("DEL", *await link.call("KEYS", "*:user:*"))
            await pair.romeo.send(pair.room, f"{number}")
            assert await poll - sent < late()
            unpushed += await figure(pair.a, "firn_bus_frames_total", fate="sent") == frames
        await link.close()
        assert unpushed > 0  # a beat may have written the route anew just then, but not each time


async def test_F4_the_broker_is_down(
    tmp_path: Path, mysql_database_url: str, broker: OwnRocketMq
) -> None:
    settings = {"FIRN__ROCKETMQ__NAMESRV": broker.namesrv}
    async with open_pair(tmp_path, mysql_database_url, **settings) as pair:
        assert max(await talk(pair, "before")) < late()
        broker.kill()
        took, end = [], perf_counter() + DOWN_S
        while perf_counter() < end:
            took += await talk(pair, f"down {end - perf_counter()}", 1)
        assert max(took) < late()
        await asyncio.to_thread(broker.start)
        assert max(await talk(pair, "back")) < late()
        for worker in (pair.a, pair.b):
            await eventually(lambda: figure(worker, "firn_bus_healthy"), back())  # noqa: B023


async def test_F5_redis_is_flushed_and_down(
    tmp_path: Path, mysql_database_url: str, redis: PrivateRedis
) -> None:
    async with open_pair(tmp_path, mysql_database_url, FIRN__REDIS__URL=redis.url) as pair:
        await talk(pair, "before", 1)
        await redis.flush()
        assert max(await talk(pair, "flushed")) < late()
        redis.kill()
        assert max(await talk(pair, "down")) < late()
        await redis.start()
        poll = asyncio.create_task(pair.hears(pair.juliet, "back 0"))
        link = open_link(redis.url, b"")
        await eventually(lambda: link.call("KEYS", "*:user:*"), back())
        await link.close()
        assert max(await talk(pair, "back")) < late()
        await poll
