"""One run: the town lives, the plan breaks, all is mended, the referee judges."""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from tests.prove.faults import Saboteur
from tests.prove.ground import Ground
from tests.prove.harm import BLIND, DELAYED, DOUBLED, LOST, Harm
from tests.prove.history import History
from tests.prove.parts import open_parts
from tests.prove.plan import LANES, PER_FIVE_MINUTES, plan
from tests.prove.referee import Referee, finished
from tests.prove.town import Founding, Size, Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine
    from pathlib import Path
    from typing import Any

    from tests.prove.parts import Parts
    from tests.prove.plan import Planned
    from tests.prove.violation import Violation

MEND_SECONDS = 60.0
"""Within this time of the last fault every writer is answered, every device has everything."""
LONGEST = 4
"""How many times its duration a run may last, where faults take longer than planned."""
PROGRESS_SECONDS = 5.0
BUNDLES = {
    LOST: "bundles lost",
    DOUBLED: "bundles doubled",
    DELAYED: "bundles delayed",
    BLIND: "routes lost",
}


@dataclass(frozen=True)
class Options:
    """What kind of run; `kinds` None means all faults of the plan, `bundles` those of bundles."""

    seed: int
    duration: float
    workers: int = 3
    size: Size = field(default_factory=Size)
    kinds: frozenset[str] | None = None
    bundles: float = 0.15
    repair: bool = True
    namesrv: str = ""

    @property
    def harm(self) -> Harm:
        """What the workers do to bundles and routes."""
        chance = self.bundles
        return Harm(self.seed, chance, chance, chance, chance / 3, self.repair)

    def planned(self) -> list[Planned]:
        """The faults; those of a broker only if it is the run's own."""
        kinds = frozenset(PER_FIVE_MINUTES) if self.kinds is None else self.kinds
        if self.namesrv:
            kinds -= set(LANES["broker"])
        return plan(self.seed, self.duration, self.workers, kinds)


@dataclass(frozen=True)
class Verdict:
    """What came out; `late` are the seconds from acknowledgement to each delivery, sorted."""

    history: History
    faults: Counter[str]
    violations: list[Violation]
    late: list[float]


async def run(options: Options, folder: Path, say: Callable[[str], None]) -> Verdict:
    """Do it. Raises NoPartError."""
    async with (
        open_parts(folder, options.harm, options.workers, options.namesrv) as parts,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        ground = Ground(http, parts.seats, History())
        town = await Founding(ground, options.seed, options.size)()
        say(f"{len(town.writers)} writers, {len(town.devices)} devices; it begins")
        await _live(options, parts, ground, town, say)
        found = await Referee(ground, parts, town, options.seed)()
        faults = Counter(fault.kind for fault in ground.history.faults)
        for tally in parts.tallies():
            faults.update({BUNDLES[mark]: n for mark, n in Counter(tally).items()})
        settled = [device.name for device in town.devices if device.user in town.members]
        return Verdict(ground.history, faults, found, _late(ground.history, settled))


async def _live(
    options: Options, parts: Parts, ground: Ground, town: Town, say: Callable[[str], None]
) -> None:
    """Write, follow and break for the run's duration; return when all is mended and quiet."""
    ground.began = asyncio.get_running_loop().time()
    for device in town.devices:
        await device.begin()
    async with _tasks(ground, [(d.name, d.run()) for d in town.devices]):
        talk = [(writer.name, writer.run()) for writer in town.writers]
        talk += [(postman.name, postman.run()) for postman in town.postmen]
        talk += [(f"the guest of {guest.room}", guest.run()) for guest in town.guests]
        async with _tasks(ground, talk) as writers, _tasks(ground, [("", _progress(ground, say))]):
            planned = options.planned()
            await Saboteur(parts, ground).carry_out(planned, LONGEST * options.duration)
            await asyncio.sleep(options.duration - ground.now())
            ground.calm.set()
            say("all is mended, waiting for what is under way")
            for name in await finished(writers, MEND_SECONDS):
                ground.violated("answer", f"{name} got no answer within {MEND_SECONDS} s")
    settling = [asyncio.create_task(d.settle(), name=d.name) for d in town.devices]
    for name in await finished(settling, MEND_SECONDS):
        ground.violated("answer", f"{name} did not settle within {MEND_SECONDS} s")


@asynccontextmanager
async def _tasks(
    ground: Ground, work: list[tuple[str, Coroutine[Any, Any, None]]]
) -> AsyncIterator[list[asyncio.Task[None]]]:
    """Run these beside the block; what they raise is a violation."""

    async def watched(name: str, doing: Coroutine[Any, Any, None]) -> None:
        try:
            await doing
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not be)
            ground.violated("answer", f"{name}: {type(error).__name__} {error}")

    tasks = [asyncio.create_task(watched(*each), name=each[0]) for each in work]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _progress(ground: Ground, say: Callable[[str], None]) -> None:
    while True:
        history = ground.history
        say(
            f"{ground.now():4.0f} s: {len(history.errands)} sent,"
            f" {history.deliveries} delivered, {len(history.faults)} faults"
        )
        await asyncio.sleep(PROGRESS_SECONDS)


def _late(history: History, devices: list[str]) -> list[float]:
    """How long after its acknowledgement each event came to each of these devices."""
    known = {attempt.event_id: attempt.ended for attempt in history.acknowledged()}
    return sorted(
        max(0.0, answer.at - known[event_id])
        for device in devices
        for answer in history.taken(device)
        for portion in answer.rooms.values()
        for event_id in portion.events
        if event_id in known
    )
