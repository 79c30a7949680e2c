"""Both forms of the server with presence switched on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from homeserver.application.presence import board
from tests.support.cluster import ClusterTown, open_cluster
from tests.support.syncing import SyncTown, open_sync_town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@pytest_asyncio.fixture(params=["embedded", "workers"])
async def town(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[SyncTown | ClusterTown]:
    """One process on SQLite, or two workers on MariaDB; flushes follow each other quickly."""
    monkeypatch.setattr(board, "PAUSE", 0.1)
    if request.param == "embedded":
        async with open_sync_town("sqlite", tmp_path, presence=True) as one:
            yield one
        return
    async with open_cluster(tmp_path, "a", "b", presence=True) as several:
        several.settles = True
        yield several
