"""Carries out the plan of faults, and notes when each was."""

from __future__ import annotations

import asyncio
import signal
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

import pymysql

from tests.prove import plan as p
from tests.prove.history import Fault
from tests.support.tcp_proxy import BATCH_END

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.prove.ground import Ground
    from tests.prove.parts import Parts, Seat
    from tests.prove.plan import Planned
    from tests.support.broker import OwnRocketMq
    from tests.support.server import FirnProcess
    from tests.support.tcp_proxy import When

TRAP_SECONDS = 2.0
"""How long a killer lies in wait for a commit or an acknowledgement."""
FENCED_SECONDS = 30.0
"""A replaced worker has ended by then: it beats every 2 s, then drains for 8."""
REPLACED = 4
"""The exit code of a worker whose slot another one took."""
CONNECTIONS = (
    "SELECT id FROM information_schema.processlist WHERE db = %s AND id <> CONNECTION_ID()"
)
NO_SUCH_THREAD = 1094
MOMENTS: tuple[When, ...] = ("before", "during", "after")


class Saboteur:
    """Breaks parts and repairs them. At least one worker's seat is always left alone."""

    def __init__(self, parts: Parts, ground: Ground) -> None:
        self._parts = parts
        self._ground = ground
        self._at_once = asyncio.Semaphore(max(1, len(parts.seats) - 1))
        self._acts: dict[str, Callable[[Planned], Awaitable[str]]] = {
            p.WORKER_KILL: self._kill_worker,
            p.WORKER_GONE: self._kill_for_ever,
            p.WORKER_PAUSE: self._pause_worker,
            p.WORKER_REPLACED: self._replace_worker,
            p.BROKER_KILL: self._kill_broker,
            p.BROKER_PAUSE: self._pause_broker,
            p.REDIS_KILL: self._kill_redis,
            p.REDIS_FLUSH: self._flush_redis,
            p.REDIS_PAUSE: self._pause_redis,
            p.STORE_KILL: self._kill_connections,
            p.STORE_CUT: self._cut_connections,
            p.STORE_COMMIT: self._cut_commit,
        }

    async def carry_out(self, planned: Iterable[Planned], until: float) -> None:
        """Break all that is planned, but begin nothing after that time; return when all is mended.

        On a slow machine, where workers take long to start, faults come later than planned.
        Raises NoPartError.
        """
        lanes: dict[str, list[Planned]] = {}
        for fault in planned:
            lanes.setdefault(fault.lane, []).append(fault)
        try:
            async with asyncio.TaskGroup() as group:
                for faults in lanes.values():
                    group.create_task(self._lane(faults, until))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from errors
        for seat in self._parts.seats:
            seat.proxy.spare()

    async def _lane(self, faults: list[Planned], until: float) -> None:
        for fault in faults:
            await asyncio.sleep(fault.at - self._ground.now())
            if self._ground.now() >= until:
                return
            if fault.kind in p.WORKERS:
                async with self._at_once:
                    await self._carry_out(fault)
            else:
                await self._carry_out(fault)

    async def _carry_out(self, fault: Planned) -> None:
        began = self._ground.now()
        target = await self._acts[fault.kind](fault)
        self._ground.history.faults.append(Fault(began, self._ground.now(), fault.kind, target))

    def _seat(self, fault: Planned) -> Seat:
        """The seat of a worker's lane, or any."""
        seats = self._parts.seats
        number = fault.lane.removeprefix("worker ")
        return seats[int(number)] if number.isdigit() else seats[int(fault.dice * len(seats))]

    async def _kill_worker(self, fault: Planned) -> str:
        seat = self._seat(fault)
        await seat.worker.stop(signal.SIGKILL)
        await asyncio.sleep(fault.seconds)
        await self._parts.start(seat.worker)
        return seat.name

    async def _kill_for_ever(self, fault: Planned) -> str:
        """Kill right after a commit: as it is stored, or as its answer is here."""
        seat = self._seat(fault)
        name, worker = seat.name, seat.worker
        await (self._at_commit(seat) if fault.dice < 1 / 2 else self._at_answer(seat))
        await worker.stop(signal.SIGKILL)
        await asyncio.sleep(fault.seconds)
        other = self._parts.new_name()
        seat.worker = self._parts.worker(other, seat.proxy, other)
        await self._parts.start(seat.worker)
        return f"{name}, {other} comes"

    @staticmethod
    async def _at_commit(seat: Seat) -> None:
        stored = asyncio.Event()

        def kill() -> None:
            _signal(seat.worker, signal.SIGKILL)
            stored.set()

        seat.proxy.cut(BATCH_END, "after", kill)
        await _within(TRAP_SECONDS, stored)
        seat.proxy.spare()

    @staticmethod
    async def _at_answer(seat: Seat) -> None:
        seat.acknowledged.clear()
        await _within(TRAP_SECONDS, seat.acknowledged)

    async def _pause_worker(self, fault: Planned) -> str:
        seat = self._seat(fault)
        _signal(seat.worker, signal.SIGSTOP)
        await asyncio.sleep(fault.seconds)
        _signal(seat.worker, signal.SIGCONT)
        return seat.name

    async def _replace_worker(self, fault: Planned) -> str:
        """Pause a worker until another has its slot; when it wakes it must stop by itself."""
        seat = self._seat(fault)
        old = seat.worker
        _signal(old, signal.SIGSTOP)
        self._parts.retired.append(old)
        await asyncio.sleep(fault.seconds)
        seat.worker = self._parts.worker(seat.name, seat.proxy, f"{old.folder.name}-again")
        await self._parts.start(seat.worker)
        _signal(old, signal.SIGCONT)
        await self._must_end(old, seat.name)
        return seat.name

    async def _must_end(self, old: FirnProcess, name: str) -> None:
        assert old.process is not None
        code: int | None = None
        with suppress(TimeoutError):
            async with asyncio.timeout(FENCED_SECONDS):
                code = await old.process.wait()
        if code != REPLACED:
            self._ground.violated("fence", f"{name}, which was replaced, ended with {code}")

    async def _kill_broker(self, fault: Planned) -> str:
        broker = self._broker()
        broker.kill()
        await asyncio.sleep(fault.seconds)
        await self._parts.start_broker(broker)
        return "broker"

    async def _pause_broker(self, fault: Planned) -> str:
        broker = self._broker()
        broker.pause()
        await asyncio.sleep(fault.seconds)
        broker.resume()
        return "broker"

    def _broker(self) -> OwnRocketMq:
        assert self._parts.broker is not None, "the plan breaks a broker that is not the run's own"
        return self._parts.broker

    async def _kill_redis(self, fault: Planned) -> str:
        self._parts.redis.kill()
        await asyncio.sleep(fault.seconds)
        await self._parts.redis.start()
        return "Redis"

    async def _flush_redis(self, fault: Planned) -> str:
        await self._parts.redis.flush()
        return "Redis"

    async def _pause_redis(self, fault: Planned) -> str:
        self._parts.redis.pause()
        await asyncio.sleep(fault.seconds)
        self._parts.redis.resume()
        return "Redis"

    async def _kill_connections(self, fault: Planned) -> str:
        count = await asyncio.to_thread(_kill_all, self._parts.store_address())
        return f"all {count}"

    async def _cut_connections(self, fault: Planned) -> str:
        seat = self._seat(fault)
        seat.proxy.cut_all()
        return f"those of {seat.name}"

    async def _cut_commit(self, fault: Planned) -> str:
        seat, cut = self._seat(fault), asyncio.Event()
        when = MOMENTS[int(fault.dice * 997) % 3]
        seat.proxy.cut(BATCH_END, when, cut.set)
        await _within(TRAP_SECONDS, cut)
        return f"the next of {seat.name}, {when} it came through"


async def _within(seconds: float, event: asyncio.Event) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


def _signal(worker: FirnProcess, number: int) -> None:
    """Signal a worker, unless it ended: killed by another fault, or by itself."""
    if worker.process is not None and worker.process.returncode is None:
        worker.process.send_signal(number)


def _kill_all(address: dict[str, Any]) -> int:
    """KILL all connections to the run's database; how many there were."""
    with closing(pymysql.connect(**address)) as admin, admin.cursor() as cursor:
        cursor.execute(CONNECTIONS, (address["database"],))
        ids = [row[0] for row in cursor.fetchall()]
        for thread in ids:
            try:
                cursor.execute(f"KILL {int(thread)}")
            except pymysql.err.MySQLError as error:
                if error.args[0] != NO_SUCH_THREAD:  # it went by itself
                    raise
        return len(ids)
