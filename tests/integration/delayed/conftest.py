"""Both forms of the server; what is due is sent at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from homeserver.application.delayed import keep_sending
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
    """One process on SQLite; or two workers on MariaDB, which both look for what is due."""
    monkeypatch.setattr(keep_sending, "PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(keep_sending, "LOOK_SECONDS", 0.2)
    if request.param == "embedded":
        async with open_sync_town("sqlite", tmp_path) as one:
            one.delayed.keep_sending.start()
            yield one
        return
    async with open_cluster(tmp_path, "a", "b") as several:
        several.settles = True
        for worker in several.workers:
            worker.delayed.keep_sending.start()
        yield several
