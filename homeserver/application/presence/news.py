"""Who is online, told to all other workers: at most a frame a second for 100 users.

What is lost is repeated within 30 s; a worker that was never heard of is told everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.application.delivery.frames import PRESENCE
from homeserver.domain.presence.presence import STATES, Said, Word

if TYPE_CHECKING:
    from collections.abc import Collection

    from homeserver.application.delivery.link import Link
    from homeserver.application.presence.board import PresenceBoard
    from homeserver.application.presence.person import Person

IN_A_FRAME: Final = 100


class Told(msgspec.Struct, array_like=True, frozen=True):
    """One user as `worker` knows them. `number` grows with what it tells."""

    number: int
    user_nid: int
    user_id: str
    devices: list[Said]
    active_ms: int
    status_msg: str | None
    status_ms: int
    rooms: list[int]


class Frame(msgspec.Struct, array_like=True, frozen=True):
    """What a worker tells of users who are there."""

    worker: str
    people: list[Told]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode


class PresenceNews:
    """Carries one board's users to the boards of other workers, and theirs to it."""

    def __init__(self, link: Link, board: PresenceBoard) -> None:
        """Listen to a board; `receive` is for frames of the kind `PRESENCE`."""
        self._link = link
        self._board = board
        self._number = 0
        self._known: set[str] = set()
        board.tell = self.tell

    def tell(self, people: Collection[Person]) -> None:
        """Tell all other workers of users; never waits, never raises."""
        others = [worker for worker in self._link.workers() if worker != self._link.worker]
        self._send(others, people)

    async def stop(self) -> None:
        """Tell no more."""
        self._board.tell = None

    def receive(self, payload: bytes) -> None:
        """Take a frame in. Raises ValueError for garbage."""
        frame = _decode(payload)
        for each in frame.people:
            devices = tuple(said for said in each.devices if said.state in STATES)
            word = Word(devices, each.active_ms, each.status_msg, each.status_ms)
            who = each.user_nid, each.user_id
            self._board.hear(frame.worker, each.number, who, word, each.rooms)
        if frame.worker not in self._known and frame.worker != self._link.worker:
            self._known &= set(self._link.workers())
            self._known.add(frame.worker)
            self._send([frame.worker], self._board.own_people())

    def _send(self, workers: Collection[str], people: Collection[Person]) -> None:
        if not workers:
            return
        told = [self._told(each) for each in people]
        for first in range(0, len(told), IN_A_FRAME):
            payload = _encode(Frame(self._link.worker, told[first : first + IN_A_FRAME]))
            for worker in workers:
                self._link.send(worker, PRESENCE, payload)

    def _told(self, person: Person) -> Told:
        self._number += 1
        told = person.told
        return Told(
            self._number,
            person.nid,
            person.user_id,
            list(told.devices),
            told.active_ms,
            told.status_msg,
            told.status_ms,
            list(person.rooms),
        )
