"""Both forms of the server: embedded, and two workers whose clients hop between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.cluster import ClusterTown, open_cluster
from tests.support.syncing import Phone, SyncTown, open_sync_town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@pytest_asyncio.fixture(params=["embedded", "workers"])
async def town(
    request: pytest.FixtureRequest, tmp_path: Path
) -> AsyncIterator[SyncTown | ClusterTown]:
    """One process on SQLite; or workers `a` and `b` on MariaDB with a bus.

    Workers know everywhere what happened before somebody syncs; tests of what happens in
    between take that back (`settles`).
    """
    if request.param == "embedded":
        async with open_sync_town("sqlite", tmp_path) as one:
            yield one
        return
    async with open_cluster(tmp_path, "a", "b") as several:
        several.settles = True
        yield several


@pytest_asyncio.fixture
async def romeo(town: SyncTown | ClusterTown) -> Phone:
    """Who makes the rooms."""
    return await town.phone("romeo")


@pytest_asyncio.fixture
async def juliet(town: SyncTown | ClusterTown) -> Phone:
    """Who looks on."""
    return await town.phone("juliet")


@pytest_asyncio.fixture
async def nurse(town: SyncTown | ClusterTown) -> Phone:
    """A third."""
    return await town.phone("nurse")
