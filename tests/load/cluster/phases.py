"""What is measured of a cluster, on one MariaDB that all phases share."""

from __future__ import annotations

import asyncio
import resource
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.load.client import LoadError, Step
from tests.load.cluster.fleet import RESTING, WORKERS, Fleet, Services, running_fleet
from tests.load.cluster.trouble import with_broker_dead, with_redis_flushed
from tests.load.crowd import make_users

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
    from pathlib import Path

    from tests.load.client import Line
    from tests.load.places import Place

COUNTS = (1, 2, 3)
SENDERS = 32
USERS, ROOMS, MEMBERS = 200, 20, 10


@dataclass(frozen=True)
class Size:
    """Seconds of a phase, how often the compared ones take turns, connections that idle."""

    phase_s: int
    turns: int
    idle: int


QUICK = Size(phase_s=4, turns=1, idle=2000)
FULL = Size(phase_s=6, turns=3, idle=20_000)


@dataclass(frozen=True)
class Bench:
    """One run: the load generator, an empty store, the shared services."""

    csload: Path
    place: Place
    services: Services
    size: Size
    resting: Sequence[str] = RESTING
    """What must rest between phases; not a MariaDB that others keep busy."""

    @asynccontextmanager
    async def fleet(self, count: int, services: Services | None = None) -> AsyncIterator[Fleet]:
        """So many workers."""
        used = services or self.services
        async with running_fleet(self.csload, self.place, used, count) as fleet:
            yield replace(fleet, resting=self.resting)

    @property
    def length(self) -> tuple[str, ...]:
        """The option of csload that says how long."""
        return ("-d", f"{self.size.phase_s}s")


async def set_up(bench: Bench) -> list[Line]:
    """The people and rooms of all phases but the idle one."""
    await _people(bench, "main", USERS)
    async with bench.fleet(1) as fleet:
        return await fleet.run(_population("main", ROOMS, bench.place))


async def sends(bench: Bench) -> list[Line]:
    """As many senders for each worker, and as many in all, over 1, 2 and 3 workers in turns.

    Every room's requests go to its own worker.
    """
    lines = []
    for _ in range(bench.size.turns):
        for count in COUNTS:
            async with bench.fleet(count) as fleet:
                for name, senders in (("each", SENDERS * count), ("send", SENDERS)):
                    options = ("-c", str(senders), *bench.length)
                    step = Step(f"{name}.{count}", "send", options)
                    lines += await fleet.run(step, to=range(count))
    return lines


async def hot_room(bench: Bench) -> list[Line]:
    """One room from one worker and from three in turns, while others are spoken in too."""
    options = ("-rooms", "1", "-c", str(SENDERS), "-by", "sender", "-others", "20")
    step = Step("", "send", (*options, *bench.length))
    lines = []
    for _ in range(bench.size.turns):
        for count in (1, 3):
            async with bench.fleet(count) as fleet:
                lines += await fleet.run(_named(step, f"hot.{count}"), to=range(count))
    return lines


def fanout(name: str, *options: str) -> Step:
    """Messages to the members of ten rooms, 50 a second."""
    usual = ("-rooms", "10", "-members", str(MEMBERS), "-rate", "50")
    return Step(name, "fanout", (*usual, *options))


async def deliveries(bench: Bench) -> list[Line]:
    """All senders on one worker, all receivers on another; by long-poll and by socket."""
    lines = []
    async with bench.fleet(2) as fleet:
        for transport in ("poll", "ws"):
            step = fanout(f"across.{transport}", "-transport", transport, *bench.length)
            lines += await fleet.run(step, to=(0,), streams=(1,))
    return lines


async def sockets(bench: Bench) -> list[Line]:
    """One worker, all receivers on sockets; beside it on long-polls."""
    lines = []
    async with bench.fleet(1) as fleet:
        for transport in ("ws", "poll"):
            step = fanout(f"alone.{transport}", "-transport", transport, *bench.length)
            lines += await fleet.run(step)
    return lines


async def troubles(bench: Bench) -> list[Line]:
    """Deliveries across workers while Redis is flushed, and while the broker is dead."""
    step = fanout("", "-series", "250ms", "-drain", "10s")
    flushed = await with_redis_flushed(bench, _named(step, "flushed"))
    return [*flushed, *await with_broker_dead(bench, _named(step, "dead"))]


async def idle(bench: Bench) -> list[Line]:
    """Connections, half long-polls and half sockets, over two workers that have just started.

    One csload for each worker: a process may not have enough files for all.
    """
    each = bench.size.idle // 2
    _check_files(each + 100)
    states = ("idle0", "idle1")
    for state in states:
        await _people(bench, state, each)
    async with bench.fleet(2) as fleet:
        for state in states:
            await fleet.run(_population(state, ROOMS, bench.place))
    options = ("-k", str(each), "-d", "8s", "-probes", "20", "-transport", "mixed")
    async with bench.fleet(2) as fleet:
        runs = (
            _alone(fleet, number).run(Step("idle", "idle", options, state), to=(number,))
            for number, state in enumerate(states)
        )
        found = await asyncio.gather(*runs)
    return [line | {"grown_mb": _grown(line)} for lines in found for line in lines]


def _grown(line: Line) -> float:
    """By how many MB the process grew."""
    return float(sum(line["mem_held_mb"])) - float(line["mem_before_mb"])


def _alone(fleet: Fleet, number: int) -> Fleet:
    """The same workers, of which one process only is measured."""
    pids = dict.fromkeys(fleet.pids, ()) | {WORKERS: [fleet.pids[WORKERS][number]]}
    return replace(fleet, pids=pids)


def _check_files(needed: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise LoadError(f"a process may open {hard} files, {needed} are needed: raise `ulimit -n`")


async def _people(bench: Bench, state: str, count: int) -> None:
    lines = await make_users(bench.place, [f"{state}-{number}" for number in range(count)])
    _tokens(bench.place, state).write_text("".join(lines), encoding="utf-8")


def _tokens(place: Place, state: str) -> Path:
    return place.folder / f"{state}.tokens"


def _population(state: str, rooms: int, place: Place) -> Step:
    options = ("-tokens", str(_tokens(place, state)), "-rooms", str(rooms))
    return Step(f"setup.{state}", "setup", (*options, "-members", str(MEMBERS)), state)


def _named(step: Step, name: str) -> Step:
    return replace(step, name=name)


PHASES: dict[str, Callable[[Bench], Awaitable[list[Line]]]] = {
    "sends": sends,
    "hot": hot_room,
    "deliveries": deliveries,
    "sockets": sockets,
    "troubles": troubles,
    "idle": idle,
}
