"""Several workers over one MariaDB in this process, with a bus and routes that a test breaks."""

from __future__ import annotations

import asyncio
import random
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from homeserver.bootstrap.delivery import Cluster
from homeserver.infrastructure.embedded.event_bus import EmbeddedEventBus, Switchboard
from homeserver.infrastructure.embedded.route_table import EmbeddedRouteTable, RouteBoard
from tests.support.store import open_store
from tests.support.syncing import Phone, SyncTown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping
    from pathlib import Path

    from homeserver.application.requester import Requester
    from homeserver.bootstrap.core import Core

KEY = b"a key for tests only"


@dataclass
class Post:
    """The switchboard and the route table of one cluster.

    `lose`, `double` and `delay` are the chances that a frame is lost, comes twice, or comes
    late by up to a tenth of a second; `blind` routes are not found. Frames of `lost_kinds` are
    lost, those of `held_kinds` stay in `held` until `release`.
    """

    lines: Switchboard = field(default_factory=Switchboard)
    board: RouteBoard = field(default_factory=RouteBoard)
    lose: float = 0.0
    double: float = 0.0
    delay: float = 0.0
    blind: bool = False
    lost_kinds: set[int] = field(default_factory=set)
    held_kinds: set[int] = field(default_factory=set)
    held: list[tuple[str, bytes]] = field(default_factory=list)
    frames: list[tuple[str, bytes]] = field(default_factory=list)
    random: random.Random = field(default_factory=lambda: random.Random(7))

    def count(self, kind: int) -> int:
        """How many frames of a kind were sent."""
        return sum(frame[1] == kind for _, frame in self.frames)

    def release(self) -> None:
        """Deliver what was held up."""
        self.held_kinds.clear()
        bus, held, self.held = EmbeddedEventBus(self.lines), self.held, []
        for worker, frame in held:
            bus.send(worker, frame)


class FaultyBus(EmbeddedEventBus):
    """Delivers as well as its post does."""

    def __init__(self, post: Post) -> None:
        """Use this switchboard."""
        super().__init__(post.lines)
        self._post = post

    def send(self, worker: str, frame: bytes) -> None:
        """Lose the frame, double it, or hold it up."""
        post = self._post
        post.frames.append((worker, frame))
        if frame[1] in post.held_kinds:
            post.held.append((worker, frame))
            return
        if frame[1] in post.lost_kinds or post.random.random() < post.lose:
            return
        for _ in range(1 + (post.random.random() < post.double)):
            late = post.random.random() < post.delay
            seconds = post.random.random() / 10 if late else 0.0
            asyncio.get_running_loop().call_later(seconds, super().send, worker, frame)


class BlindRoutes(EmbeddedRouteTable):
    """Finds nobody while its post is blind."""

    def __init__(self, post: Post) -> None:
        """Use this board."""
        super().__init__(post.board)
        self._post = post

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """See `RouteTable.workers_of`."""
        return {} if self._post.blind else await super().workers_of(users)


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

    def any_worker(self) -> SyncTown:
        """A worker by chance."""
        return self.random.choice(self.workers)

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
            lambda: Cluster(FaultyBus(self.post), BlindRoutes(self.post), KEY),
            phones=first.phones,
            profiles=first.profiles,
            known=first.known,
            presence=first.presence,
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
async def open_cluster(
    folder: Path, *names: str, presence: bool = False
) -> AsyncIterator[ClusterTown]:
    """Start workers over an empty MariaDB database."""
    async with open_store("mysql", folder) as store:
        post = Post()

        def cluster() -> Cluster:
            return Cluster(FaultyBus(post), BlindRoutes(post), KEY)

        first = SyncTown(store, names[0], None, cluster, presence=presence)
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
