"""A worker with all of the API in this process, and application services beside it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homeserver.bootstrap.api import build_api
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.delivery import Cluster, start_delivery
from homeserver.bootstrap.http import build_http, build_limiter
from homeserver.config import LiveSettings, load
from homeserver.infrastructure.sql.service_queue import SqlServiceQueue
from tests.support.client import Device
from tests.support.cluster import KEY, BlindRoutes, FaultyBus, Post
from tests.support.store import open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

    from homeserver.bootstrap.api import Api
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.delivery import Delivery
    from homeserver.infrastructure.sql.database import Database
    from homeserver.presentation.app import HttpServer
    from tests.support.bridge import Bridge, Ghost
    from tests.support.store import Store


@dataclass
class Bridged:
    """One worker; `settings` are environment variables of it.

    With a `post` it is one of several, on a `database` of its own.
    """

    store: Store
    bridges: list[Bridge]
    worker: str = "main"
    settings: dict[str, str] = field(default_factory=dict)
    devices: list[Device] = field(default_factory=list)
    database: Database | None = None
    post: Post | None = None
    stopped: bool = False

    live: LiveSettings = field(init=False)
    core: Core = field(init=False)
    api: Api = field(init=False)
    server: HttpServer = field(init=False)
    delivery: Delivery = field(init=False)

    @property
    def environ(self) -> dict[str, str]:
        """All of its settings."""
        return {
            "FIRN__SERVER_NAME": self.store.server_name,
            "FIRN__WORKER__NAME": self.worker,
            "FIRN__REGISTRATION__OPEN": "true",
            "FIRN__APPSERVICES": ",".join(bridge.file for bridge in self.bridges),
            "FIRN__RATE_LIMITS__REGISTRATION__BURST": "100",
            "FIRN__RATE_LIMITS__MESSAGES__BURST": "1000",
            **self.settings,
        }

    @property
    def base(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.server.port}"

    async def start(self) -> None:
        """Start as `firn serve` does."""

        self.live = LiveSettings(load(None, self.environ), lambda: load(None, self.environ))
        store = self.store
        database = self.database or store.database
        self.core = await build_core(self.live, store.clock, store.ids, database)
        limiter = build_limiter(self.core)
        cluster = None
        if self.post is not None:
            cluster = Cluster(FaultyBus(self.post), BlindRoutes(self.post), KEY)
        self.api = build_api(self.core, limiter, cluster)
        self.delivery = await start_delivery(self.core, cluster)
        accounts = self.api.accounts
        self.server = build_http(
            self.core, self.api.routes, accounts.authenticator, limiter, accounts.act_as
        )
        await self.server.listen("127.0.0.1", 0)
        self.api.keep_told.start()

    async def stop(self) -> None:
        """Stop in order."""
        self.stopped = True
        for device in self.devices:
            await device.__aexit__(None, None, None)
        self.core.hub.drain()
        await self.server.stop()
        await self.api.keep_told.stop()
        self.api.sync.typing.close()
        self.api.sync.presence.close()
        await self.delivery.stop()
        await self.core.writer.stop()

    async def told(self) -> None:
        """Wait until some worker has begun to tell services."""
        async with asyncio.timeout(20):
            while not any(row[0] == b"appservice" and row[3] for row in await self._roles()):
                await self.core.hub.moved(0.05)

    async def delivered(self, service_id: str) -> None:
        """Wait until a service's last transaction is known to be taken."""
        queue = SqlServiceQueue(self.store.database)
        async with asyncio.timeout(20):
            while (await queue.parcel(service_id)).body:
                await self.core.hub.moved(0.05)

    async def _roles(self) -> Sequence[tuple[Any, ...]]:
        return await self.store.dump("role")

    async def person(self, name: str) -> Device:
        """Somebody who registered."""
        device = Device(self.base)
        self.devices.append(device)
        return await device.register(name)

    async def ghost(self, bridge: Bridge, name: str = "") -> Ghost:
        """A user that a service registered; without a name its sender."""
        ghost = bridge.ghost(self.base)
        self.devices.append(ghost)
        return await ghost.arrive(name) if name else ghost


@asynccontextmanager
async def bridged(store: Store, *bridges: Bridge, **settings: str) -> AsyncIterator[Bridged]:
    """A worker that runs in the block."""
    worker = Bridged(store, list(bridges), settings=settings)
    await worker.start()
    try:
        yield worker
    finally:
        await worker.stop()


@asynccontextmanager
async def bridged_pair(folder: Path, *bridges: Bridge) -> AsyncIterator[tuple[Bridged, Bridged]]:
    """Two workers over one MariaDB database, of which the first tells the services."""
    async with open_store("mysql", folder) as store:
        post = Post()
        one = Bridged(store, list(bridges), "one", post=post)
        await one.start()
        await one.told()
        other = Bridged(store, list(bridges), "other", database=await store.another(), post=post)
        await other.start()
        try:
            yield one, other
        finally:
            for worker in (one, other):
                if not worker.stopped:
                    await worker.stop()
