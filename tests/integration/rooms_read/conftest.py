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

    from homeserver.infrastructure.sql.database import Database


@pytest_asyncio.fixture(params=STORE_KINDS)
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """An empty store."""
    async with open_store(request.param, tmp_path) as store:
        yield store.database


@pytest_asyncio.fixture
async def world(database: Database) -> AsyncIterator[World]:
    """A worker and its rooms."""
    async with open_world(database) as opened:
        yield opened
