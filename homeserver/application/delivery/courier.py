"""After each commit: tells the workers whose users it concerns."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING, Final

from homeserver.application.delivery.bundle import Bundle, RoomPiece, encode_bundles, piece_of
from homeserver.application.delivery.frames import BATCHES
from homeserver.application.delivery.whereabouts import look_up, people_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.application.delivery.link import Link
    from homeserver.application.delivery.whereabouts import People, Whereabouts
    from homeserver.application.sync.hub import Committed
    from homeserver.domain.rooms.draft import RoomDraft

MAX_WAITING: Final = 2_000
"""Commits that wait for a look-up; the oldest are dropped first, for the tail has them."""
MAX_BODIES: Final = 256 * 1024
"""Bytes of bodies in one bundle; what is larger is read from the store."""
log = logging.getLogger(__name__)


class Courier:
    """Sends bundles; one look-up of routes is in flight, later commits join the next."""

    def __init__(self, link: Link, pos: int) -> None:
        """Send as this worker; `pos` is its slot's position so far."""
        self._link = link
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
        link = self._link
        groups = [group for _, commit in commits for group in _concerned(commit)]
        whereabouts = await look_up(link.routes, groups)
        outbox: dict[str, list[Bundle]] = {}
        for first, commit in commits:
            for worker, bundle in self._bundles(first, commit, whereabouts).items():
                outbox.setdefault(worker, []).append(bundle)
        for worker, bundles in outbox.items():
            link.send(worker, BATCHES, encode_bundles(bundles))
            self.sent += 1

    def _bundles(
        self, first: int, commit: Committed, whereabouts: Whereabouts
    ) -> dict[str, Bundle]:
        """One commit's bundle for each worker that it concerns."""
        pieces: dict[str, list[RoomPiece]] = {}
        for people in _without_events(commit):
            for worker in whereabouts.of(people):
                pieces.setdefault(worker, [])
        for draft in commit.rooms:
            workers = whereabouts.of(_readers(draft))
            piece = piece_of(draft) if workers else None
            for worker in workers:
                found = pieces.setdefault(worker, [])
                if piece is not None:
                    found.append(piece)
        pieces.pop(self._link.worker, None)
        return {
            worker: Bundle(
                self._link.generation,
                commit.slot,
                first,
                commit.pos,
                found if _size(found) <= MAX_BODIES else [],
                list(commit.users),
            )
            for worker, found in pieces.items()
        }


def _concerned(commit: Committed) -> Iterator[People]:
    """All whom a commit concerns."""
    yield from _without_events(commit)
    for draft in commit.rooms:
        yield _readers(draft)


def _without_events(commit: Committed) -> Iterator[People]:
    """Whose own data changed, and who is in a room with new receipts."""
    yield set(commit.users)
    for room in commit.stirred:
        yield people_in(room)


def _readers(draft: RoomDraft) -> People:
    """Who is in the room, or was until now."""
    people = people_in(draft.room)
    if people is None:
        return None
    return people | {change.user_nid for change in draft.memberships}


def _size(pieces: list[RoomPiece]) -> int:
    return sum(len(event.json) for piece in pieces for event in piece.events)
