"""`firn bench storage`: bytes on disk per event, with everything that a message writes.

Events go through the real writer and the rules, as 32 clients at once send them: rooms in
random order, every message with its transaction. Only HTTP is left out.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import string
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tests.load.client import LoadError
from tests.load.disk import sizes
from tests.load.engine import opened
from tests.load.places import KINDS, fresh
from tests.load.population import Population
from tests.load.report import markdown
from tests.load.server import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from homeserver.bootstrap.core import Core
    from tests.load.places import Place

PAGE = ROOT / "docs" / "operate" / "storage.md"
TARGET = 900
AT_ONCE = 32
MEMBERS = 10
SIZE = 100
_LETTERS = string.ascii_lowercase + "     "
_TITLES = {"sqlite": "SQLite", "mysql": "MariaDB"}


def main(arguments: Sequence[str] = ()) -> int:
    """Measure; returns 1 where a store is over the target or cannot be measured."""
    options = _options(arguments)
    kinds = KINDS if options.store == "both" else (options.store,)
    try:
        found = {kind: _measure(kind, options.events, options.rooms) for kind in kinds}
    except LoadError as error:
        sys.stderr.write(f"bench: {error}\n")
        return 1
    sys.stdout.write(_table(found, options.events))
    if options.write:
        PAGE.write_text(_page(found, options), encoding="utf-8")
    totals = [sum(tables.values()) / options.events for tables in found.values()]
    return 0 if max(totals) <= TARGET else 1


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="firn bench storage", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rooms", type=int, default=1000)
    parser.add_argument("--store", choices=(*KINDS, "both"), default="both")
    parser.add_argument("--write", action="store_true", help="write docs/operate/storage.md")
    return parser.parse_args(arguments)


def _measure(kind: str, events: int, rooms: int) -> dict[str, int]:
    """Return what each table gained, in bytes, by that many messages."""
    with (
        tempfile.TemporaryDirectory(prefix="firn-bench-") as name,
        fresh(kind, Path(name)) as place,
    ):
        return asyncio.run(_fill(place, events, rooms))


async def _fill(place: Place, events: int, rooms: int) -> dict[str, int]:
    async with opened(place) as engine:
        before = sizes(place)
        begun = time.monotonic()
        await write_messages(engine.core, events, rooms)
        seconds = time.monotonic() - begun
    sys.stdout.write(f"bench: {place.kind}: {events:,} events in {seconds:.0f} s\n")
    return {name: size - before.get(name, 0) for name, size in sizes(place).items()}


async def write_messages(core: Core, events: int, rooms: int) -> None:
    """Send so many messages into so many new rooms, through the writer and the rules."""
    dice = random.Random(1)
    population = Population(core)
    people = await population.users(f"user{n}" for n in range(MEMBERS))
    made = await population.rooms(people[0], rooms, people[1:])
    for start in range(0, events, AT_ONCE):
        chosen = dice.sample(made, min(AT_ONCE, events - start))
        messages = [
            (r, dice.choice(people), "".join(dice.choices(_LETTERS, k=SIZE))) for r in chosen
        ]
        await population.say(messages, start)


def _table(found: Mapping[str, Mapping[str, int]], events: int) -> str:
    """Bytes per event by table, largest first, tables under a byte together."""
    names = {name for tables in found.values() for name in tables}
    shown = sorted(
        (name for name in names if max(t.get(name, 0) for t in found.values()) >= events),
        key=lambda name: -max(tables.get(name, 0) for tables in found.values()),
    )
    rows = [[f"`{n}`", *(f"{t.get(n, 0) / events:,.0f}" for t in found.values())] for n in shown]
    rest = [sum(s for n, s in t.items() if n not in shown) / events for t in found.values()]
    totals = [sum(tables.values()) / events for tables in found.values()]
    rows.append(["everything else", *(f"{size:,.1f}" for size in rest)])
    rows.append(["**total**", *(f"**{size:,.0f}**" for size in totals)])
    rows.append(["10⁹ events", *(f"{size:,.0f} GB" for size in totals)])
    return markdown(["bytes per event", *(_TITLES[kind] for kind in found)], rows)


def _page(found: Mapping[str, Mapping[str, int]], options: argparse.Namespace) -> str:
    command = f"firn bench storage --events {options.events} --store {options.store} --write"
    return f"""# Storage

Written by `{command}`: {options.events:,} messages of {SIZE} bytes (random
letters, which compress worse than words) in {options.rooms:,} rooms of {MEMBERS} members,
sent {AT_ONCE} at a time, each with its transaction id. All indexes are counted; the
target is {TARGET} bytes per event.

{_table(found, options.events)}
The last line is the total carried forward to 10⁹ events (1 GB = 10⁹ bytes): a row's size does
not depend on their number, only the depth of the indexes does (one more level, far
under a byte per event). `writer_batch` is one row per commit and lists the rooms that it
touched: a commit of a single event has a row to itself. MariaDB's binary
log, undo and redo are kept for a time that you set, not for ever, and are not counted.
"""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
