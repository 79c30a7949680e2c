"""A worker behind HTTP over each kind of store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.house import House, open_house
from tests.support.store import STORE_KINDS

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    import pytest


@pytest_asyncio.fixture(params=STORE_KINDS)
async def house(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[House]:
    """An empty one."""
    async with open_house(request.param, tmp_path) as opened:
        yield opened
