"""The route table of workers that share one process."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

Connections = dict[int, dict[int, int]]
"""user → device → number of connections"""


class RouteBoard:
    """What all workers of a process have attached: one object for all their tables."""

    def __init__(self) -> None:
        """Begin without workers."""
        self.workers: dict[str, Connections] = {}

    def routes_of(self, user_nid: int) -> Iterator[tuple[int, str]]:
        """Device and worker of each route of a user."""
        for worker, users in self.workers.items():
            for device in users.get(user_nid, ()):
                yield device, worker


class EmbeddedRouteTable:
    """`RouteTable` of one worker on the board; a board of its own where none is given."""

    def __init__(self, board: RouteBoard | None = None, *, joined_as: str | None = None) -> None:
        """Begin without connections; a server that is one process has joined from the start."""
        self._board = board if board is not None else RouteBoard()
        self._worker: str | None = None
        self._attached: Connections = {}
        if joined_as is not None:
            self._join(joined_as)

    async def join(self, worker: str) -> None:
        """Appear on the board."""
        self._join(worker)

    def _join(self, worker: str) -> None:
        self._worker = worker
        self._board.workers[worker] = self._attached

    async def attach(self, user_nid: int, device_nid: int) -> None:
        """Count a connection."""
        devices = self._attached.setdefault(user_nid, {})
        devices[device_nid] = devices.get(device_nid, 0) + 1

    async def detach(self, user_nid: int, device_nid: int) -> None:
        """Count a connection less."""
        devices = self._attached.get(user_nid, {})
        count = devices.get(device_nid, 0)
        if count > 1:
            devices[device_nid] = count - 1
        elif count == 1:
            del devices[device_nid]
            if not devices:
                del self._attached[user_nid]

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """Read the board."""
        found: dict[int, list[str]] = {}
        for worker, attached in self._board.workers.items():
            for user in users:
                if user in attached:
                    found.setdefault(user, []).append(worker)
        return found

    async def devices_of(self, user_nid: int) -> Mapping[int, Collection[str]]:
        """Read the board."""
        found: dict[int, list[str]] = {}
        for device, worker in self._board.routes_of(user_nid):
            found.setdefault(device, []).append(worker)
        return found

    async def workers(self) -> Collection[str]:
        """Read the board."""
        return tuple(self._board.workers)

    def known_workers(self) -> Collection[str]:
        """Read the board."""
        return tuple(self._board.workers)

    async def leave(self) -> None:
        """Disappear from the board."""
        if self._worker is not None:
            self._board.workers.pop(self._worker, None)
        self._worker = None
        self._attached = {}
