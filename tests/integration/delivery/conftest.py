"""Two workers over one MariaDB."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.cluster import ClusterTown, open_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Workers `a` and `b` with a good bus."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        yield opened
