"""One whole server on SQLite that is asked whatever the specification lets one ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from tests.conformance.surface.visitor import Visitor
from tests.support.server import running_firn

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.support.server import FirnProcess


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FirnProcess]:
    """A server that lives through all tests of this folder."""
    async with running_firn(tmp_path_factory.mktemp("surface")) as firn:
        yield firn


@pytest.fixture
def visitor(server: FirnProcess) -> Iterator[Visitor]:
    """Somebody new, with a room, an event, an alias and a filter."""
    with Visitor(server.base) as visitor:
        yield visitor
    assert server.process is not None
    assert server.process.returncode is None, "the server has died"
