"""A town over each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.store import STORE_KINDS, open_store
from tests.support.town import Town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@pytest_asyncio.fixture(params=STORE_KINDS)
async def town(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Town]:
    """An empty store with one worker and its use cases."""
    async with open_store(request.param, tmp_path) as store:
        yield Town(store, store.worker)
