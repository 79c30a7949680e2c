"""The side that hands writes over: to the room's preferred worker, or else nobody."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

import msgspec

from homeserver.application.delivery.frames import WRITES
from homeserver.application.forwarding.crowded import preferred_worker
from homeserver.application.forwarding.wire import Write, Writes, decode_outcomes, encode_write
from homeserver.application.forwarding.wire import encode as encode_frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeserver.application.delivery.link import Link
    from homeserver.application.forwarding.crowded import CrowdedRooms, Guests
    from homeserver.application.forwarding.peers import Peers
    from homeserver.application.requester import Requester
    from homeserver.application.rooms.compose import NewEvent, Transaction

PATIENCE: Final = 0.5
"""Seconds after which a write is done here whose worker was not heard since it was sent."""
MOST_PATIENCE: Final = 2.0
"""Seconds after which it is done here in any case: a machine that is overloaded would only get
more to do if every write was done twice."""
MAX_FRAME: Final = 256 * 1024


@dataclass(slots=True)
class _Waiting:
    worker: str
    room_id: str
    answer: asyncio.Future[str | None]


class Forwarder:
    """Forwards writes to rooms in which this worker's own would clash.

    A write is safe to be done by two workers, for its transaction id is unique in the store.
    So whatever is not plainly a success is answered by doing it here: a refusal too, because
    the other worker may know less of the room's state than this one.
    """

    def __init__(
        self,
        link: Link,
        peers: Peers,
        crowded: CrowdedRooms,
        guests: Guests,
        figure: Callable[[str], None],
    ) -> None:
        """Forward over a link; `figure` counts what became of writes."""
        self._link = link
        self._peers = peers
        self._crowded = crowded
        self._guests = guests
        self._figure = figure
        self._numbers = count(1)
        self._waiting: dict[int, _Waiting] = {}
        self._outbox: dict[str, list[msgspec.Raw]] = {}

    async def __call__(
        self, requester: Requester, room_id: str, new: NewEvent, txn: Transaction
    ) -> str | None:
        """Return the event id of a write that another worker did; None: do it here."""
        worker = self._taker(room_id)
        if worker is None:
            self._guests.note_own(room_id, self._link.worker)
            return None
        number = next(self._numbers)
        packed = encode_write(
            Write(
                number,
                requester,
                room_id,
                new.type,
                new.content,
                new.redacts,
                txn.txn_id,
                txn.key,
            )
        )
        if packed is None:
            return None
        self._post(worker, packed)
        return await self._answer(number, worker, room_id)

    def receive(self, payload: bytes) -> None:
        """Take a frame of outcomes in. Raises ValueError for garbage."""
        frame = decode_outcomes(payload)
        self._peers.heard(frame.worker, frame.clock)
        for outcome in frame.outcomes:
            waiting = self._waiting.get(outcome.number)
            if waiting is None or waiting.worker != frame.worker or waiting.answer.done():
                continue  # it came too late: the write was done here
            if outcome.shared:
                self._crowded.note(waiting.room_id)
            waiting.answer.set_result(outcome.event_id)

    def _taker(self, room_id: str) -> str | None:
        """Who is to write; None: this worker."""
        if room_id not in self._crowded or not self._link.bus.healthy():
            return None
        workers = self._link.workers()
        worker = preferred_worker(room_id, workers) if workers else self._link.worker
        if worker == self._link.worker:
            return None
        if self._peers.time_at(worker) is not None:
            return worker
        if self._peers.may_greet(worker):
            self._send(worker, [])
        return None

    async def _answer(self, number: int, worker: str, room_id: str) -> str | None:
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = _Waiting(worker, room_id, answer)
        try:
            answered = await self._wait(worker, answer)
        finally:
            del self._waiting[number]
        if not answered:
            self._peers.forget(worker)
            self._figure("unanswered")
            return None
        event_id = answer.result()
        self._figure("forwarded" if event_id is not None else "declined")
        return event_id

    async def _wait(self, worker: str, answer: asyncio.Future[str | None]) -> bool:
        """Wait for an answer, for as long as its worker gives others."""
        sent = self._peers.now()
        while (now := self._peers.now()) < sent + MOST_PATIENCE:
            await asyncio.wait((answer,), timeout=PATIENCE)
            if answer.done():
                return True
            if not self._peers.was_heard(worker, since=now):
                return False
        return False

    def _post(self, worker: str, packed: msgspec.Raw) -> None:
        """Send soon: what comes in the same turn of the loop shares a frame."""
        if not self._outbox:
            asyncio.get_running_loop().call_soon(self._flush)
        self._outbox.setdefault(worker, []).append(packed)

    def _flush(self) -> None:
        outbox, self._outbox = self._outbox, {}
        for worker, packed in outbox.items():
            size, chunk = 0, list[msgspec.Raw]()
            for write in packed:
                if chunk and size + len(memoryview(write)) > MAX_FRAME:
                    self._send(worker, chunk)
                    size, chunk = 0, []
                size += len(memoryview(write))
                chunk.append(write)
            self._send(worker, chunk)

    def _send(self, worker: str, writes: list[msgspec.Raw]) -> None:
        asked = self._peers.time_at(worker) or 0.0
        link = self._link
        link.send(worker, WRITES, encode_frame(Writes(link.generation, link.worker, asked, writes)))
