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


class Numbered(NamedTuple):
    """A change with its position in the room."""

    seq: int
    place: Place


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

    def places(self) -> dict[str, Numbered]:
        """Each room's overwritten row: its newest change (a membership, say)."""
        return {room: Numbered(len(log), log[-1]) for room, log in self.rooms.items() if log}


@dataclass
class Cut:
    """What a tail read found: the positions at one instant, and rows as they were just then."""

    upto: dict[int, int]
    rows: dict[int, list[Row]]
    places: dict[str, Numbered]


class ModelFeed:
    """An attached user: the newest change of each room's row, as the worker has it."""

    def __init__(self, places: dict[str, Numbered], upto: Vector) -> None:
        """Loaded at one instant; `upto` was read after it."""
        self.loaded = places
        self.upto = upto
        self.places: dict[str, Numbered] = {}
        self.ready = False

    def put(self, room: str, place: Numbered) -> None:
        """Take a change over, unless a later one is held."""
        held = self.places.get(room)
        if held is None or held.seq <= place.seq:
            self.places[room] = place


class ModelWorker:
    """A process: its lease, the heads that it writes on, what it has certified.

    `unheard` is a batch that the store has and whose answer is on its way; `held` are own
    batches that were built on what the tail has not brought; `lent` are bodies by room and
    base, from bundles.
    """

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
        self.unheard: Packet | None = None
        self.held: list[Packet] = []
        self.lent: dict[tuple[str, int], list[Place]] = {}
        self.feed: ModelFeed | None = None

    def compute(self, txns: Sequence[tuple[str, int]]) -> Packet:
        """Make a batch of events on the heads as this worker knows them."""
        heads = {room: self.heads[room] for room, _ in txns}
        events = tuple(
            (room, Place(txn, self.slot, self.pos + n)) for n, (room, txn) in enumerate(txns, 1)
        )
        return Packet(self.slot, self.epoch, self.pos, heads, events, self.pos + len(txns))

    def publish(self, packet: Packet) -> None:
        """Certify the own batch directly, if the vector has all that it was built on."""
        self.pos, self.unheard = packet.to, None
        for room in packet.heads:
            self.heads[room] = packet.heads[room] + sum(r == room for r, _ in packet.events)
        self.held.append(packet)
        self.release()

    def release(self) -> None:
        """Certify own batches in order, as far as the vector stays closed with them."""
        while self.held and self.is_closed_with(self.held[0]):
            packet = self.held.pop(0)
            rooms = {r: n + sum(q == r for q, _ in packet.events) for r, n in packet.heads.items()}
            self._fill(rooms)
            tick = self.ticks.advance(self.slot, packet.to)
            self._touch(rooms, tick)
            if self.feed is not None:
                for room, seq in rooms.items():
                    self.feed.put(room, Numbered(seq, self.logs[room][seq - 1]))

    def is_closed_with(self, packet: Packet) -> bool:
        """Whether all that a batch was built on is covered."""
        bases = [self.store.rooms[room][n - 1] for room, n in packet.heads.items() if n]
        covers = self.ticks.vector.covers
        return all(b.slot == self.slot or covers(b.slot, b.pos) for b in bases)

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

    def cut(self) -> Cut:
        """Read positions, batches and overwritten rows, all as they are at one instant."""
        upto = {
            number: pos
            for number, pos in self.store.vector().items()
            if number != self.slot or self.fenced
        }
        known = self.ticks.vector
        rows = {n: [r for r in self.store.slots[n].batches if r.first > known[n]] for n in upto}
        if not self.fenced:
            upto[self.slot] = self.store.slots[self.slot].pos
        return Cut(upto, rows, self.store.places())

    def knows_itself(self, cut: Cut) -> bool:
        """Whether all own batches of a cut have been heard of, be they held."""
        own = self.held[-1].to if self.held else self.ticks.vector[self.slot]
        return self.fenced or own >= cut.upto[self.slot]

    def advance(self, cut: Cut) -> None:
        """Make the batches of others visible, all at once; then own ones that waited for them."""
        if not self.knows_itself(cut):
            return
        touched = {}
        for number, rows in cut.rows.items():
            for row in rows:
                at = self.ticks.vector[number]
                if row.last <= at:
                    continue  # an older cut is used late
                assert row.first == at + 1, "the tail has a hole"
                self._fill(row.rooms)
                touched.update(dict.fromkeys(row.rooms))
                self.ticks.advance(number, row.last)
        self._touch(touched, self.ticks.now)
        if self.feed is not None:
            for room, place in cut.places.items():
                if place.place.slot in cut.rows and self.ticks.vector.covers(*place.place[1:]):
                    self.feed.put(room, place)
        self.release()

    def read_tail(self) -> None:
        """Read and move on, without anything in between."""
        self.advance(self.cut())

    def lend(self, bundle: Packet) -> None:
        """Keep what a bundle brought until its batch is read; late and doubled ones are dropped."""
        if self.ticks.vector.covers(bundle.slot, bundle.to):
            return
        for room, base in bundle.heads.items():
            self.lent[room, base] = [place for r, place in bundle.events if r == room]

    def _fill(self, rooms: dict[str, int]) -> None:
        for room, seq in rooms.items():
            held = self.logs[room]
            while len(held) < seq:
                lent = self.lent.pop((room, len(held)), None)
                fits = lent is not None and len(held) + len(lent) <= seq
                held.extend(lent if fits and lent else self.store.rooms[room][len(held) : seq])

    def _touch(self, rooms: Iterable[str], tick: int) -> None:
        for room in rooms:
            self.touched[room] = tick

    def attach(self) -> None:
        """Begin to listen, then read the rows, then the vector."""
        self.feed = ModelFeed(self.store.places(), Vector(self.store.vector()))

    def finish_attach(self) -> None:
        """Once the tail has got that far, take what was read, newer ones win."""
        feed = self.feed
        if feed is not None and not feed.ready and self.ticks.vector >= feed.upto:
            for room, place in feed.loaded.items():
                held = feed.places.get(room)
                if held is None or held.seq < place.seq:
                    feed.places[room] = place
            feed.ready = True

    def sync(self, token: Vector) -> tuple[dict[str, list[Place]], Vector] | None:
        """What a token's holder lacks, and the next token; None where this worker is behind."""
        if not self.ticks.vector >= token:
            self.read_tail()
            if not self.ticks.vector >= token:
                return None
        until, since = self.ticks.vector, self.ticks.of(token)
        news = {}
        for room in ROOMS:
            found = self.deliver(self.logs[room], token, until)
            if found:
                assert since is None or self.touched[room] > since, "a tick misses a change"
                news[room] = found
            self.check_feed(room, until)
        return news, until

    def check_feed(self, room: str, until: Vector) -> None:
        """An attached user's row is the newest that the vector has: none older, none newer."""
        if self.feed is not None and self.feed.ready:
            seq = covered(self.store.rooms[room], until)
            held = self.feed.places.get(room)
            assert (held.seq if held is not None else 0) == seq, "a place of another time"

    @staticmethod
    def deliver(log: list[Place], token: Vector, certified: Vector) -> list[Place]:
        """All in room order after what the token covers, up to the newest certified event."""
        return log[covered(log, token) : covered(log, certified)]


def covered(log: Iterable[Place], vector: Vector) -> int:
    """How many events stand up to the last one that the vector covers.

    A vector is closed: it covers each of them. (State is told change by change.)
    """
    told = [vector.covers(p.slot, p.pos) for p in log]
    assert told == sorted(told, reverse=True), "the vector has a later event without an earlier"
    return sum(told)


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


class ModelConnection:
    """A connection that waits at one worker, with a token of its own, until it is woken."""

    def __init__(self, worker: ModelWorker) -> None:
        """Attach; the device begins at the worker's present."""
        self.worker = worker
        self.device = ModelClient()
        assert self.device.sync(worker)
        self.woken = worker.ticks.now

    def wake(self) -> None:
        """Answer if the worker has moved since."""
        if self.worker.ticks.now > self.woken:
            self.woken = self.worker.ticks.now
            assert self.device.sync(self.worker), "a worker is behind its own connection"
