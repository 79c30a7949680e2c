"""A worker over each kind of store, and three people; folders may have another `town`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.store import STORE_KINDS
from tests.support.syncing import Phone, SyncTown, open_sync_town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@pytest_asyncio.fixture(params=STORE_KINDS)
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SyncTown]:
    """An empty one."""
    async with open_sync_town(request.param, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def romeo(town: SyncTown) -> Phone:
    """Who makes the rooms."""
    return await town.phone("romeo")


@pytest_asyncio.fixture
async def juliet(town: SyncTown) -> Phone:
    """Who looks on."""
    return await town.phone("juliet")


@pytest_asyncio.fixture
async def nurse(town: SyncTown) -> Phone:
    """A third."""
    return await town.phone("nurse")
