"""One worker for each kind of store, in which every story has been told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest_asyncio

from tests.integration.search.conftest import filled
from tests.integration.visibility.stories import Stage, tell_all
from tests.support.store import STORE_KINDS
from tests.support.syncing import open_sync_town

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import pytest


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=STORE_KINDS)
async def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """The stories are only read afterwards."""
    async with open_sync_town(request.param, tmp_path_factory.mktemp("stage")) as town:
        told = await tell_all(town)
        await filled(town)
        yield told
