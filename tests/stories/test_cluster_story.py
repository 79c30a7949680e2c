"""The story on three workers behind their gateway: each device on another one, over both
transports, while one of them is killed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from firn_client import Client
from tests.support.client import Device
from tests.support.databases import database_of_its_own
from tests.support.phones import NioPhone, SocketPhone
from tests.support.storm import open_storm
from tests.support.story import Cast, play
from tests.support.streaming import streaming
from tests.support.whole_cluster import WholeCluster, running_cluster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from tests.support.phones import Phone

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]
SERVED_BY = "X-Served-By"
SYNC = "/_matrix/client/v3/sync"


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, mysql_url: str) -> Iterator[WholeCluster]:
    """One for all tests here; who kills something waits until it is back."""
    folder = tmp_path_factory.mktemp("cluster")
    with database_of_its_own(mysql_url) as url, running_cluster(folder, url) as cluster:
        yield cluster


def calamity(cluster: WholeCluster, cast: Cast) -> Callable[[], Awaitable[None]]:
    """Kill the first worker, where romeo's first and juliet's second device are."""

    async def happen() -> None:
        pid = cluster.kill(0)
        await cast.romeo.move(cluster.workers[1])
        await cast.juliet2.move(cluster.workers[2])
        await cluster.replaced(0, pid)
        await cast.romeo2.move(cluster.workers[0])  # to one that has just begun

    return happen


@pytest.mark.parametrize(
    ("romeos", "juliets"),
    [(NioPhone, NioPhone), (SocketPhone, SocketPhone), (NioPhone, SocketPhone)],
    ids=["long-poll", "websocket", "both"],
)
async def test_each_device_on_another_worker_while_one_is_killed(
    cluster: WholeCluster, romeos: type[Any], juliets: type[Any], request: pytest.FixtureRequest
) -> None:
    suffix = request.node.callspec.id
    one, two, three = cluster.workers
    kinds: list[tuple[type[Any], str, str]] = [
        *((romeos, base, "romeo") for base in (one, two)),
        *((juliets, base, "juliet") for base in (three, one)),
    ]
    phones: list[Phone] = [kind(base, f"{name}-{suffix}") for kind, base, name in kinds]
    cast = Cast(*phones)
    try:
        await play(cast, calamity(cluster, cast))
    finally:
        await cast.leave()
