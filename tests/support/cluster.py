"""Several workers over one MariaDB in this process, with a bus and routes that a test breaks."""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homeserver.bootstrap.delivery import Cluster
from tests.support.store import open_store
from tests.support.syncing import Phone, SyncTown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping
    from pathlib import Path

    from homeserver.application.requester import Requester
    from homeserver.bootstrap.core import Core

KEY = b"a key for tests only"


@dataclass
class Post:
    """The broker and the route table of one cluster, in memory.

    `lose`, `double` and `delay` are the chances that a frame is lost, comes twice, or comes
    late by up to a tenth of a second; `blind` routes are not found.
    """

    receivers: dict[str, Callable[[bytes], None]] = field(default_factory=dict)
    routes: dict[str, dict[tuple[int, int], int]] = field(default_factory=dict)
    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    blind: bool = False
    frames: list[tuple[str, bytes]] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def carry(self, worker: str, frame: bytes) -> None:
        """Deliver, as well as such a thing does."""
        self.frames.append((worker, frame))
        if self.random.random() < self.lose:
            return
        for _ in range(1 + (self.random.random() < self.double)):
            late = self.random.random() < self.delay
            seconds = self.random.random() / 10 if late else 0.0
            asyncio.get_running_loop().call_later(seconds, self._arrive, worker, frame)

    def _arrive(self, worker: str, frame: bytes) -> None:
        receive = self.receivers.get(worker)
        if receive is not None:
            receive(frame)


class MemoryBus:
    """See `EventBus`."""

    def __init__(self, post: Post) -> None:
        """Use this broker."""
        self._post = post
        self._worker = ""

    async def start(self, worker: str, receive: Callable[[bytes], None]) -> None:
        """See `EventBus.start`."""
        self._worker = worker
        self._post.receivers[worker] = receive

    def send(self, worker: str, frame: bytes) -> None:
        """See `EventBus.send`."""
        self._post.carry(worker, frame)

    def healthy(self) -> bool:
        """See `EventBus.healthy`."""
        return True

    async def close(self) -> None:
        """See `EventBus.close`."""
        self._post.receivers.pop(self._worker, None)


class MemoryRoutes:
    """See `RouteTable`."""

    def __init__(self, post: Post) -> None:
        """Use this table."""
        self._all = post.routes
        self._post = post
        self._worker = ""

    async def join(self, worker: str) -> None:
        """See `RouteTable.join`."""
        self._worker = worker
        self._all[worker] = defaultdict(int)

    async def attach(self, user_nid: int, device_nid: int) -> None:
        """See `RouteTable.attach`."""
        self._all[self._worker][user_nid, device_nid] += 1

    async def detach(self, user_nid: int, device_nid: int) -> None:
        """See `RouteTable.detach`."""
        mine = self._all.get(self._worker, {})
        mine[user_nid, device_nid] -= 1
        if mine[user_nid, device_nid] <= 0:
            del mine[user_nid, device_nid]

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """See `RouteTable.workers_of`."""
        found: dict[int, set[str]] = {}
        for worker, routes in self._all.items():
            for user, _ in routes:
                if user in users and not self._post.blind:
                    found.setdefault(user, set()).add(worker)
        return found

    async def devices_of(self, user_nid: int) -> Mapping[int, Collection[str]]:
        """See `RouteTable.devices_of`."""
        found: dict[int, set[str]] = {}
        for worker, routes in self._all.items():
            for user, device in routes:
                if user == user_nid:
                    found.setdefault(device, set()).add(worker)
        return found

    async def workers(self) -> Collection[str]:
        """See `RouteTable.workers`."""
        return set(self._all)

    async def leave(self) -> None:
        """See `RouteTable.leave`."""
        self._all.pop(self._worker, None)


class HoppingPhone(Phone):
    """A device that asks whatever worker comes next, at every request."""

    town: ClusterTown | None = None

    async def call(self, *args: Any, **options: Any) -> Any:
        """Send one request."""
        if self.town is not None:
            self.base = self.town.next_base()
            if self.town.settles and "/sync" in args:
                await self.town.settle()
        return await super().call(*args, **options)


class ClusterTown:
    """Workers over one store; it can stand where a `SyncTown` does."""

    def __init__(self, workers: list[SyncTown], post: Post) -> None:
        """Begin with workers that run."""
        self.workers = workers
        self.post = post
        self.settles = False
        self.random = random.Random(11)

    @property
    def core(self) -> Core:
        """The first worker's."""
        return self.workers[0].core

    def next_base(self) -> str:
        """The address of any worker."""
        return self.random.choice(self.workers).base

    async def phone(self, name: str, worker: int | None = None) -> HoppingPhone:
        """A new device; it hops, or stays with a worker."""
        phone = await self.workers[0].phone(name, HoppingPhone)
        assert isinstance(phone, HoppingPhone)
        if worker is None:
            phone.town = self
        else:
            phone.base = self.workers[worker].base
        return phone

    def requester(self, phone: Phone) -> Requester:
        """Who a device is."""
        return self.workers[0].requester(phone)

    def detach(self, phone: Phone) -> None:
        """Let all workers forget that the user syncs there."""
        for worker in self.workers:
            worker.detach(phone)

    async def rename(self, phone: Phone, name: str) -> None:
        """Change a profile in all rooms, through any worker."""
        await self.random.choice(self.workers).rename(phone, name)

    async def restart(self) -> None:
        """Start some worker anew."""
        await self.random.choice(self.workers).restart()

    async def join(self, name: str) -> SyncTown:
        """Start one more worker."""
        first = self.workers[0]
        worker = SyncTown(
            first.store,
            name,
            await first.store.another(),
            lambda: Cluster(MemoryBus(self.post), MemoryRoutes(self.post), KEY),
            first.phones,
            first.profiles,
            first.known,
        )
        await worker.start()
        self.workers.append(worker)
        return worker

    async def settle(self) -> None:
        """Wait until every worker has what the store has."""
        upto = await self.core.log.vector()
        for worker in self.workers:
            own = worker.core.writer.lease.slot
            hub = worker.core.hub
            async with asyncio.timeout(5):
                while any(hub.ticks.vector[s] < pos for s, pos in upto.items() if s != own):
                    worker.core.tail.wake() if worker.core.tail else None
                    await hub.moved(0.1)


@asynccontextmanager
async def open_cluster(folder: Path, *names: str) -> AsyncIterator[ClusterTown]:
    """Start workers over an empty MariaDB database."""
    async with open_store("mysql", folder) as store:
        post = Post()

        def cluster() -> Cluster:
            return Cluster(MemoryBus(post), MemoryRoutes(post), KEY)

        first = SyncTown(store, names[0], None, cluster)
        await first.start()
        town = ClusterTown([first], post)
        try:
            for name in names[1:]:
                await town.join(name)
            yield town
        finally:
            for phone in first.phones:
                await phone.__aexit__(None, None, None)
            for worker in town.workers:
                await worker.stop()
