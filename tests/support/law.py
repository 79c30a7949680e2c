"""Runs a law over random walks: hypothesis chooses the steps, all walks share one town."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, TypeVar

from hypothesis import HealthCheck, Phase, given, seed, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from contextlib import AbstractAsyncContextManager

    from hypothesis import strategies as st

T = TypeVar("T")
S = TypeVar("S")
LONGER = int(os.environ.get("FIRN_LAW", "1"))
"""How many times as many walks as usual: `FIRN_LAW=20 pytest …`."""


def hold_to_law(
    opening: AbstractAsyncContextManager[T],
    walk: Callable[[T, list[S]], Awaitable[None]],
    steps: st.SearchStrategy[list[S]],
    *,
    number: int,
    examples: int,
) -> None:
    """Open a town and let many walk in it; `walk` raises AssertionError where the law is broken.

    `number` seeds the choice of steps, `examples` is how many walks there are without `LONGER`.
    """
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        town = runner.run(stack.enter_async_context(opening))

        async def one(taken: list[S]) -> None:
            await walk(town, taken)

        @seed(number)
        @settings(
            max_examples=examples * LONGER,
            deadline=None,
            database=None,
            phases=[Phase.generate],  # a walk of fifty steps takes too long to shrink
            suppress_health_check=list(HealthCheck),
        )
        @given(steps)
        def law(taken: list[S]) -> None:
            runner.run(one(taken))

        try:
            law()
        finally:
            runner.run(stack.aclose())
