"""Who is online, and where: (user, device) to the workers that hold its connections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class RouteTable(Protocol):
    """Routes of devices; a lost route costs latency, never an event.

    A worker is named by its worker id (see `EventBus`). A device may be attached on several
    workers, and several times on one.
    """

    async def join(self, worker: str) -> None:
        """Begin as this worker: it is live until it leaves or stops beating."""
        ...

    async def attach(self, user_nid: int, device_nid: int) -> None:
        """Register one more connection of a device on this worker.

        Registered before the worker reads the vector that the connection starts from. It
        returns within 100 ms also where the table is down: the route is then registered
        when the table is back.
        """
        ...

    async def detach(self, user_nid: int, device_nid: int) -> None:
        """Take one connection of a device back; the last one removes its route."""
        ...

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """The live workers on which each of these users has a device, in one round trip.

        Users without a route are absent. Empty where the table is down.
        """
        ...

    async def devices_of(self, user_nid: int) -> Mapping[int, Collection[str]]:
        """The devices of a user that are online, each with its workers."""
        ...

    async def workers(self) -> Collection[str]:
        """The live workers, this one included; only this one where the table is down."""
        ...

    async def leave(self) -> None:
        """Remove this worker and its routes."""
        ...
