"""Who types, told to the workers where members of the room are online.

Where an application service wants to know, all workers are told: one of them tells the service.

Nothing here is kept or repeated: a frame that is lost is made good by the client's next
keystroke, or by the end that comes by itself on every worker.
"""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.application.delivery.frames import TYPING
from homeserver.application.delivery.whereabouts import look_up, people_in
from homeserver.domain.rooms.membership import JOIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.delivery.link import Link
    from homeserver.application.rooms.registry import RoomRegistry
    from homeserver.application.typing.board import TypingBoard

MAX_WAITING: Final = 2_000
"""Changes that wait for a look-up of routes; the oldest are dropped first."""
MAX_HEARD: Final = 10_000
log = logging.getLogger(__name__)


class Change(msgspec.Struct, array_like=True, frozen=True):
    """A user types for so many seconds from now, None: no longer. `number` grows."""

    number: int
    room_nid: int
    user_id: str
    seconds: float | None


class Changes(msgspec.Struct, array_like=True, frozen=True):
    """What clients told `worker`."""

    worker: str
    changes: list[Change]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Changes).decode


class TypingNews:
    """Carries the changes that clients ask of one board to the boards of other workers."""

    def __init__(
        self,
        link: Link,
        board: TypingBoard,
        rooms: RoomRegistry,
        *,
        to_all: Callable[[], bool] = lambda: False,
    ) -> None:
        """Listen to a board; `receive` is for frames of the kind `TYPING`.

        `to_all` says whether every worker is told, whoever is online there.
        """
        self._link = link
        self._board = board
        self._rooms = rooms
        self._to_all = to_all
        self._number = 0
        self._waiting: deque[Change] = deque(maxlen=MAX_WAITING)
        self._task: asyncio.Task[None] | None = None
        self._heard: OrderedDict[tuple[int, str], tuple[str, int]] = OrderedDict()
        board.tell = self.tell

    def tell(self, room_nid: int, user_id: str, seconds: float | None) -> None:
        """Tell of a change soon; never waits, never raises."""
        self._number += 1
        self._waiting.append(Change(self._number, room_nid, user_id, seconds))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="typing")

    async def stop(self) -> None:
        """Tell no more."""
        self._board.tell = None
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def receive(self, payload: bytes) -> None:
        """Take a frame in. Raises ValueError for garbage."""
        frame = _decode(payload)
        for change in frame.changes:
            if self._is_new(frame.worker, change):
                self._apply(change)

    def _is_new(self, worker: str, change: Change) -> bool:
        """Whether no later word of that worker about that user came before."""
        key = change.room_nid, change.user_id
        who, number = self._heard.get(key, ("", 0))
        if who == worker and number >= change.number:
            return False
        self._heard[key] = worker, change.number
        self._heard.move_to_end(key)
        if len(self._heard) > MAX_HEARD:
            self._heard.popitem(last=False)
        return True

    def _apply(self, change: Change) -> None:
        room = self._rooms.cached(change.room_nid)
        if change.seconds is None:
            self._board.stop(change.room_nid, change.user_id)
        elif room is None or room.membership_of(change.user_id) == JOIN:
            self._board.start(change.room_nid, change.user_id, change.seconds, own=False)

    async def _run(self) -> None:
        while self._waiting:
            changes = list(self._waiting)
            self._waiting.clear()
            try:
                await self._send(changes)
            except Exception as error:  # noqa: BLE001 (lossy by design)
                log.warning("typing.not_told: %s", error or type(error).__name__)

    async def _send(self, changes: list[Change]) -> None:
        members = {
            nid: people_in(await self._rooms.get_by_nid(nid))
            for nid in {change.room_nid for change in changes}
        }
        whereabouts = await look_up(self._link.routes, members.values())
        everybody = self._link.workers() if self._to_all() else ()
        outbox: dict[str, list[Change]] = {}
        for change in changes:
            for worker in {*whereabouts.of(members[change.room_nid]), *everybody}:
                outbox.setdefault(worker, []).append(change)
        outbox.pop(self._link.worker, None)
        for worker, told in outbox.items():
            self._link.send(worker, TYPING, _encode(Changes(self._link.worker, told)))
