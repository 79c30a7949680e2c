"""A worker over each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.store import STORE_KINDS, open_store
from tests.support.world import World, open_world

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@pytest_asyncio.fixture(params=STORE_KINDS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    """A worker and its rooms, on an empty store."""
    async with open_store(request.param, tmp_path) as store, open_world(store.database) as opened:
        yield opened
