"""What `RouteTable` promises, in one process and over Redis."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from time import perf_counter
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.route_table import EmbeddedRouteTable, RouteBoard
from homeserver.infrastructure.redis import route_table
from homeserver.infrastructure.redis.route_table import RedisRouteTable
from tests.support.redis import eventually, new_generation, open_link
from tests.support.services import require_service
from tests.support.tcp_proxy import TcpProxy, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.ports.route_table import RouteTable

AMY, BEN, CAT = 1, 2, 3
PHONE, LAPTOP = 11, 12
SOON = 0.3
"""Seconds in which a call returns where Redis cannot be reached, on a busy machine too."""


class EmbeddedWorkers:
    """Workers in one process."""

    def __init__(self) -> None:
        self._board = RouteBoard()

    async def worker(self, name: str) -> RouteTable:
        table = await self.table()
        await table.join(name)
        return table

    async def table(self) -> RouteTable:
        return EmbeddedRouteTable(self._board)


class RedisWorkers:
    """Workers that share a Redis, each behind a relay of its own."""

    def __init__(self, stack: AsyncExitStack) -> None:
        self._stack = stack
        self._generation = new_generation()
        self._proxies: dict[int, TcpProxy] = {}

    async def worker(self, name: str) -> RouteTable:
        table = await self.table()
        await table.join(name)
        return table

    async def table(self) -> RouteTable:
        parts = urlsplit(require_service("redis"))
        proxy = await self._stack.enter_async_context(open_proxy("127.0.0.1", parts.port or 0))
        url = f"redis://:{parts.password}@127.0.0.1:{proxy.port}/0"
        link = open_link(url, self._generation)
        self._stack.push_async_callback(link.close)
        table = RedisRouteTable(link, SystemClock(), beat=0.2, linger=0.2, fresh=0.1)
        self._stack.push_async_callback(table.leave)
        self._proxies[id(table)] = proxy
        return table

    def cut_off(self, table: RouteTable) -> None:
        """From now on Redis is down for this worker, and the worker dead for the others."""
        proxy = self._proxies[id(table)]
        proxy.down = True
        proxy.cut_all()

    def connect(self, table: RouteTable) -> None:
        """Redis is there again."""
        self._proxies[id(table)].down = False


@pytest.fixture
async def redis_workers() -> AsyncIterator[RedisWorkers]:
    require_service("redis")
    async with AsyncExitStack() as stack:
        yield RedisWorkers(stack)


Workers = EmbeddedWorkers | RedisWorkers


@pytest.fixture(params=["embedded", "redis"])
def workers(request: pytest.FixtureRequest) -> Workers:
    if request.param == "embedded":
        return EmbeddedWorkers()
    found: RedisWorkers = request.getfixturevalue("redis_workers")
    return found


async def routes(table: RouteTable, *users: int) -> dict[int, set[str]]:
    return {user: set(found) for user, found in (await table.workers_of(users)).items()}


async def devices(table: RouteTable, user: int) -> dict[int, set[str]]:
    return {device: set(found) for device, found in (await table.devices_of(user)).items()}


# --- both -------------------------------------------------------------------------------------


async def test_a_device_is_found_on_every_worker_that_has_it(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    await a.attach(AMY, PHONE)
    await b.attach(AMY, PHONE)
    await b.attach(BEN, LAPTOP)
    assert await routes(a, AMY, BEN) == {AMY: {"a-1", "b-1"}, BEN: {"b-1"}}
    assert await routes(b, AMY, BEN) == {AMY: {"a-1", "b-1"}, BEN: {"b-1"}}


async def test_users_without_a_route_are_absent(workers: Workers) -> None:
    a = await workers.worker("a-1")
    await a.attach(AMY, PHONE)
    assert await routes(a, BEN, CAT) == {}
    assert await routes(a) == {}


async def test_devices_are_found_with_their_workers(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    await a.attach(AMY, PHONE)
    await b.attach(AMY, PHONE)
    await b.attach(AMY, LAPTOP)
    assert await devices(a, AMY) == {PHONE: {"a-1", "b-1"}, LAPTOP: {"b-1"}}
    assert await devices(a, BEN) == {}


async def test_the_last_connection_takes_the_route_with_it(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    await a.attach(AMY, PHONE)
    await a.attach(AMY, PHONE)
    await a.detach(AMY, PHONE)
    await asyncio.sleep(0.7)  # longer than a device may linger
    assert await routes(b, AMY) == {AMY: {"a-1"}}
    await a.detach(AMY, PHONE)
    for table in (a, b):
        await eventually(lambda table=table: gone(table, AMY), 2)  # type: ignore[misc]
    assert await devices(b, AMY) == {}


async def test_another_device_keeps_its_route(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    await a.attach(AMY, PHONE)
    await a.attach(AMY, LAPTOP)
    await a.detach(AMY, PHONE)

    async def only_the_laptop() -> bool:
        return await devices(b, AMY) == {LAPTOP: {"a-1"}}

    await eventually(only_the_laptop, 2)
    assert await routes(b, AMY) == {AMY: {"a-1"}}


async def test_one_detach_too_many_has_no_effect(workers: Workers) -> None:
    a = await workers.worker("a-1")
    await a.detach(AMY, PHONE)
    await a.attach(AMY, PHONE)
    await a.detach(AMY, PHONE)
    await a.detach(AMY, PHONE)
    await a.attach(AMY, PHONE)
    await asyncio.sleep(0.7)
    assert await routes(a, AMY) == {AMY: {"a-1"}}


async def test_a_device_that_comes_back_at_once_is_never_away(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    for _ in range(20):
        await a.attach(AMY, PHONE)
        assert await devices(b, AMY) == {PHONE: {"a-1"}}
        await a.detach(AMY, PHONE)
    await a.attach(AMY, PHONE)
    await asyncio.sleep(0.7)
    assert await devices(b, AMY) == {PHONE: {"a-1"}}


async def test_workers_are_those_who_joined_and_did_not_leave(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    assert set(await a.workers()) == {"a-1", "b-1"}
    await eventually(lambda: set(a.known_workers()) == {"a-1", "b-1"}, 2)
    await b.leave()
    assert set(await a.workers()) == {"a-1"}
    await eventually(lambda: set(a.known_workers()) == {"a-1"}, 2)


async def test_who_leaves_takes_its_routes(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    await a.attach(AMY, PHONE)
    await b.attach(AMY, PHONE)
    await b.leave()
    assert await devices(a, AMY) == {PHONE: {"a-1"}}
    await eventually(lambda: only(a, AMY, "a-1"), 2)


async def test_what_was_attached_before_joining_is_registered_then(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.table()
    await b.attach(AMY, PHONE)
    assert await devices(a, AMY) == {}
    await b.join("b-1")
    assert await devices(a, AMY) == {PHONE: {"b-1"}}


async def test_a_new_life_has_none_of_the_old_routes(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    await b.attach(AMY, PHONE)
    await b.leave()
    again = await workers.worker("b-2")
    await again.attach(BEN, PHONE)
    assert await routes(a, AMY, BEN) == {BEN: {"b-2"}}


async def test_many_users_and_many_at_once(workers: Workers) -> None:
    a, b = await workers.worker("a-1"), await workers.worker("b-1")
    users = range(1, 1301)
    await asyncio.gather(*(b.attach(user, user % 3) for user in users))
    wanted = {user: {"b-1"} for user in users}

    async def all_are_found() -> bool:  # a call may give up on a busy machine
        found = await asyncio.gather(*(routes(a, *users) for _ in range(5)))
        return found == [wanted] * 5

    await eventually(all_are_found, 5)


# --- a table that can be away -----------------------------------------------------------------


async def test_a_dead_worker_is_forgotten_with_its_routes(redis_workers: RedisWorkers) -> None:
    a, b = await redis_workers.worker("a-1"), await redis_workers.worker("b-1")
    await b.attach(AMY, PHONE)
    assert await routes(a, AMY) == {AMY: {"b-1"}}
    redis_workers.cut_off(b)

    async def forgotten() -> bool:
        return set(await a.workers()) == {"a-1"} and await devices(a, AMY) == {}

    await eventually(forgotten, 3)
    await eventually(lambda: gone(a, AMY), 1)


async def test_where_the_table_is_down_only_what_is_here_is_found(
    redis_workers: RedisWorkers,
) -> None:
    a, b = await redis_workers.worker("a-1"), await redis_workers.worker("b-1")
    await a.attach(AMY, PHONE)
    await b.attach(AMY, LAPTOP)
    await b.attach(BEN, LAPTOP)
    await eventually(lambda: "b-1" in a.known_workers(), 2)
    redis_workers.cut_off(a)
    began = perf_counter()
    assert await routes(a, AMY, BEN) == {AMY: {"a-1"}}
    assert perf_counter() - began < SOON
    assert await devices(a, AMY) == {PHONE: {"a-1"}}
    assert set(await a.workers()) == {"a-1"}
    await b.leave()
    await asyncio.sleep(0.3)
    assert set(a.known_workers()) == {"a-1", "b-1"}


async def test_what_attaches_while_the_table_is_down_is_registered_when_it_is_back(
    redis_workers: RedisWorkers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(route_table, "MISSED_BEATS", 1000)  # b is not taken for dead
    a, b = await redis_workers.worker("a-1"), await redis_workers.worker("b-1")
    await b.attach(CAT, PHONE)
    redis_workers.cut_off(b)
    began = perf_counter()
    await b.attach(AMY, PHONE)
    assert perf_counter() - began < SOON
    many = range(1000, 1300)
    await asyncio.gather(*(b.attach(user, PHONE) for user in many))
    await b.detach(CAT, PHONE)
    await asyncio.sleep(0.5)
    redis_workers.connect(b)
    wanted = {user: {"b-1"} for user in (AMY, *many)}

    async def all_are_found() -> bool:
        return await routes(a, AMY, CAT, *many) == wanted

    await eventually(all_are_found, 3)


async def test_a_worker_joins_when_the_table_is_back(redis_workers: RedisWorkers) -> None:
    a, b = await redis_workers.worker("a-1"), await redis_workers.table()
    redis_workers.cut_off(b)
    began = perf_counter()
    await b.join("b-1")
    assert perf_counter() - began < SOON
    await b.attach(AMY, PHONE)
    assert set(await a.workers()) == {"a-1"}
    redis_workers.connect(b)
    await eventually(lambda: only(a, AMY, "b-1"), 3)
    assert set(await a.workers()) == {"a-1", "b-1"}


async def test_leaving_where_the_table_is_down_ends_soon(redis_workers: RedisWorkers) -> None:
    a, b = await redis_workers.worker("a-1"), await redis_workers.worker("b-1")
    await b.attach(AMY, PHONE)
    redis_workers.cut_off(b)
    began = perf_counter()
    await b.leave()
    assert perf_counter() - began < 2 * SOON
    await eventually(lambda: gone(a, AMY), 3)


async def test_two_stores_that_share_a_redis_do_not_meet(redis_workers: RedisWorkers) -> None:
    async with AsyncExitStack() as stack:
        a, other = await redis_workers.worker("a-1"), RedisWorkers(stack)
        b = await other.worker("b-1")
        await b.attach(AMY, PHONE)
        assert await routes(a, AMY) == {}
        assert set(await a.workers()) == {"a-1"}


async def gone(table: RouteTable, user: int) -> bool:
    return await routes(table, user) == {}


async def only(table: RouteTable, user: int, worker: str) -> bool:
    return await routes(table, user) == {user: {worker}}
