"""Several workers in this process with the whole API, real accounts among it, over one MariaDB."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from homeserver.bootstrap.api import build_api
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.delivery import Cluster, start_delivery
from homeserver.config import LiveSettings, load
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.embedded.rate_limiter import MemoryRateLimiter
from homeserver.presentation.app import build_server
from homeserver.presentation.settings import HttpSettings
from tests.support.client import Device
from tests.support.cluster import KEY, BlindRoutes, FaultyBus, Post
from tests.support.store import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homeserver.bootstrap.api import Api
    from homeserver.bootstrap.core import Core
    from homeserver.infrastructure.sql.database import Database
    from tests.support.store import Store


@dataclass
class Office:
    """One worker as `firn serve` composes it."""

    core: Core
    api: Api
    base: str

    async def stall_tail(self) -> None:
        """Let it follow the logs no more."""
        assert self.core.tail is not None
        await self.core.tail.stop()


@dataclass
class Offices:
    """Workers with a common post, and the devices that talk to them."""

    store: Store
    post: Post
    stack: AsyncExitStack
    workers: list[Office] = field(default_factory=list)

    async def open(self, name: str, database: Database | None = None) -> Office:
        """Start one more worker, by default over connections of its own."""
        settings = {
            "FIRN__SERVER_NAME": self.store.server_name,
            "FIRN__WORKER__NAME": name,
            "FIRN__REGISTRATION__OPEN": "true",
        }
        database = database or await self.store.another()
        core = await build_core(
            LiveSettings(load(None, settings)), SystemClock(), SystemIds(), database
        )
        self.stack.push_async_callback(core.writer.stop)
        cluster, limiter = (
            Cluster(FaultyBus(self.post), BlindRoutes(self.post), KEY),
            MemoryRateLimiter({}),
        )
        api = build_api(core, limiter, cluster)
        delivery = await start_delivery(core, cluster)
        self.stack.push_async_callback(delivery.stop)
        self.stack.callback(api.sync.typing.close)
        server = build_server(
            api.routes,
            authenticator=api.accounts.authenticator,
            limiter=limiter,
            settings=HttpSettings(linger_seconds=0.0, drain_seconds=2.0),
        )
        await server.listen("127.0.0.1", 0)
        self.stack.push_async_callback(api.stream.sockets.closed, 5.0)
        self.stack.push_async_callback(server.stop)
        self.stack.callback(api.stream.sockets.drain)
        self.stack.callback(core.hub.drain)
        office = Office(core, api, f"http://127.0.0.1:{server.port}")
        self.workers.append(office)
        return office

    async def device(self, name: str, worker: int = 0, *, register: bool = True) -> Device:
        """A logged-in device of a user, who may be new."""
        device = await self.stack.enter_async_context(Device(self.workers[worker].base))
        return await (device.register(name) if register else device.login(name))


@asynccontextmanager
async def open_offices(folder: Path, *names: str) -> AsyncIterator[Offices]:
    """Start workers over an empty MariaDB database."""
    async with open_store("mysql", folder) as store, AsyncExitStack() as stack:
        offices = Offices(store, Post(), stack)
        for name in names:
            await offices.open(name)
        yield offices
