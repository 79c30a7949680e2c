"""A whole Firn on each kind of store, to be killed and started again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.server import FirnProcess


@pytest_asyncio.fixture
async def firn(tmp_path: Path, store_url: str) -> AsyncIterator[FirnProcess]:
    """A running server."""
    # who comes and goes would answer syncs that wait for something else
    async with running_firn(tmp_path, store_url, FIRN__PRESENCE__ENABLED="false") as process:
        yield process
