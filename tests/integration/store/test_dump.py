"""A dump is the whole store, in either dialect, and leaves nothing behind when it fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from homeserver.infrastructure.sql.dump import dump, load
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.query import Query
from homeserver.infrastructure.sql.rows import MAX_ROWS
from homeserver.infrastructure.sql.tables import metadata
from tests.support.store import SERVER_NAME, STORE_KINDS, open_store
from tests.support.world import ALICE, open_world, says

if TYPE_CHECKING:
    from pathlib import Path

    from homeserver.infrastructure.sql.database import Reader


async def everything(database: Reader) -> dict[str, list[Any]]:
    """All rows of all tables."""
    return {
        table.name: [
            tuple(row)
            for row in await database.fetch(
                Query(select(*table.columns).order_by(*table.primary_key))
            )
        ]
        for table in metadata.sorted_tables
    }


@pytest.mark.parametrize("source", STORE_KINDS)
@pytest.mark.parametrize("target", STORE_KINDS)
async def test_F14_what_is_loaded_is_what_was_dumped(
    source: str, target: str, tmp_path: Path
) -> None:
    """More rows than one statement takes, small and large ones, and odd characters."""
    path = tmp_path / "store.dump.gz"
    sizes = [10] * (MAX_ROWS + 45) + [60_000] * 40 + [1_000] * 7
    (tmp_path / "from").mkdir()
    (tmp_path / "to").mkdir()
    async with open_store(source, tmp_path / "from") as store:
        async with open_world(store.database) as world:
            await world.room(*(says(ALICE, "ä\0'\\%s🌹"[: n % 9] + "x" * n) for n in sizes))
        before = await everything(store.database)
        rows = await dump(store.database, path)
    assert rows == sum(map(len, before.values()))
    async with open_store(target, tmp_path / "to") as store:
        assert await load(store.database, path, SERVER_NAME) == rows
        assert await everything(store.database) == before


class Broken:
    """A store that fails while it is read."""

    def snapshot(self) -> Any:
        """Fail."""
        raise StoreDownError("gone")


def test_F14_a_failed_dump_leaves_nothing(tmp_path: Path) -> None:
    broken: Any = Broken()
    with pytest.raises(StoreDownError):
        asyncio.run(dump(broken, tmp_path / "store.dump.gz"))
    assert list(tmp_path.iterdir()) == []
