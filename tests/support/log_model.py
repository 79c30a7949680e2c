"""A pure model of design §2: rooms, slots with epochs, batches, certified tails, tokens.

The store is a value that batches are applied to whole or not at all; workers know only what
they loaded and what their tail read; clients know a token. `Vector` and `Ticks` are the
real ones. `tests/properties/test_log_model.py` drives it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from homeserver.application.sync.ticks import Ticks
from homeserver.domain.sync.vector import Vector

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ROOMS = ("red", "green", "blue")


class Place(NamedTuple):
    """An event in a room's log and in its writer's."""

    txn: int
    slot: int
    pos: int


class Packet(NamedTuple):
    """A batch on its way: what it expects, what it adds."""

    slot: int
    epoch: int
    pos: int
    heads: dict[str, int]
    events: tuple[tuple[str, Place], ...]
    to: int


class Row(NamedTuple):
    """A row of `writer_batch`: `rooms` with their last positions."""

    first: int
    last: int
    rooms: dict[str, int]


@dataclass
class Slot:
    """A row of `writer_slot` and its batches."""

    epoch: int = 0
    pos: int = 0
    batches: list[Row] = field(default_factory=list)


class ModelStore:
    """The database."""

    def __init__(self) -> None:
        """Begin empty."""
        self.rooms: dict[str, list[Place]] = {room: [] for room in ROOMS}
        self.slots: dict[int, Slot] = {}
        self.txns: set[int] = set()

    def apply(self, packet: Packet) -> bool:
        """Run a packet: fence, heads, transaction ids; all or nothing."""
        slot = self.slots[packet.slot]
        if (slot.epoch, slot.pos) != (packet.epoch, packet.pos):
            return False
        if any(len(self.rooms[room]) != seq for room, seq in packet.heads.items()):
            return False
        if any(place.txn in self.txns for _, place in packet.events):
            return False
        for room, place in packet.events:
            self.rooms[room].append(place)
            self.txns.add(place.txn)
        rooms = {room: len(self.rooms[room]) for room in packet.heads}
        slot.batches.append(Row(slot.pos + 1, packet.to, rooms))
        slot.pos = packet.to
        return True

    def take(self, slot: int) -> int:
        """Take or retake a slot: its new epoch."""
        held = self.slots.setdefault(slot, Slot())
        held.epoch += 1
        return held.epoch

    def vector(self) -> dict[int, int]:
        """All positions in one statement."""
        return {number: slot.pos for number, slot in self.slots.items()}


class ModelWorker:
    """A process: its lease, the heads that it writes on, what it has certified."""

    def __init__(self, store: ModelStore, slot: int) -> None:
        """Take the slot and load every room, in one snapshot."""
        self.store, self.slot = store, slot
        self.epoch = store.take(slot)
        self.pos = store.slots[slot].pos
        self.fenced = False
        self.heads = {room: len(log) for room, log in store.rooms.items()}
        self.logs = {room: list(log) for room, log in store.rooms.items()}
        self.ticks = Ticks(store.vector())
        self.touched = dict.fromkeys(ROOMS, 0)

    def compute(self, txns: Sequence[tuple[str, int]]) -> Packet:
        """Make a batch of events on the heads as this worker knows them."""
        heads = {room: self.heads[room] for room, _ in txns}
        events = tuple(
            (room, Place(txn, self.slot, self.pos + n)) for n, (room, txn) in enumerate(txns, 1)
        )
        return Packet(self.slot, self.epoch, self.pos, heads, events, self.pos + len(txns))

    def publish(self, packet: Packet) -> None:
        """Certify the own batch directly."""
        self.pos = packet.to
        for room in packet.heads:
            self.heads[room] = packet.heads[room] + sum(r == room for r, _ in packet.events)
        self._certify(self.slot, packet.to, {room: self.heads[room] for room in packet.heads})

    def explain(self) -> None:
        """After a clash: fenced, or catch up with the heads."""
        slot = self.store.slots[self.slot]
        self.fenced = (slot.epoch, slot.pos) != (self.epoch, self.pos)
        if not self.fenced:
            self.heads = {room: len(log) for room, log in self.store.rooms.items()}

    def settle(self, packet: Packet) -> bool:
        """A packet in doubt: retake the slot, then look for the batch; whether it is there."""
        if self.store.slots[self.slot].epoch != self.epoch:
            self.fenced = True
            return False
        self.epoch = self.store.take(self.slot)
        return self.store.slots[self.slot].pos == packet.to

    def read_tail(self, limit: int) -> None:
        """Certify up to `limit` batches of each slot; the own slot is certified by commits."""
        for number, slot in self.store.slots.items():
            if number == self.slot and not self.fenced:
                continue
            known = self.ticks.vector[number]
            for row in [row for row in slot.batches if row.first > known][:limit]:
                assert row.first == self.ticks.vector[number] + 1, "the tail has a hole"
                self._certify(number, row.last, row.rooms)

    def _certify(self, slot: int, pos: int, rooms: dict[str, int]) -> None:
        for room, seq in rooms.items():
            held = self.logs[room]
            held.extend(self.store.rooms[room][len(held) : seq])
        tick = self.ticks.advance(slot, pos)
        for room in rooms:
            self.touched[room] = tick

    def sync(self, token: Vector) -> tuple[dict[str, list[Place]], Vector] | None:
        """What a token's holder lacks, and the next token; None where this worker is behind."""
        if not self.ticks.vector >= token:
            self.read_tail(1 << 30)
            if not self.ticks.vector >= token:
                return None
        since = self.ticks.of(token)
        news = {}
        for room in ROOMS:
            found = self.deliver(self.logs[room], token, self.ticks.vector)
            if found:
                assert since is None or self.touched[room] > since, "a tick misses a change"
                news[room] = found
        return news, self.ticks.vector

    @staticmethod
    def deliver(log: list[Place], token: Vector, certified: Vector) -> list[Place]:
        """All in room order after what the token covers, up to the newest certified event."""
        return log[_covered(log, token) : _covered(log, certified)]


def _covered(log: Iterable[Place], vector: Vector) -> int:
    """How many events stand up to the last one that the vector covers."""
    return max((n for n, p in enumerate(log, 1) if vector.covers(p.slot, p.pos)), default=0)


class ModelClient:
    """A device that syncs with whatever worker it meets."""

    def __init__(self) -> None:
        """Begin without a token."""
        self.token = Vector()
        self.seen: dict[str, list[Place]] = {room: [] for room in ROOMS}

    def sync(self, worker: ModelWorker) -> bool:
        """Sync once; whether it was answered."""
        answer = worker.sync(self.token)
        if answer is None:
            return False
        news, token = answer
        assert token >= self.token, "the token went back"
        self.token = token
        for room, places in news.items():
            self.seen[room] += places
        return True
