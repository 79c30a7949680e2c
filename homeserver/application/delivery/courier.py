"""After each commit: tells the workers whose users it concerns."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from homeserver.application.delivery.bundle import Bundle, RoomPiece, encode_bundles, piece_of
from homeserver.application.delivery.frames import BATCHES

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from homeserver.application.delivery.frames import Frames
    from homeserver.application.ports.event_bus import EventBus
    from homeserver.application.ports.route_table import RouteTable
    from homeserver.application.sync.hub import Committed
    from homeserver.domain.rooms.draft import RoomDraft

LARGE: Final = 500
"""Members from which on a room's events go to all workers, without looking anybody up."""
MAX_WAITING: Final = 2_000
"""Commits that wait for a look-up; the oldest are dropped first, for the tail has them."""
MAX_BODIES: Final = 256 * 1024
"""Bytes of bodies in one bundle; what is larger is read from the store."""
log = logging.getLogger(__name__)


class Courier:
    """Sends bundles; one look-up of routes is in flight, later commits join the next."""

    def __init__(
        self,
        *,
        worker: str,
        bus: EventBus,
        routes: RouteTable,
        frames: Frames,
        generation: bytes,
        pos: int,
    ) -> None:
        """Send as this worker; `pos` is its slot's position so far."""
        self._worker = worker
        self._bus = bus
        self._routes = routes
        self._frames = frames
        self._generation = generation
        self._pos = pos
        self._waiting: deque[tuple[int, Committed]] = deque(maxlen=MAX_WAITING)
        self._task: asyncio.Task[None] | None = None
        self.sent = 0

    def post(self, commit: Committed) -> None:
        """Tell of a commit soon; never waits, never raises."""
        first, self._pos = self._pos + 1, commit.pos
        self._waiting.append((first, commit))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="courier")

    async def stop(self) -> None:
        """Send no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            commits = list(self._waiting)
            self._waiting.clear()
            try:
                await self._send(commits)
            except Exception as error:  # noqa: BLE001 (a hint less; the tail has it all)
                log.warning("courier.failed: %s", error or type(error).__name__)

    async def _send(self, commits: list[tuple[int, Committed]]) -> None:
        people: set[int] = set()
        large = False
        for _, commit in commits:
            people.update(commit.users)
            for draft in commit.rooms:
                people.update(_concerned(draft))
                large = large or len(draft.room.members) > LARGE
            for room in commit.stirred:
                if len(room.members) <= LARGE:
                    people.update(member.nid for member in room.members.values())
                else:
                    large = True
        where = await self._routes.workers_of(people)
        everywhere = await self._routes.workers() if large else ()
        outbox: dict[str, list[Bundle]] = {}
        for first, commit in commits:
            for worker, bundle in self._bundles(first, commit, where, everywhere).items():
                outbox.setdefault(worker, []).append(bundle)
        for worker, bundles in outbox.items():
            self._bus.send(worker, self._frames.seal(BATCHES, encode_bundles(bundles)))
            self.sent += 1

    def _bundles(
        self,
        first: int,
        commit: Committed,
        where: Mapping[int, Collection[str]],
        everywhere: Collection[str],
    ) -> dict[str, Bundle]:
        """One commit's bundle for each worker that it concerns."""
        pieces: dict[str, list[RoomPiece]] = {}
        for user in commit.users:
            for worker in where.get(user, ()):
                pieces.setdefault(worker, [])
        for room in commit.stirred:
            nids = {member.nid for member in room.members.values()}
            for worker in everywhere if len(nids) > LARGE else _workers(nids, where):
                pieces.setdefault(worker, [])
        for draft in commit.rooms:
            crowd = len(draft.room.members) > LARGE
            workers = everywhere if crowd else _workers(_concerned(draft), where)
            piece = piece_of(draft) if workers else None
            for worker in workers:
                found = pieces.setdefault(worker, [])
                if piece is not None:
                    found.append(piece)
        pieces.pop(self._worker, None)
        return {
            worker: Bundle(
                self._generation,
                commit.slot,
                first,
                commit.pos,
                found if _size(found) <= MAX_BODIES else [],
                list(commit.users),
            )
            for worker, found in pieces.items()
        }


def _concerned(draft: RoomDraft) -> set[int]:
    """Who is in the room, or was until now; nobody where those are too many to look up."""
    members = draft.room.members
    moved = {change.user_nid for change in draft.memberships}
    if len(members) > LARGE:
        return moved
    return moved | {member.nid for member in members.values()}


def _workers(users: set[int], where: Mapping[int, Collection[str]]) -> set[str]:
    few, many = (users, where) if len(users) < len(where) else (where, users)
    return {worker for user in few if user in many for worker in where[user]}


def _size(pieces: list[RoomPiece]) -> int:
    return sum(len(event.json) for piece in pieces for event in piece.events)
