"""Between workers: the tail of the logs, and bundles over a bus."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from homeserver.application.delivery.courier import Courier
from homeserver.application.delivery.frames import Frames
from homeserver.application.delivery.link import Link
from homeserver.application.delivery.mailbox import Mailbox
from homeserver.infrastructure.telemetry import delivery as figures

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from homeserver.application.ports.event_bus import EventBus
    from homeserver.application.ports.route_table import RouteTable
    from homeserver.bootstrap.core import Core


@dataclass(frozen=True, slots=True)
class Cluster:
    """What several workers share beside the store.

    `kinds` are the frames that parts of the server take, by kind; they register here, and in
    `closing` what they have to stop before the bus does.
    """

    bus: EventBus
    routes: RouteTable
    key: bytes
    kinds: dict[int, Callable[[bytes], None]] = field(default_factory=dict)
    closing: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    write_bus: EventBus | None = None
    """Where writes that are handed over take another way than news."""


@dataclass(slots=True)
class Delivery:
    """What runs between workers; with one process and SQLite that is nothing."""

    worker: str
    courier: Courier | None
    mailbox: Mailbox | None
    _stack: AsyncExitStack

    async def stop(self) -> None:
        """Leave the cluster."""
        await self._stack.aclose()


def worker_id(core: Core) -> str:
    """The name of this life of this worker: of its routes and its topic."""
    lease = core.writer.lease
    return f"{core.settings.current.worker.name}-{lease.epoch}"


def link_of(core: Core, cluster: Cluster) -> Link:
    """Describe this worker among the others, also before `start_delivery`."""
    return Link(worker_id(core), core.generation, cluster.bus, cluster.routes, Frames(cluster.key))


def write_link_of(core: Core, cluster: Cluster) -> Link:
    """The same for writes that are handed over: their clients wait for the answer."""
    return replace(link_of(core, cluster), bus=cluster.write_bus or cluster.bus)


async def start_delivery(core: Core, cluster: Cluster | None = None) -> Delivery:
    """Follow the logs; with a cluster also send and receive bundles.

    To be called before the first request is served: routes and topic are there by then.
    """
    stack = AsyncExitStack()
    delivery = Delivery(worker_id(core), None, None, stack)
    if core.tail is not None:
        core.tail.start()
        stack.push_async_callback(core.tail.stop)
    if cluster is not None:
        await _join(core, cluster, delivery, stack)
    return delivery


async def _join(core: Core, cluster: Cluster, delivery: Delivery, stack: AsyncExitStack) -> None:
    delivery.mailbox = Mailbox(
        hub=core.hub,
        lent=core.lent,
        frames=Frames(cluster.key),
        generation=core.generation,
        kinds=cluster.kinds,
    )
    figures.watch(delivery.mailbox)
    stack.callback(figures.forget, delivery.mailbox)
    for bus in (cluster.bus, cluster.write_bus):
        if bus is not None:
            stack.push_async_callback(bus.close)
            await bus.start(delivery.worker, delivery.mailbox.receive)
    stack.push_async_callback(cluster.routes.leave)
    await cluster.routes.join(delivery.worker)
    delivery.courier = Courier(link_of(core, cluster), core.writer.lease.pos)
    stack.push_async_callback(delivery.courier.stop)
    core.hub.committed = delivery.courier.post
    stack.callback(setattr, core.hub, "committed", None)
    stack.push_async_callback(_close_parts, cluster)


async def _close_parts(cluster: Cluster) -> None:
    for close in cluster.closing:
        await close()
