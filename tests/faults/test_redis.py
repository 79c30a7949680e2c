"""Redis flushed, killed, paused while workers use it (F5): only latency suffers."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AsyncExitStack
from itertools import product
from pathlib import Path
from random import Random
from time import perf_counter
from typing import TYPE_CHECKING

import aiohttp
import pytest

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.redis import route_table
from homeserver.infrastructure.redis.health import UnhealthyRedisError, redis_health
from homeserver.infrastructure.redis.link import RedisDownError, RedisLink, Script
from homeserver.infrastructure.redis.route_table import RedisRouteTable
from tests.support.redis import (
    PrivateRedis,
    eventually,
    new_generation,
    open_link,
    private_redis,
)
from tests.support.services import require_service
from tests.support.workers import running_workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.server import FirnProcess

USERS = range(1, 401)
BACK = 3.0
"""Seconds after Redis' return within which every route is there again."""


@pytest.fixture
async def redis() -> AsyncIterator[PrivateRedis]:
    require_service("redis")
    async with private_redis() as server:
        yield server


@pytest.fixture
async def tables(redis: PrivateRedis) -> AsyncIterator[tuple[RedisRouteTable, RedisRouteTable]]:
    """Two workers as they are in production, the second with many devices."""
    generation, made = new_generation(), []
    async with AsyncExitStack() as stack:
        for name in ("a-1", "b-1"):
            link = RedisLink(redis.url, generation, SystemClock())
            stack.push_async_callback(link.close)
            table = RedisRouteTable(link, SystemClock())
            stack.push_async_callback(table.leave)
            await table.join(name)
            made.append(table)
        await asyncio.gather(*(made[1].attach(user, 7) for user in USERS))
        await eventually(lambda: all_found(made[0]), BACK)
        yield made[0], made[1]


async def all_found(table: RedisRouteTable) -> bool:
    found = await table.workers_of([*USERS])
    return all(set(found.get(user, ())) == {"b-1"} for user in USERS)


async def forgotten(table: RedisRouteTable) -> bool:
    return not await table.workers_of([*USERS])


async def test_F5_routes_are_back_after_a_flush(
    redis: PrivateRedis, tables: tuple[RedisRouteTable, RedisRouteTable]
) -> None:
    a, b = tables
    for _ in range(2):
        await redis.flush()
        await asyncio.sleep(1.1)  # longer than look-ups are remembered
        assert await eventually(lambda: all_found(a), BACK) < BACK
    assert {"a-1", "b-1"} == set(await a.workers()) == set(await b.workers())


async def test_F5_routes_are_back_after_a_kill(
    redis: PrivateRedis, tables: tuple[RedisRouteTable, RedisRouteTable]
) -> None:
    a, b = tables
    redis.kill()
    await eventually(lambda: forgotten(a), 2)
    began = perf_counter()
    await b.attach(1000, 7)
    assert perf_counter() - began < 0.3
    await redis.start()
    await eventually(lambda: all_found(a), BACK)

    async def the_late_one_is_found() -> bool:
        return set((await a.workers_of([1000])).get(1000, ())) == {"b-1"}

    await eventually(the_late_one_is_found, BACK)


async def test_F5_routes_are_back_after_a_restart_that_nobody_saw(
    redis: PrivateRedis, tables: tuple[RedisRouteTable, RedisRouteTable]
) -> None:
    a, _ = tables
    redis.kill()
    await redis.start()
    await asyncio.sleep(1.1)
    await eventually(lambda: all_found(a), BACK)


async def test_F5_an_old_snapshot_is_not_taken_for_the_present(
    redis: PrivateRedis, tables: tuple[RedisRouteTable, RedisRouteTable]
) -> None:
    """All routes but one are lost while the worker itself stays known, in another life."""
    a, b = tables
    b._life = b"the life before"
    link = open_link(redis.url, b"")
    keys = await link.call("KEYS", "*:user:*")
    await link.call("DEL", *keys[1:])
    await link.close()
    await asyncio.sleep(1.1)
    await eventually(lambda: all_found(a), BACK)


async def test_F5_a_paused_redis_costs_a_tenth_of_a_second_and_then_nothing(
    redis: PrivateRedis, tables: tuple[RedisRouteTable, RedisRouteTable]
) -> None:
    a, b = tables
    await asyncio.sleep(1.1)
    redis.pause()
    costs = []
    for number in range(20):
        began = perf_counter()
        await a.workers_of([*USERS])
        await b.attach(2000 + number, 7)
        costs.append(perf_counter() - began)
        await asyncio.sleep(0.1)
    assert max(costs) < 0.5  # two calls, on a busy machine
    assert sorted(costs)[len(costs) // 2] < 0.05
    assert set(await b.workers()) == {"b-1"}
    assert set((await b.workers_of([1]))[1]) == {"b-1"}
    await asyncio.sleep(2.5)  # workers have run out by now
    redis.resume()
    await eventually(lambda: all_found(a), BACK)


async def test_F5_evicted_routes_come_back_and_run_out_ones_go(
    redis: PrivateRedis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Redis may drop single keys when it is full; of a minute's beats one writes each anew."""
    monkeypatch.setattr(route_table, "MISSED_BEATS", 1000)  # nobody is taken for dead
    link = open_link(redis.url, new_generation())
    a, b = (RedisRouteTable(link, SystemClock(), beat=0.03, fresh=0) for _ in range(2))
    await a.join("a-1")
    await b.join("b-1")
    for user in USERS:
        await b.attach(user, 7)
    await link.call("DEL", *(f"{link.prefix}user:{user}" for user in USERS[:200]))
    await link.call("HSET", f"{link.prefix}user:{USERS[-1]}", "8 b-1", 1)
    assert not await all_found(a)
    await eventually(lambda: all_found(a), 10)
    assert set(await a.devices_of(USERS[-1])) == {7}
    assert await link.call("HLEN", f"{link.prefix}user:{USERS[-1]}") == 1
    for table in (a, b):
        await table.leave()
    await link.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_F5_in_the_end_the_table_says_what_is_so(redis: PrivateRedis, seed: int) -> None:
    """Connections come and go on three workers while Redis is flushed, paused and killed."""
    chance, model = Random(seed), Counter[tuple[int, int, int]]()
    link = RedisLink(redis.url, new_generation(), SystemClock(), call_seconds=0.05)
    tables = [
        RedisRouteTable(link, SystemClock(), beat=0.1, linger=0.05, fresh=0) for _ in range(3)
    ]
    for number, table in enumerate(tables):
        await table.join(f"w-{number}")
    for step in range(600):
        await come_or_go(tables, model, chance)
        if step % 100 == 50:
            await hurt(redis, chance)
        if step % 20 == 0:
            await asyncio.sleep(0.03)

    async def all_agree() -> bool:
        for user, table in product(range(8), tables):
            found = {device: set(w) for device, w in (await table.devices_of(user)).items()}
            if found != online(model, user):
                return False
        return True

    await eventually(all_agree, BACK)
    for table in tables:
        await table.leave()
    await link.close()


async def come_or_go(
    tables: list[RedisRouteTable], model: Counter[tuple[int, int, int]], chance: Random
) -> None:
    """Open or close a connection; `model` counts them by worker, user and device."""
    what = chance.randrange(3), chance.randrange(8), chance.randrange(2)
    worker, user, device = what
    if chance.random() < 0.5:
        model[what] += 1
        await tables[worker].attach(user, device)
    elif model[what]:
        model[what] -= 1
        await tables[worker].detach(user, device)


def online(model: Counter[tuple[int, int, int]], user: int) -> dict[int, set[str]]:
    """The devices of a user with their workers."""
    found: dict[int, set[str]] = {}
    for (worker, somebody, device), count in model.items():
        if count and somebody == user:
            found.setdefault(device, set()).add(f"w-{worker}")
    return found


async def hurt(redis: PrivateRedis, chance: Random) -> None:
    match chance.randrange(3):
        case 0:
            await redis.flush()
        case 1:
            redis.kill()
            await asyncio.sleep(0.1)
            await redis.start()
        case _:
            redis.pause()
            await asyncio.sleep(chance.choice((0.1, 0.6)))
            redis.resume()


async def test_F5_no_descriptor_is_left_behind(redis: PrivateRedis) -> None:
    link = RedisLink(redis.url, b"", SystemClock(), call_seconds=0.05)
    await asyncio.gather(*(link.call("PING") for _ in range(20)))
    before = descriptors()
    for _ in range(3):
        redis.pause()
        answers = await asyncio.gather(
            *(link.call("PING", probe=True) for _ in range(20)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {RedisDownError}
        redis.resume()
        await eventually(lambda: answers_again(link), 3)
    await asyncio.sleep(0.1)
    assert descriptors() <= before
    await link.close()


async def test_F5_one_answer_is_never_taken_for_another(redis: PrivateRedis) -> None:
    """Calls that are given up, or cancelled, leave nothing for the next one to read."""
    link = RedisLink(redis.url, b"", SystemClock(), call_seconds=0.05)
    slow = Script("local n = 0 while n < 600000 do n = n + 1 end return ARGV[1]")
    heard = 0
    for number in range(60):
        task = asyncio.create_task(link.run(slow, [], [number], probe=True))
        await asyncio.sleep(0.004 if number % 2 else 0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        try:
            answer = await link.call("ECHO", f"mine {number}", probe=True)
            assert answer == f"mine {number}".encode()
            heard += 1
        except RedisDownError:
            await asyncio.sleep(0.02)
    assert heard >= 5
    await link.close()


async def test_a_script_that_redis_forgot_is_sent_again(redis: PrivateRedis) -> None:
    link = open_link(redis.url, b"")
    script = Script("return ARGV[1] .. KEYS[1]")
    for _ in range(2):
        assert await link.run(script, ["k"], ["a"]) == b"afirn::k"
        await link.call("SCRIPT", "FLUSH")
    await link.close()


async def test_errors_of_redis_are_the_one_error(redis: PrivateRedis) -> None:
    link = open_link(redis.url, b"")
    await link.call("SET", "text", "x")
    with pytest.raises(RedisDownError):
        await link.call("HGETALL", "text")
    with pytest.raises(RedisDownError):
        await link.run(Script("error('no')"), [], [], probe=True)
    assert await link.call("GET", "text", probe=True) == b"x"
    await link.close()


async def test_the_doctor_knows_a_fit_redis(redis: PrivateRedis) -> None:
    assert (await redis_health(redis.url)).startswith("Redis ")
    link = open_link(redis.url, b"")
    await link.call("CONFIG", "SET", "maxmemory", "100mb")
    with pytest.raises(UnhealthyRedisError, match="volatile-lru"):
        await redis_health(redis.url)
    await link.close()
    redis.kill()
    with pytest.raises(UnhealthyRedisError, match="does not answer"):
        await redis_health(redis.url)
    with pytest.raises(UnhealthyRedisError, match=r"redis\.url must be"):
        await redis_health("http://localhost")


async def answers_again(link: RedisLink) -> bool:
    try:
        return bool(await link.call("PING", probe=True))
    except RedisDownError:
        return False


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_F5_limits_hold_across_servers_and_redis_may_die(
    redis: PrivateRedis, tmp_path: Path, mysql_database_url: str
) -> None:
    async with AsyncExitStack() as stack:
        settings = {
            "FIRN__REDIS__URL": redis.url,
            "FIRN__RATE_LIMITS__ENABLED": "true",
            "FIRN__RATE_LIMITS__LOGIN__PER_SECOND": "0.001",
            "FIRN__RATE_LIMITS__LOGIN__BURST": "6",
        }
        servers = await stack.enter_async_context(
            running_workers(tmp_path, mysql_database_url, "one", "two", **settings)
        )
        http = await stack.enter_async_context(aiohttp.ClientSession())
        statuses = []
        for server in [*servers] * 5:
            statuses.append(await log_in(http, server))
            await asyncio.sleep(0.2)
        assert 6 <= statuses.count(403) <= 8
        assert statuses[-1] == 429
        redis.kill()
        assert [await log_in(http, server) for server in servers] == [429, 429]
        assert [await server.stop() for server in servers] == [0, 0]


async def log_in(http: aiohttp.ClientSession, server: FirnProcess) -> int:
    """Guess a password; 403 where one may guess."""
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": "nobody"},
        "password": "x",
    }
    async with http.post(f"{server.base}/_matrix/client/v3/login", json=body) as answer:
        return answer.status
