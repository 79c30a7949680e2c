"""A worker behind HTTP over each kind of store."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.support.house import House, open_house
from tests.support.store import STORE_KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path


@pytest_asyncio.fixture(params=STORE_KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """An empty one."""
    async with open_house(request.param, tmp_path) as opened:
        yield opened


@pytest.fixture(scope="module", params=STORE_KINDS)
def lasting(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[asyncio.Runner, House]]:
    """One store for all walks, each of which has a room of its own."""
    folder: Path = tmp_path_factory.mktemp("house")
    stack = AsyncExitStack()

    async def start() -> House:
        return await stack.enter_async_context(open_house(request.param, folder))

    with asyncio.Runner() as runner:
        yield runner, runner.run(start())
        runner.run(stack.aclose())
