"""Messages between workers: any worker takes them, any worker delivers them, once and in order."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.cluster import ClusterTown, open_cluster
from tests.support.messages import command, numbers, tell
from tests.support.streaming import streaming
from tests.support.syncing import now

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.cluster import HoppingPhone

PUSHED = 0.3
BOUND = 0.7
"""Seconds after which a message is delivered although every push was lost."""


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Two workers with a good bus."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        yield opened


async def collect(phone: HoppingPhone, count: int) -> list[int]:
    """Sync until so many messages came."""
    got: list[int] = []
    async with asyncio.timeout(20):
        while len(got) < count:
            got += numbers(await phone.get(timeout_ms=2_000))
    return got


@pytest.mark.parametrize("way", ["good", "lost", "blind"])
async def test_a_poll_on_another_worker_hears_in_time(town: ClusterTown, way: str) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    await town.settle()
    await juliet.get()
    town.post.lose, town.post.blind = float(way == "lost"), way == "blind"
    waits = []
    for number in range(5):
        poll = asyncio.create_task(juliet.get(timeout_ms=5_000))
        await asyncio.sleep(0.07 * number)
        sent = now()
        await tell(romeo, juliet, number)
        assert numbers(await poll) == [number]
        waits.append(now() - sent)
    assert sorted(waits)[2] < (PUSHED if way == "good" else BOUND)


async def test_a_message_disturbs_nothing_else_of_its_user(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 1)
    await town.settle()
    await juliet.get()
    heard: list[int] = []
    town.workers[1].core.hub.user_listeners.append(heard.append)
    await tell(romeo, juliet, 1)
    assert await collect(juliet, 1) == [1]
    assert heard == []  # sessions, profile and account data stay in memory
    await juliet.get()


async def test_hopping_devices_get_each_message_once_and_in_order(town: ClusterTown) -> None:
    romeo, nurse = await town.phone("romeo"), await town.phone("nurse")
    juliet = await town.phone("juliet")
    town.post.lose, town.post.double, town.post.delay = 0.3, 0.3, 0.5
    await juliet.get()
    senders = (tell(romeo, juliet, *range(60)), tell(nurse, juliet, *range(100, 160)))
    _, _, got = await asyncio.gather(*senders, collect(juliet, 120))
    assert [n for n in got if n < 100] == list(range(60))
    assert [n for n in got if n >= 100] == list(range(100, 160))


async def test_acknowledged_on_one_worker_it_does_not_come_from_another(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 0)
    await juliet.get()
    await tell(romeo, juliet, 1)
    assert await collect(juliet, 1) == [1]
    juliet.base = town.workers[1].base
    assert numbers(await juliet.get()) == []
    for worker in town.workers:
        await worker.parts.inboxes.settle()
    assert await town.workers[0].store.dump("to_device") == []
    await tell(romeo, juliet, 2)
    assert await collect(juliet, 1) == [2]


async def test_an_answer_lost_on_one_worker_is_given_again_by_another(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 0)
    await juliet.get()
    await tell(romeo, juliet, 1)
    lost = await juliet.fresh(since=juliet.since)
    assert numbers(lost) == [1]
    juliet.base = town.workers[1].base
    assert await collect(juliet, 1) == [1]
    assert numbers(await juliet.get()) == []


async def test_sockets_hop_too(town: ClusterTown) -> None:
    romeo, juliet = await town.phone("romeo", 0), await town.phone("juliet", 0)
    await juliet.get()
    got: list[int] = []
    for number in range(6):
        juliet.base = town.workers[number % 2].base
        async with streaming(juliet) as socket:
            await tell(romeo, juliet, number)
            while number not in got:
                got += numbers(await socket.sync(ack=bool(number % 3)))
    assert got == list(range(6))


async def test_online_is_who_is_on_any_worker(town: ClusterTown) -> None:
    platform, juliet = await town.phone("platform", 0), await town.phone("juliet", 1)
    tablet = await town.phone("juliet", 0)
    known = town.workers[0].known
    known[platform.token] = replace(known[platform.token], is_admin=True)
    await juliet.get()
    answer = await command(platform, juliet.user_id)
    assert answer == {"devices": {juliet.device_id: "online", tablet.device_id: "stored"}}
    assert await collect(juliet, 1) == [1]
    assert await collect(tablet, 1) == [1]
