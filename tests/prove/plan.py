"""Which faults come when: decided by the seed alone, before anything starts."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

WORKER_KILL: Final = "worker killed"
WORKER_GONE: Final = "worker killed for ever"
WORKER_PAUSE: Final = "worker paused"
WORKER_REPLACED: Final = "worker paused and replaced"
BROKER_KILL: Final = "broker killed"
BROKER_PAUSE: Final = "broker paused"
REDIS_KILL: Final = "Redis killed"
REDIS_FLUSH: Final = "Redis flushed"
REDIS_PAUSE: Final = "Redis paused"
STORE_KILL: Final = "store connections killed"
STORE_CUT: Final = "store connections cut"
STORE_COMMIT: Final = "store cut in COMMIT"

PER_FIVE_MINUTES: Final = {
    WORKER_KILL: 24,
    WORKER_GONE: 24,
    WORKER_PAUSE: 20,
    WORKER_REPLACED: 8,
    BROKER_KILL: 22,
    BROKER_PAUSE: 6,
    REDIS_KILL: 24,
    REDIS_FLUSH: 24,
    REDIS_PAUSE: 8,
    STORE_KILL: 24,
    STORE_CUT: 24,
    STORE_COMMIT: 60,
}
"""How many of each; shorter runs have as large a part of it, but one at least."""
SECONDS: Final = {
    WORKER_KILL: (0.0, 2.0),
    WORKER_GONE: (0.0, 1.0),
    WORKER_PAUSE: (0.3, 3.0),
    WORKER_REPLACED: (0.0, 12.0),  # a writer's slot counts as left after 10
    BROKER_KILL: (0.0, 3.0),
    BROKER_PAUSE: (0.5, 3.0),
    REDIS_KILL: (0.0, 2.0),
    REDIS_PAUSE: (0.2, 2.0),
}
"""For how long, from and to; where nothing stands, the fault is over at once."""
LANES: Final = {
    "broker": (BROKER_KILL, BROKER_PAUSE),
    "Redis": (REDIS_KILL, REDIS_FLUSH, REDIS_PAUSE),
    "store": (STORE_KILL, STORE_CUT, STORE_COMMIT),
}
WORKERS: Final = (WORKER_KILL, WORKER_GONE, WORKER_PAUSE, WORKER_REPLACED)
FIRST_AT: Final = 1.0


@dataclass(frozen=True, slots=True)
class Planned:
    """A fault of a lane, due `at` seconds after the start, that lasts `seconds`.

    A lane's faults follow each other; those of different lanes overlap. `dice` decides what
    else there is to decide.
    """

    at: float
    lane: str
    kind: str
    seconds: float
    dice: float


def plan(
    seed: int, duration: float, seats: int, kinds: frozenset[str] | None = None
) -> list[Planned]:
    """All faults of a run, by time; only of these kinds if they are named.

    Each worker's seat is a lane, `worker 0` and on. The same arguments give the same plan.
    """
    dice = random.Random(f"plan {seed}")
    found: list[Planned] = []
    for lane, members in LANES.items():
        found += _lane(dice, lane, [kind for kind in members for _ in range(_many(kind, duration))])
    shared = [kind for kind in WORKERS for _ in range(_many(kind, duration))]
    dice.shuffle(shared)
    for seat in range(seats):
        found += _lane(dice, f"worker {seat}", shared[seat::seats])
    last = duration - FIRST_AT
    placed = [_scaled(fault, last) for fault in found if kinds is None or fault.kind in kinds]
    return sorted(placed, key=lambda fault: (fault.at, fault.lane))


def _many(kind: str, duration: float) -> int:
    return max(1, round(PER_FIVE_MINUTES[kind] * duration / 300))


def _lane(dice: random.Random, lane: str, kinds: list[str]) -> list[Planned]:
    """Faults in random order at places in [0, 1), spread evenly with some chance."""
    dice.shuffle(kinds)
    return [
        Planned(
            (i + dice.random() / 2) / len(kinds),
            lane,
            kind,
            dice.uniform(*SECONDS.get(kind, (0.0, 0.0))),
            dice.random(),
        )
        for i, kind in enumerate(kinds)
    ]


def _scaled(fault: Planned, last: float) -> Planned:
    at = FIRST_AT + fault.at * max(0.0, last - FIRST_AT)
    return Planned(round(at, 3), fault.lane, fault.kind, round(fault.seconds, 3), fault.dice)
