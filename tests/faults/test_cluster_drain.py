"""F12 in a cluster: a worker that is told to stop leaves nothing behind and loses nothing."""

from __future__ import annotations

import asyncio
import signal
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import pymysql
import pytest
import redis as redis_py
from sqlalchemy import make_url

from homeserver.infrastructure.rocketmq.admin import Admin
from tests.support.client import Device
from tests.support.databases import address_of
from tests.support.invariants import messages
from tests.support.services import require_service
from tests.support.storm import open_storm
from tests.support.streaming import streaming
from tests.support.workers import cluster_worker, running_workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.storm import Storm
    from tests.support.streaming import Socket

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]


class Slot(NamedTuple):
    """A row of writer_slot; nobody beats for a free one."""

    number: int
    is_beating: bool


def slots(database_url: str) -> dict[str, Slot]:
    """The writer slots by the name of who holds them or did last."""
    database = make_url(database_url).database
    with pymysql.connect(**address_of(database_url), database=database) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT worker, slot, beat_ts FROM writer_slot")
        return {name.decode(): Slot(slot, beat > 0) for name, slot, beat in cursor.fetchall()}


def workers_in_redis(database_url: str) -> set[str]:
    """The names of the workers that Redis knows for this store, of present or earlier lives."""
    database = make_url(database_url).database
    with pymysql.connect(**address_of(database_url), database=database) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT HEX(generation) FROM store")
        generation = cursor.fetchall()[0][0].lower()
    with redis_py.Redis.from_url(require_service("redis")) as client:
        found: list[bytes] = client.zrange(f"firn:{generation}:workers", 0, -1)
    return {worker.decode().rpartition("-")[0] for worker in found}


def topics_of(name: str) -> list[str]:
    """The topics of a worker's lives."""
    admin = Admin(require_service("rocketmq"))
    return [topic for topic in admin.topics() if f"_{name}-" in topic and topic.startswith("push_")]


@asynccontextmanager
async def waiting(storm: Storm, count: int) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Long polls of a device to whom nothing happens."""
    async with Device(storm.base) as quiet:
        await quiet.register("quiet")
        await quiet.sync()
        query = {"since": quiet.since, "timeout": 60_000}
        polls = [asyncio.create_task(quiet.call("GET", "/sync", query=query)) for _ in range(count)]
        yield polls


async def end_of(socket: Socket) -> int | None:
    """The code with which a socket is closed."""
    return (await socket.closed()).code


async def test_F12_a_worker_of_a_cluster_stopped_under_load(
    tmp_path: Path, mysql_database_url: str
) -> None:
    """Done in 10 s; who waits is answered; its routes, topic and slot are free; all goes on."""
    url = mysql_database_url
    # names of our own: the broker is shared
    leaving, staying, coming = (f"{name}{time.monotonic_ns():x}" for name in "lsc")
    async with (
        running_workers(tmp_path, url, leaving, staying) as (one, other),
        open_storm(one.base, users=2) as storm,
        waiting(storm, 10) as polls,
    ):
        blowing = asyncio.create_task(storm.blow(120))
        async with streaming(storm.watchers[0].device) as socket:
            ending = asyncio.create_task(end_of(socket))
            await asyncio.sleep(0.5)
            assert not any(task.done() for task in (*polls, ending))
            assert topics_of(leaving)
            assert workers_in_redis(url) == {leaving, staying}
            async with asyncio.timeout(10):
                assert await one.stop(signal.SIGTERM) == 0
            assert await ending == 1001
        for answer in await asyncio.wait_for(asyncio.gather(*polls), 1):
            assert answer["next_batch"]
        assert topics_of(leaving) == []
        assert workers_in_redis(url) == {staying}
        left = slots(url)[leaving]
        assert not left.is_beating
        for device in (*storm.senders, *(watcher.device for watcher in storm.watchers)):
            device.base = other.base
        await asyncio.wait_for(blowing, 60)
        heir = cluster_worker(tmp_path, coming, url)
        await heir.start()
        try:
            assert slots(url)[coming] == Slot(left.number, is_beating=True)
            storm.senders[0].base = storm.watchers[0].device.base = heir.base
            await storm.repeat()
            await settled(storm)
            await storm.check()
        finally:
            await heir.stop()


async def settled(storm: Storm) -> None:
    """Wait until every worker shows what was acknowledged by any."""
    acknowledged = storm.ledger.of(storm.room).keys()
    async with asyncio.timeout(10):
        for device in storm.senders:
            while acknowledged - {e["event_id"] for e in await messages(device, storm.room)}:
                await asyncio.sleep(0.05)
