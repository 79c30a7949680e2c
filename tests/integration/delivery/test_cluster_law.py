"""The law of /sync, with three workers and clients that change the worker at every request.

Bundles get lost, doubled and late, routes are not found, workers start anew.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.integration.sync.test_law import WEIGHTS, Step, Walk, steps_of
from tests.support.cluster import open_cluster
from tests.support.law import LONGER, hold_to_law

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.cluster import ClusterTown

EXAMPLES = 12
ACROSS = {
    what: weight
    for what, weight in WEIGHTS.items()
    if what not in ("typing", "quiet", "visibility")
}
"""Typing is in no log: it does not reach other workers yet. Visibility: the old form of state
cannot tell of hidden state events between shown ones of the same key, however many workers."""


@pytest.mark.timeout(180 * LONGER)
@pytest.mark.parametrize("bus", ["good", "bad", "none"])
def test_F4_I4_deltas_add_up_across_workers(bus: str, tmp_path: Path) -> None:
    opening, steps = _open(tmp_path, bus), steps_of(ACROSS, 40, 60)
    hold_to_law(opening, _walk, steps, number=20260802, examples=EXAMPLES)


@asynccontextmanager
async def _open(folder: Path, bus: str) -> AsyncIterator[ClusterTown]:
    async with open_cluster(folder, "a", "b", "c") as town:
        if bus == "bad":
            town.post.lose, town.post.double, town.post.delay = 0.3, 0.3, 0.5
        town.post.blind = bus == "none"
        yield town


async def _walk(town: ClusterTown, steps: list[Step]) -> None:
    walk = Walk(town, apart=True)
    await walk.take(steps)
    await town.settle()
    await walk.end()
