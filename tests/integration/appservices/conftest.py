"""A worker over each kind of store, and one bridge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.bridge import Bridge
from tests.support.bridged import Bridged, bridged
from tests.support.store import STORE_KINDS, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest

    from tests.support.store import Store


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture
async def irc(tmp_path: Path) -> AsyncIterator[Bridge]:
    """A service with users of its own, which listens."""
    bridge = Bridge("irc", tmp_path, aliases=[{"regex": "#_irc_.*", "exclusive": True}])
    await bridge.start()
    yield bridge
    await bridge.stop()


@pytest_asyncio.fixture
async def house(store: Store, irc: Bridge) -> AsyncIterator[Bridged]:
    """A worker that knows it."""
    async with bridged(store, irc) as worker:
        yield worker
