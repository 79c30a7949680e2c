"""No client ever misses, doubles or reorders an event, whatever happens to the workers.

The machine commits, crashes, steals slots, cuts connections in COMMIT, delays packets,
reads tails in parts, and lets clients hop between workers.
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

from tests.support.log_model import ROOMS, ModelClient, ModelStore, ModelWorker, Packet, Place

if TYPE_CHECKING:
    from homeserver.domain.sync.vector import Vector

WORKERS = st.integers(1, 3)
BATCHES = st.lists(st.sampled_from(ROOMS), min_size=1, max_size=4)


class LogMachine(RuleBasedStateMachine):
    """Three workers, three rooms, two clients."""

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

    @initialize()
    def start(self) -> None:
        for slot in (1, 2, 3):
            self.workers[slot] = self.worker_class(self.store, slot)

    def _txns(self, rooms: list[str]) -> list[tuple[str, int]]:
        self.count += len(rooms)
        return list(zip(rooms, range(self.count - len(rooms), self.count), strict=True))

    @rule(slot=WORKERS, rooms=BATCHES)
    def commit(self, slot: int, rooms: list[str]) -> None:
        """A whole commit: at most one clash, for the head is then known."""
        self._commit(self.workers[slot], self._txns(rooms))

    def _commit(self, worker: ModelWorker, txns: list[tuple[str, int]]) -> None:
        for _ in range(2):
            txns = [(room, txn) for room, txn in txns if txn not in self.store.txns]
            if not txns:
                return
            packet = worker.compute(txns)
            if self.store.apply(packet):
                worker.publish(packet)
                self.acknowledged |= {txn for _, txn in txns}
                return
            worker.explain()
            if worker.fenced:
                self.pending += txns
                return
        raise AssertionError("a lone writer clashed twice")

    @rule(slot=WORKERS, rooms=BATCHES, landed=st.booleans(), late=st.booleans())
    def cut_in_commit(self, slot: int, rooms: list[str], landed: bool, late: bool) -> None:
        """The answer is lost; where the packet did not land it may come later."""
        worker, txns = self.workers[slot], self._txns(rooms)
        packet = worker.compute(txns)
        stored = landed and self.store.apply(packet)
        assert worker.settle(packet) == stored
        if stored:
            worker.publish(packet)
            self.acknowledged |= {txn for _, txn in txns}
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
        packet = self.workers[slot].compute(txns)
        if stored:
            self.store.apply(packet)
        self.pending += txns
        self.workers[slot] = self.worker_class(self.store, slot)

    @rule(slot=WORKERS)
    def steal(self, slot: int) -> None:
        """Another process takes the slot while its holder still runs."""
        self.zombies.append(self.workers[slot])
        self.workers[slot] = self.worker_class(self.store, slot)

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
        self._commit(self.workers[slot], txns)
        self.acknowledged |= {txn for _, txn in txns if txn in self.store.txns}

    @rule(slot=WORKERS, limit=st.integers(1, 3))
    def tail(self, slot: int, limit: int) -> None:
        self.workers[slot].read_tail(limit)

    @rule(slot=WORKERS, client=st.integers(0, 1))
    def sync(self, slot: int, client: int) -> None:
        """A client of this or any other worker asks here."""
        assert self.clients[client].sync(self.workers[slot])

    @invariant()
    def clients_see_a_beginning_of_each_log(self) -> None:
        for client in self.clients:
            for room, log in self.store.rooms.items():
                assert client.seen[room] == log[: len(client.seen[room])]

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
        for worker in self.workers.values():
            worker.read_tail(1 << 30)
            for client in self.clients:
                assert client.sync(worker)
                assert client.seen == self.store.rooms


LogMachine.TestCase.settings = settings(
    max_examples=200, stateful_step_count=30, deadline=None, derandomize=True
)
TestLog = LogMachine.TestCase


class DeltaWorker(ModelWorker):
    """Delivers what is certified and not in the token, event by event: wrong."""

    @staticmethod
    def deliver(log: list[Place], token: Vector, certified: Vector) -> list[Place]:
        return [
            p for p in log if certified.covers(p.slot, p.pos) and not token.covers(p.slot, p.pos)
        ]


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


@pytest.mark.parametrize("wrong", [DeltaWorker, BehindWorker, TrustingWorker])
def test_the_machine_finds_wrong_rules(wrong: type[ModelWorker]) -> None:
    class Wrong(LogMachine):
        worker_class = wrong

    quick = settings(
        max_examples=100,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
    )
    with pytest.raises(AssertionError):
        run_state_machine_as_test(seed(1)(Wrong), settings=quick)
