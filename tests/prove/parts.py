"""The parts that a run starts for itself: database, Redis, broker, and workers to be killed."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.prove.harm import KEY, SWITCH
from tests.support.broker import OwnRocketMq, own_rocketmq
from tests.support.databases import address_of, database_of_its_own
from tests.support.redis import PrivateRedis, private_redis
from tests.support.server import FirnProcess
from tests.support.services import adopt_services
from tests.support.tcp_proxy import TcpProxy, open_proxy

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence
    from pathlib import Path

    from tests.prove.harm import Harm

STORE = "FIRN_TEST_MYSQL_URL"
START_SECONDS = 120.0
STARTS = 5
"""How often a worker is started before the run gives up: its start too may meet a fault."""


class NoPartError(Exception):
    """Something that a run needs is not to be had here; the text says what."""


@dataclass
class Seat:
    """A place for a worker, who may be replaced by another; the store is behind a proxy."""

    number: int
    worker: FirnProcess
    proxy: TcpProxy
    acknowledged: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def name(self) -> str:
        """The present worker's name."""
        return self.worker.settings["FIRN__WORKER__NAME"]

    @property
    def base(self) -> str:
        """The present worker's address."""
        return self.worker.base


@dataclass
class Parts:
    """All that runs; without a `broker` of the run's own the one at `namesrv` is not broken."""

    folder: Path
    store_url: str
    redis: PrivateRedis
    broker: OwnRocketMq | None
    namesrv: str
    harm: Harm
    seats: list[Seat] = field(default_factory=list)
    retired: list[FirnProcess] = field(default_factory=list)
    _names: int = 0

    def new_name(self) -> str:
        """A worker's name that no other had."""
        self._names += 1
        return f"w{self._names}"

    def worker(self, name: str, proxy: TcpProxy, folder: str) -> FirnProcess:
        """A worker that is not started."""
        own = self.folder / folder
        own.mkdir()
        settings = {
            "FIRN__WORKER__NAME": name,
            "FIRN__CLUSTER__KEY": KEY,
            "FIRN__REDIS__URL": self.redis.url,
            "FIRN__ROCKETMQ__NAMESRV": self.namesrv,
            "FIRN__LOG__LEVEL": "warning",
            SWITCH: json.dumps(asdict(replace(self.harm, tally=str(own / "tally")))),
        }
        url = _through(self.store_url, proxy.port)
        program = "tests.prove.worker"
        return FirnProcess(own, url, settings, program=program, patience_s=START_SECONDS)

    async def start(self, worker: FirnProcess) -> None:
        """Start a worker, again where a fault ended the start. Raises NoPartError."""
        for _ in range(STARTS):
            try:
                await worker.start()
            except (RuntimeError, TimeoutError):
                if worker.process is not None and worker.process.returncode is None:
                    worker.process.kill()
                    await worker.process.wait()
            else:
                return
        raise NoPartError(f"a worker does not start: see {worker.log_file}")

    async def start_broker(self, broker: OwnRocketMq) -> None:
        """Start the run's own broker, again where that takes too long. Raises NoPartError."""
        for _ in range(STARTS):
            with suppress(subprocess.CalledProcessError):
                return await asyncio.to_thread(broker.start)
        raise NoPartError("the broker does not start again")

    def tallies(self) -> Iterator[str]:
        """What all workers of the run did to bundles and routes, a letter for each time."""
        return (path.read_text() for path in self.folder.glob("*/tally"))

    def store_address(self) -> dict[str, object]:
        """The store, for a driver's `connect`."""
        return {**address_of(self.store_url), "database": urlsplit(self.store_url).path.strip("/")}


def _through(url: str, port: int) -> str:
    parts = urlsplit(url)
    account = parts.netloc.rpartition("@")[0]
    return parts._replace(netloc=f"{account}@127.0.0.1:{port}").geturl()


@asynccontextmanager
async def open_parts(
    folder: Path, harm: Harm, workers: int, namesrv: str = ""
) -> AsyncIterator[Parts]:
    """Start everything; kill what still runs in the end. Raises NoPartError.

    With `namesrv` the broker there is used instead of one of the run's own.
    """
    adopt_services()
    store = os.environ.get(STORE)
    if not store:
        raise NoPartError(f"no MariaDB: {STORE} is not set (`make services` starts one)")
    async with AsyncExitStack() as stack:
        url = stack.enter_context(database_of_its_own(store))
        redis = await stack.enter_async_context(private_redis())
        broker = None
        if not namesrv:
            broker = await asyncio.to_thread(_own_broker, stack)
        found = namesrv if broker is None else broker.namesrv
        parts = Parts(folder, url, redis, broker, found, harm)
        stack.push_async_callback(_end, parts)
        address = urlsplit(url)
        for number in range(workers):
            proxy = await stack.enter_async_context(
                open_proxy(address.hostname or "", address.port or 3306)
            )
            name = parts.new_name()
            parts.seats.append(Seat(number, parts.worker(name, proxy, name), proxy))
        for seat in parts.seats:  # one by one: a slot counts as left 10 s after its last beat
            await parts.start(seat.worker)
        yield parts


def _own_broker(stack: AsyncExitStack) -> OwnRocketMq:
    try:
        return stack.enter_context(own_rocketmq())
    except subprocess.CalledProcessError as error:
        raise NoPartError("a RocketMQ of the run's own does not start") from error


async def _end(parts: Parts) -> None:
    workers: Sequence[FirnProcess] = [*parts.retired, *(seat.worker for seat in parts.seats)]
    for worker in workers:
        if worker.process is not None and worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()
