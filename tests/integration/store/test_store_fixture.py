"""The store that integration tests stand on keeps what is committed, on both databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import pytest_asyncio

from homeserver.infrastructure.sql.writes import INSERT_USER
from tests.support.store import STORE_KINDS, Store, open_store

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from homeserver.application.writing.draft import Draft

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=STORE_KINDS)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store of each kind."""
    async with open_store(request.param, tmp_path) as opened:
        yield opened


async def test_what_two_workers_commit_is_there(store: Store) -> None:
    """Each worker has a slot of its own, and both write to one store."""
    other = await store.join("other")
    assert other.writer.lease.slot != store.writer.lease.slot
    for writer, name in ((store.writer, b"@a:firn.test"), (other.writer, b"@b:firn.test")):
        row = (writer.new_nid(), name)

        def change(draft: Draft, row: tuple[int, bytes] = row) -> None:
            draft.write(INSERT_USER, row)

        await writer.submit(change)
    assert {name for _, name in await store.dump("matrix_user")} == {
        b"@a:firn.test",
        b"@b:firn.test",
    }
