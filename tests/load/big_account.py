"""`firn bench big-account`: a sync costs what changed, not what the user or the room is.

A user of very many rooms and a member of a very big room are compared with a user of one
small room: a sync with nothing new, and one with one new message, in median milliseconds
and in SELECTs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from homeserver.application.sync.context import SyncRequest
from homeserver.domain.sync.filter import Filter
from tests.load.client import LoadError
from tests.load.engine import opened
from tests.load.places import KINDS, fresh
from tests.load.population import Population
from tests.load.report import markdown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from homeserver.application.requester import Requester
    from homeserver.domain.rooms.room import Room
    from tests.load.engine import Engine

TOLERANCE = 1.3
_FILTER = Filter()
_TITLES = ("no change: ms", "SELECTs", "one message: ms", "SELECTs", "first sync: ms")


@dataclass(frozen=True)
class Cost:
    """Medians of one kind of sync."""

    ms: float
    selects: int


@dataclass(frozen=True)
class Reader:
    """Somebody who syncs, and a room of theirs in which somebody else may speak."""

    name: str
    user: Requester
    room: Room
    speaker: Requester


@dataclass(frozen=True)
class Costs:
    """What the three kinds of sync cost one reader."""

    idle: Cost
    change: Cost
    first: Cost

    @property
    def row(self) -> list[str]:
        """The figures in the order of the table's head."""
        numbers = (self.idle.ms, self.idle.selects, self.change.ms, self.change.selects)
        return [f"{number:.3g}" for number in (*numbers, self.first.ms)]


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; returns 1 where size costs more than the tolerance, or nothing could be measured."""
    options = _options(arguments)
    try:
        found = asyncio.run(_run(options))
    except LoadError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.write(markdown(["", *_TITLES], ([name, *c.row] for name, c in found.items())))
    small, *big = found.values()
    fair = all(
        cost.ms <= TOLERANCE * plain.ms and cost.selects <= plain.selects
        for costs in big
        for cost, plain in ((costs.idle, small.idle), (costs.change, small.change))
    )
    sys.stdout.write(f"size costs {'nothing' if fair else 'something'} (tolerance {TOLERANCE})\n")
    return 0 if fair else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="firn bench big-account", description=__doc__)
    parser.add_argument("--rooms", type=int, default=2000)
    parser.add_argument("--members", type=int, default=20_000)
    parser.add_argument("--repeats", type=int, default=200)
    parser.add_argument("--store", choices=KINDS, default="sqlite")
    return parser.parse_args(arguments)


async def _run(options: argparse.Namespace) -> dict[str, Costs]:
    async with measured(options.store, options.rooms, options.members) as (engine, readers):
        return {r.name: await costs(engine, r, options.repeats) for r in readers}


@asynccontextmanager
async def measured(
    kind: str, rooms: int, members: int
) -> AsyncIterator[tuple[Engine, list[Reader]]]:
    """A store with the three readers: one room, many rooms, one big room."""
    with (
        tempfile.TemporaryDirectory(prefix="firn-bench-") as name,
        fresh(kind, Path(name)) as place,
    ):
        async with opened(place) as engine:
            yield engine, await _people(Population(engine.core), rooms, members)


async def _people(population: Population, rooms: int, members: int) -> list[Reader]:
    owner, small, busy, one = await population.users(("owner", "small", "busy", "one"))
    (plain,) = await population.rooms(owner, 1, [small])
    many = await population.rooms(owner, rooms, [busy])
    (big,) = await population.rooms(owner, 1, [one])
    crowd = await population.users(f"member{n}" for n in range(members - 2))
    await population.join(big, crowd)
    return [
        Reader("1 room of 2", small, plain, owner),
        Reader(f"{rooms:,} rooms of 2", busy, many[len(many) // 2], owner),
        Reader(f"1 room of {members:,}", one, big, owner),
    ]


async def costs(engine: Engine, reader: Reader, repeats: int) -> Costs:
    """Sync again and again: for the first time, for nothing, for one message each."""
    first, since = await _sync(engine, reader, None)
    idle, change = [], []
    for _ in range(repeats):
        cost, since = await _sync(engine, reader, since)
        idle.append(cost)
    for number in range(repeats):
        message = (reader.room, reader.speaker, f"message {number}")
        await Population(engine.core).say([message], reader.user.user_nid + number)
        cost, since = await _sync(engine, reader, since)
        change.append(cost)
    return Costs(_typical(idle), _typical(change), first)


def _typical(found: Sequence[Cost]) -> Cost:
    """The median time, and the most SELECTs once what is kept in memory is there."""
    settled = found[len(found) // 10 :]
    return Cost(median(c.ms for c in settled), max(c.selects for c in settled))


async def _sync(engine: Engine, reader: Reader, since: str | None) -> tuple[Cost, str]:
    request = SyncRequest(since=since, filter=_FILTER)
    selects, begun = engine.database.count, time.perf_counter()
    body = await engine.sync(reader.user, request)
    ms = (time.perf_counter() - begun) * 1000
    return Cost(ms, engine.database.count - selects), str(json.loads(body)["next_batch"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
