"""No client ever misses, doubles or reorders an event, whatever happens to the workers.

The machine commits, crashes, steals slots, cuts connections in COMMIT, delays packets and
answers, reads tails early and uses them late, attaches users meanwhile, loses, doubles and
delays bundles, loses routes, and lets clients hop between workers while others wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support.log_model import (
    ROOMS,
    Cut,
    ModelClient,
    ModelConnection,
    ModelStore,
    ModelWorker,
    Packet,
    Place,
    covered,
)

if TYPE_CHECKING:
    from homeserver.domain.sync.vector import Vector

WORKERS = st.integers(1, 3)
BATCHES = st.lists(st.sampled_from(ROOMS), min_size=1, max_size=4)


class LogMachine(RuleBasedStateMachine):
    """Three workers, three rooms, two clients that hop, up to four connections that wait."""

    worker_class = ModelWorker

    def __init__(self) -> None:
        super().__init__()
        self.store = ModelStore()
        self.workers: dict[int, ModelWorker] = {}
        self.zombies: list[ModelWorker] = []
        self.late: list[Packet] = []
        self.clients = [ModelClient(), ModelClient()]
        self.acknowledged: set[int] = set()
        self.pending: list[tuple[str, int]] = []
        self.count = 0
        self.connections: list[ModelConnection] = []
        self.mail: list[tuple[int, Packet]] = []
        self.routes: set[int] = set()
        self.cuts: dict[int, Cut] = {}

    @initialize()
    def start(self) -> None:
        for slot in (1, 2, 3):
            self.workers[slot] = self.worker_class(self.store, slot)
            self.connect(slot)
            self.attach(slot, calm=True)

    def _txns(self, rooms: list[str]) -> list[tuple[str, int]]:
        self.count += len(rooms)
        return list(zip(rooms, range(self.count - len(rooms), self.count), strict=True))

    def _free(self, slot: int) -> ModelWorker:
        """A worker whose writer waits for no answer."""
        worker = self.workers[slot]
        if worker.unheard is not None:
            self._publish(worker, worker.unheard)
        return worker

    def _publish(self, worker: ModelWorker, packet: Packet) -> None:
        """The answer came: visible here, answered to clients, bundles to where routes lead."""
        worker.publish(packet)
        self.acknowledged |= {place.txn for _, place in packet.events}
        self.mail += [(slot, packet) for slot in sorted(self.routes) if slot != worker.slot]

    def _replace(self, slot: int) -> None:
        """Another process holds the slot; what was attached to the old one is gone."""
        old = self.workers[slot]
        if old.unheard is not None:
            self.pending += [(room, place.txn) for room, place in old.unheard.events]
        self.connections = [c for c in self.connections if c.worker is not old]
        self.mail = [(to, packet) for to, packet in self.mail if to != slot]  # its own topic
        self.routes.discard(slot)
        self.cuts.pop(slot, None)
        self.workers[slot] = self.worker_class(self.store, slot)

    @rule(slot=WORKERS, rooms=BATCHES)
    def commit(self, slot: int, rooms: list[str]) -> None:
        """A whole commit: at most one clash, for the head is then known."""
        self._commit(self._free(slot), self._txns(rooms))

    @rule(slot=WORKERS, rooms=BATCHES)
    def commit_and_hear_later(self, slot: int, rooms: list[str]) -> None:
        """The store has it; others may read it before its own worker hears."""
        worker = self._free(slot)
        packet = worker.compute(self._txns(rooms))
        if self.store.apply(packet):
            worker.unheard = packet
        else:
            worker.explain()

    @rule(slot=WORKERS)
    def hear(self, slot: int) -> None:
        self._free(slot)

    def _commit(self, worker: ModelWorker, txns: list[tuple[str, int]]) -> None:
        for _ in range(2):
            txns = [(room, txn) for room, txn in txns if txn not in self.store.txns]
            if not txns:
                return
            packet = worker.compute(txns)
            if self.store.apply(packet):
                self._publish(worker, packet)
                return
            worker.explain()
            if worker.fenced:
                self.pending += txns
                return
        raise AssertionError("a lone writer clashed twice")

    @rule(slot=WORKERS, rooms=BATCHES, landed=st.booleans(), late=st.booleans())
    def cut_in_commit(self, slot: int, rooms: list[str], landed: bool, late: bool) -> None:
        """The answer is lost; where the packet did not land it may come later."""
        worker, txns = self._free(slot), self._txns(rooms)
        packet = worker.compute(txns)
        stored = landed and self.store.apply(packet)
        assert worker.settle(packet) == stored
        if stored:
            self._publish(worker, packet)
            return
        if late:
            self.late.append(packet)
        else:
            assert not self.store.apply(packet), "a packet came through after the answer"
        worker.explain()
        self._commit(worker, txns)

    @precondition(lambda self: self.late)
    @rule()
    def late_packet(self) -> None:
        """A packet that was answered otherwise must not be stored."""
        assert not self.store.apply(self.late.pop())

    @rule(slot=WORKERS, rooms=BATCHES, stored=st.booleans())
    def crash(self, slot: int, rooms: list[str], stored: bool) -> None:
        """Killed before or after the commit, before any answer; started again."""
        txns = self._txns(rooms)
        packet = self._free(slot).compute(txns)
        if stored:
            self.store.apply(packet)
        self.pending += txns
        self._replace(slot)

    @rule(slot=WORKERS)
    def die_before_hearing(self, slot: int) -> None:
        """Killed with a stored batch of which nobody was told."""
        self._replace(slot)

    @rule(slot=WORKERS)
    def steal(self, slot: int) -> None:
        """Another process takes the slot while its holder still runs."""
        self._free(slot)
        self.zombies.append(self.workers[slot])
        self._replace(slot)

    @precondition(lambda self: self.zombies)
    @rule(rooms=BATCHES, data=st.data())
    def zombie_writes(self, rooms: list[str], data: st.DataObject) -> None:
        zombie = data.draw(st.sampled_from(self.zombies))
        assert not self.store.apply(zombie.compute(self._txns(rooms)))
        zombie.explain()
        assert zombie.fenced

    @precondition(lambda self: self.pending)
    @rule(slot=WORKERS)
    def repeat(self, slot: int) -> None:
        """Clients repeat what was not answered, with the same transaction ids, elsewhere."""
        txns, self.pending = self.pending, []
        self._commit(self._free(slot), txns)
        self.acknowledged |= {txn for _, txn in txns if txn in self.store.txns}

    @rule(slot=WORKERS)
    def tail(self, slot: int) -> None:
        self.workers[slot].read_tail()

    @rule(slot=WORKERS)
    def tail_reads(self, slot: int) -> None:
        """A read comes back; before it is used other things happen."""
        self.cuts.setdefault(slot, self.workers[slot].cut())

    @precondition(lambda self: self.cuts)
    @rule(data=st.data())
    def tail_moves(self, data: st.DataObject) -> None:
        slot = data.draw(st.sampled_from(sorted(self.cuts)))
        self.workers[slot].advance(self.cuts.pop(slot))

    @rule(slot=WORKERS, other=WORKERS, rooms=BATCHES)
    def tail_reads_while_others_write(self, slot: int, other: int, rooms: list[str]) -> None:
        cut = self.workers[slot].cut()
        self._commit(self._free(other), self._txns(rooms))
        self.workers[slot].advance(cut)

    @precondition(lambda self: self.mail)
    @rule(data=st.data(), fate=st.sampled_from(("comes", "is lost", "comes and comes again")))
    def bundle_comes(self, data: st.DataObject, fate: str) -> None:
        """Any of what is under way, in any order; it wakes the tail."""
        at = data.draw(st.integers(0, len(self.mail) - 1))
        slot, packet = self.mail[at] if "again" in fate else self.mail.pop(at)
        if "comes" in fate:
            self.workers[slot].lend(packet)
            self.workers[slot].read_tail()

    @rule()
    def routes_are_lost(self) -> None:
        self.routes.clear()

    @rule(slot=WORKERS)
    def connect(self, slot: int) -> None:
        """One more connection: the route first, then the starting vector."""
        if len(self.connections) < 4:
            self.routes.add(slot)
            self.connections.append(ModelConnection(self.workers[slot]))

    @precondition(lambda self: self.connections)
    @rule(data=st.data())
    def disconnect(self, data: st.DataObject) -> None:
        self.connections.pop(data.draw(st.integers(0, len(self.connections) - 1)))
        self.routes &= {connection.worker.slot for connection in self.connections}

    @rule(slot=WORKERS, calm=st.booleans())
    def attach(self, slot: int, calm: bool) -> None:
        """Begin to attach a user; where it is calm nothing comes between."""
        self.workers[slot].attach()
        if calm:
            self.workers[slot].read_tail()
            self.workers[slot].finish_attach()

    @rule(slot=WORKERS)
    def attached(self, slot: int) -> None:
        self.workers[slot].finish_attach()

    @rule(slot=WORKERS)
    def detach(self, slot: int) -> None:
        self.workers[slot].feed = None

    @rule(slot=WORKERS, client=st.integers(0, 1))
    def sync(self, slot: int, client: int) -> None:
        """A client of this or any other worker asks here; who is behind refuses."""
        worker = self.workers[slot]
        assert self.clients[client].sync(worker) or worker.unheard is not None

    @rule()
    def waiting_connections_wake(self) -> None:
        for connection in self.connections:
            connection.wake()

    @invariant()
    def clients_see_a_beginning_of_each_log(self) -> None:
        waiting = [connection.device for connection in self.connections]
        for client in (*self.clients, *waiting):
            for room, log in self.store.rooms.items():
                assert client.seen[room] == log[: len(client.seen[room])]

    @invariant()
    def vectors_are_closed_and_places_of_their_time(self) -> None:
        for worker in self.workers.values():
            for room, log in self.store.rooms.items():
                covered(log, worker.ticks.vector)
                worker.check_feed(room, worker.ticks.vector)

    @invariant()
    def what_was_acknowledged_is_stored_once(self) -> None:
        txns = [place.txn for log in self.store.rooms.values() for place in log]
        assert len(txns) == len(set(txns))
        assert self.acknowledged <= set(txns)

    @invariant()
    def slots_have_no_holes(self) -> None:
        for slot in self.store.slots.values():
            ends = [0, *[row.last for row in slot.batches]]
            assert [row.first for row in slot.batches] == [end + 1 for end in ends[:-1]]
            assert ends[-1] == slot.pos

    def teardown(self) -> None:
        """Once all is calm every client has everything, on any worker."""
        for slot in self.workers:
            self._free(slot)
        for worker in self.workers.values():
            worker.read_tail()
            worker.finish_attach()
            for client in (*self.clients, *[c.device for c in self.connections]):
                assert client.sync(worker)
                assert client.seen == self.store.rooms


LogMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None, derandomize=True
)
TestLog = LogMachine.TestCase


class HastyWorker(ModelWorker):
    """Certifies own batches whatever they were built on: wrong."""

    def is_closed_with(self, packet: Packet) -> bool:
        return True


class TornWorker(ModelWorker):
    """Moves slot after slot with reads of different instants: wrong."""

    def read_tail(self) -> None:
        slot = min(self.store.slots, key=lambda n: self.ticks.vector[n])
        cut = self.cut()
        self.advance(Cut(cut.upto, {n: r for n, r in cut.rows.items() if n == slot}, cut.places))


class SelfishWorker(ModelWorker):
    """Does not wait for the answers to its own batches: wrong."""

    def knows_itself(self, cut: Cut) -> bool:
        return True


class LatePlacesWorker(ModelWorker):
    """Reads overwritten rows later than the positions: wrong."""

    def advance(self, cut: Cut) -> None:
        super().advance(Cut(cut.upto, cut.rows, self.store.places()))


class BelievingWorker(ModelWorker):
    """Takes bundles for the truth: wrong."""

    def lend(self, bundle: Packet) -> None:
        if not self.ticks.vector.covers(bundle.slot, bundle.to):
            self.ticks.advance(bundle.slot, bundle.to)
            for room, place in bundle.events:
                self.logs[room].append(place)
                self.touched[room] = self.ticks.now


class BehindWorker(ModelWorker):
    """Answers a token that is ahead of it: wrong."""

    def sync(self, token: Vector) -> tuple[dict[str, list[Place]], Vector] | None:
        found = {
            room: self.deliver(log, token, self.ticks.vector) for room, log in self.logs.items()
        }
        return found, self.ticks.vector


class TrustingWorker(ModelWorker):
    """Looks for its batch without retaking the slot: a late packet is stored: wrong."""

    def settle(self, packet: Packet) -> bool:
        return self.store.slots[self.slot].pos == packet.to


WRONG = [
    HastyWorker,
    TornWorker,
    SelfishWorker,
    LatePlacesWorker,
    BelievingWorker,
    BehindWorker,
    TrustingWorker,
]


@pytest.mark.parametrize("wrong", WRONG)
def test_the_machine_finds_wrong_rules(wrong: type[ModelWorker]) -> None:
    class Wrong(LogMachine):
        worker_class = wrong

    quick = settings(
        max_examples=400,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(1)(Wrong), settings=quick)
