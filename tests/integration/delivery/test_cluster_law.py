"""The law of /sync, with three workers and clients that change the worker at every request.

Bundles get lost, doubled and late, routes are not found, workers start anew.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from tests.integration.sync.test_law import LONGER, WEIGHTS, Step, Walk, a_step
from tests.support.cluster import ClusterTown, open_cluster

if TYPE_CHECKING:
    from pathlib import Path

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
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        town = runner.run(stack.enter_async_context(open_cluster(tmp_path, "a", "b", "c")))
        if bus == "bad":
            town.post.lose, town.post.double, town.post.delay = 0.3, 0.3, 0.5
        town.post.blind = bus == "none"

        @seed(20260802)
        @settings(
            max_examples=EXAMPLES * LONGER,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(st.lists(a_step(ACROSS), min_size=40, max_size=60))
        def law(steps: list[Step]) -> None:
            runner.run(_walk(town, steps))

        try:
            law()
        finally:
            runner.run(stack.aclose())


async def _walk(town: ClusterTown, steps: list[Step]) -> None:
    walk = Walk(town)
    await walk.begin()
    for step in steps:
        await walk.step(step)
    await town.settle()
    await walk.end()
