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
        """Begin as this worker: it is live until it leaves or stops beating.

        Beating is the table's own business. What was attached before is registered now. Where
        the table is down it returns all the same, and joins when the table is back.
        """
        ...

    async def attach(self, user_nid: int, device_nid: int) -> None:
        """Register one more connection of a device on this worker.

        Registered before the worker reads the vector that the connection starts from. It
        returns within 100 ms also where the table is down: the route is then registered
        when the table is back. So is every route, should the table forget: within 3 s.
        """
        ...

    async def detach(self, user_nid: int, device_nid: int) -> None:
        """Take one connection of a device back; never waits.

        The last one removes its route, at once or some seconds later: a device between two
        long-polls may keep it. One too many has no effect.
        """
        ...

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """The live workers on which each of these users has a device, in one round trip.

        Users without a route are absent. This worker's own routes are exact, those of
        others may be as old as a second; only its own where the table is down.
        """
        ...

    async def devices_of(self, user_nid: int) -> Mapping[int, Collection[str]]:
        """The devices of a user that are online now, each with its workers.

        Only this worker's own where the table is down.
        """
        ...

    async def workers(self) -> Collection[str]:
        """The live workers, this one included; only this one where the table is down.

        So it can prove that a worker lives, never that there is no other.
        """
        ...

    def known_workers(self) -> Collection[str]:
        """The workers that lived a second ago, this one included; never waits.

        Where the table is down, those that lived when it was last heard of.
        """
        ...

    async def leave(self) -> None:
        """Remove this worker and its routes; where the table is down they run out by themselves."""
        ...
