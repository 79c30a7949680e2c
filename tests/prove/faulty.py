"""What a run's workers have instead of a good bus, and without repair instead of a good tail."""

from __future__ import annotations

import asyncio
import os
import random
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from homeserver.application.delivery.bundle import decode_bundles
from homeserver.application.delivery.frames import BATCHES, BadFrameError, Frames
from homeserver.infrastructure.sql.tail_reader import SqlTailReader
from tests.prove.harm import BLIND, DELAYED, DOUBLED, LOST

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence

    from homeserver.application.ports.event_bus import EventBus
    from homeserver.application.ports.route_table import RouteTable
    from homeserver.application.ports.tail import BatchRow
    from homeserver.infrastructure.sql.database import Database, Reader
    from tests.prove.harm import Harm

LATEST_SECONDS = 1.5


class Dice:
    """Chances of one worker, and the tally of what they brought; it survives SIGKILL."""

    def __init__(self, harm: Harm, life: str) -> None:
        self._random = random.Random(f"{harm.seed} {life}")
        self._tally = os.open(harm.tally, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def falls(self, chance: float, mark: str) -> bool:
        """Whether it happens; counted if so."""
        hit = self._random.random() < chance
        if hit:
            os.write(self._tally, mark.encode())
        return hit

    def seconds(self) -> float:
        """How late something comes."""
        return self._random.uniform(0.0, LATEST_SECONDS)


class FaultyBus:
    """Loses, doubles and delays frames of a bus that is good."""

    def __init__(
        self, bus: EventBus, harm: Harm, dice: Dice, heard: Callable[[bytes], None]
    ) -> None:
        """`heard` is told of every frame that arrives, before its receiver."""
        self._bus = bus
        self._harm = harm
        self._dice = dice
        self._heard = heard

    async def start(self, worker: str, receive: Callable[[bytes], None]) -> None:
        """See `EventBus.start`."""

        def hear(frame: bytes) -> None:
            self._heard(frame)
            receive(frame)

        await self._bus.start(worker, hear)

    def send(self, worker: str, frame: bytes) -> None:
        """Lose the frame, double it, or hold it up."""
        harm, dice = self._harm, self._dice
        if dice.falls(harm.lose, LOST):
            return
        for _ in range(1 + dice.falls(harm.double, DOUBLED)):
            if dice.falls(harm.delay, DELAYED):
                loop = asyncio.get_running_loop()
                loop.call_later(dice.seconds(), self._bus.send, worker, frame)
            else:
                self._bus.send(worker, frame)

    def healthy(self) -> bool:
        """See `EventBus.healthy`."""
        return self._bus.healthy()

    async def close(self) -> None:
        """See `EventBus.close`."""
        await self._bus.close()


class FaultyRoutes:
    """Does not find some users, of a table that is good."""

    def __init__(self, routes: RouteTable, harm: Harm, dice: Dice) -> None:
        self._harm = harm
        self._dice = dice
        self.join = routes.join
        self.attach = routes.attach
        self.detach = routes.detach
        self.devices_of = routes.devices_of
        self.workers = routes.workers
        self.known_workers = routes.known_workers
        self.leave = routes.leave
        self._workers_of = routes.workers_of

    async def workers_of(self, users: Collection[int]) -> Mapping[int, Collection[str]]:
        """See `RouteTable.workers_of`."""
        found = await self._workers_of(users)
        blind = self._harm.blind
        return {u: w for u, w in found.items() if not self._dice.falls(blind, BLIND)}


class Announced:
    """Which batches bundles told this worker of."""

    def __init__(self, key: bytes) -> None:
        self._frames = Frames(key)
        self._known: set[tuple[int, int]] = set()

    def hear(self, frame: bytes) -> None:
        """Look into a frame."""
        try:
            kind, payload = self._frames.open(frame)
        except BadFrameError:
            return
        if kind == BATCHES:
            self._known |= {(b.slot, b.pos_to) for b in decode_bundles(payload)}

    def has(self, row: BatchRow) -> bool:
        """Whether a bundle told of this batch."""
        return (row.slot, row.pos_to) in self._known


class CredulousReader(SqlTailReader):
    """Believes that what no bundle told of touched nobody: a tail without repair."""

    def __init__(
        self, database: Database, announced: Announced, reader: Reader | None = None
    ) -> None:
        super().__init__(database, reader)
        self._announced = announced

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[SqlTailReader]:
        """See `TailReader.snapshot`."""
        async with self._db.snapshot() as reader:
            yield CredulousReader(self._db, self._announced, reader)

    async def batches(
        self, after: Mapping[int, int], upto: Mapping[int, int], limit: int
    ) -> Sequence[BatchRow]:
        """See `TailReader.batches`."""
        rows = await super().batches(after, upto, limit)
        return [
            row if self._announced.has(row) else replace(row, rooms=(), users={}) for row in rows
        ]
