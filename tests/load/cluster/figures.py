"""The figures of the tables: from which result lines each comes, and its target."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from tests.load.cluster.fleet import BROKER, REDIS, STORE, WORKERS
from tests.load.measures import Measure, total

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.load.client import Line

RATE = "ops_per_s"

BY_COUNT = (
    ("CPU ms", "cpu"),
    ("of it workers", WORKERS),
    ("of it MariaDB", STORE),
    ("of it Redis", REDIS),
    ("RocketMQ beside it", BROKER),
    ("times one worker's CPU", "times"),
    ("per second", RATE),
    ("p50 ms", "p50_ms"),
    ("p99 ms", "p99_ms"),
)
"""Rows of the first tables: a send over 1, 2 and 3 workers."""
SENDS = (
    ("each", "a send, 32 senders for each worker, each room at its worker"),
    ("send", "the same, 32 senders in all"),
)
"""Their keys and titles. With as many senders in all, batches of three workers have a third
of the sends of one worker's, and each batch has a cost of its own."""
MOST_TIMES = 1.25

MEASURES = (
    Measure("one room hammered from one worker: per second", "hot.1", RATE),
    Measure("the same from three: per second", "hot.3", RATE),
    Measure("of one worker's rate: %", "hot.3", "share", 70, at_least=True),
    Measure("its CPU ms from one worker", "hot.1", "cpu"),
    Measure("its CPU ms from three", "hot.3", "cpu"),
    Measure("sends in other rooms meanwhile: p50 ms", "hot.3", "others_p50_ms"),
    Measure("sends in other rooms meanwhile: p99 ms", "hot.3", "others_p99_ms", 30),
    Measure("to 10 members on another worker, 50/s: p50 ms", "across.poll", "p50_ms", 10),
    Measure("the same: p99 ms", "across.poll", "p99_ms", 30),
    Measure("CPU ms per message", "across.poll", "cpu", 7),
    Measure("of it workers", "across.poll", WORKERS),
    Measure("of it MariaDB", "across.poll", STORE),
    Measure("of it Redis", "across.poll", REDIS),
    Measure("RocketMQ beside it", "across.poll", BROKER),
    Measure("over sockets: p50 ms", "across.ws", "p50_ms"),
    Measure("over sockets: p99 ms", "across.ws", "p99_ms"),
    Measure("over sockets: CPU ms per message", "across.ws", "cpu"),
    Measure("Redis flushed: longest delivery, ms", "flushed", "max_ms", 1000),
    Measure("back to normal after, s", "flushed", "back_s", 3),
    Measure("broker killed: longest delivery, ms", "dead", "max_ms", 1000),
    Measure("back to normal after its return, s", "dead", "back_s", 3),
    Measure("to 10 members on sockets, one worker, 50/s: CPU ms", "alone.ws", "cpu", 2),
    Measure("the same: p50 ms", "alone.ws", "p50_ms"),
    Measure("the same: p99 ms", "alone.ws", "p99_ms"),
    Measure("the same on long-polls: CPU ms", "alone.poll", "cpu"),
    Measure("idle connections held", "idle", "held_lowest"),
    Measure("memory of one, KB", "idle", "kb_each", 24),
    Measure("delivery to them: p99 ms", "idle", "p99_ms"),
    Measure("errors", "all", "errors", 0),
    Measure("sends acknowledged and missing", "all", "verify_missing", 0),
    Measure("event ids given twice", "all", "duplicate_event_ids", 0),
    Measure("deliveries lost", "all", "lost", 0),
    Measure("deliveries doubled", "all", "duplicated", 0),
    Measure("deliveries out of order", "all", "out_of_order", 0),
)
"""Rows of the second table; those without a target say more of the row above."""


def summed_up(lines: Sequence[Line]) -> dict[str, Line]:
    """One line for each key: medians of what was measured in turns, and what follows from them."""
    keys = dict.fromkeys(str(line["key"]) for line in lines)
    found = {key: _middle([line for line in lines if line["key"] == key]) for key in keys}
    if "idle" in found:
        found["idle"] = _held([line for line in lines if line["key"] == "idle"])
    for key, line in found.items():
        one = found.get(f"{key.partition('.')[0]}.1")
        if one is not None and one.get("cpu"):
            line["times"] = line["cpu"] / one["cpu"]
            line["share"] = 100 * line[RATE] / one[RATE]
    found["all"] = total(lines)
    return found


def _middle(lines: Sequence[Line]) -> Line:
    """The medians of the figures that all lines have."""
    numbers = {
        name
        for name, value in lines[0].items()
        if isinstance(value, int | float) and all(name in line for line in lines)
    }
    return {name: median(line[name] for line in lines) for name in numbers}


def _held(halves: Sequence[Line]) -> Line:
    """Connections that several generators held at once, each to a worker of its own."""
    opened = sum(line["opened"] for line in halves)
    grown = sum(line["grown_mb"] for line in halves)
    return {
        "held_lowest": sum(line["held_lowest"] for line in halves),
        "kb_each": grown * 1024 / opened if opened else 0.0,
        "p99_ms": max(line.get("p99_ms", 0.0) for line in halves),
    }
