"""F15: workers of this version and of the next one serve one store side by side."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pymysql
import pytest

from homeserver.infrastructure.sql.migrate import HEAD, NEXT, VERSION_TABLE
from homeserver.infrastructure.sql.tables import metadata
from tests.support.databases import address_of
from tests.support.pair import figure, late, open_pair

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.rocketmq, pytest.mark.timeout(180)]
STORE_PROBLEM = 3


async def test_F15_frames_of_the_next_version_are_repaired_from_the_store(
    tmp_path: Path, mysql_database_url: str
) -> None:
    async with open_pair(tmp_path, mysql_database_url, "newer") as pair:
        took = []
        for number in range(5):
            took.append(await pair.says(pair.romeo, pair.juliet, f"{number}"))
            took.append(await pair.says(pair.juliet, pair.romeo, f"{number}, she says"))
        assert max(took) < late()
        assert await figure(pair.b, "firn_delivery_frames_total", fate="dropped") > 0
        assert await figure(pair.a, "firn_delivery_frames_total", fate="dropped") == 0


async def test_F15_a_store_one_revision_ahead_serves_this_version(
    tmp_path: Path, mysql_database_url: str
) -> None:
    async with open_pair(tmp_path, mysql_database_url) as pair:
        add(mysql_database_url)
        for number in range(3):
            assert await pair.says(pair.romeo, pair.juliet, f"{number}") < late()
        await pair.a.restart()
        assert await pair.says(pair.romeo, pair.juliet, "from a new start") < late()
        assert await pair.says(pair.juliet, pair.romeo, "heard at one") < late()
        run(mysql_database_url, set_revision(f"{int(HEAD) + 2:04}"))
        await pair.a.stop()
        with pytest.raises(RuntimeError, match="not known to this version"):
            await pair.a.start()
        assert pair.a.process is not None
        assert pair.a.process.returncode == STORE_PROBLEM


def add(database_url: str) -> None:
    """What the next version's migration may do, to every table."""
    run(
        database_url,
        *(
            f"ALTER TABLE {name} ADD COLUMN of_the_next_version INT NULL"
            for name in metadata.tables
        ),
        "CREATE TABLE of_the_next_version (id INT PRIMARY KEY)",
        set_revision(NEXT),
    )


def set_revision(revision: str) -> str:
    """Say which revision the store is of."""
    return f"UPDATE {VERSION_TABLE.name} SET version_num = '{revision}'"


def run(database_url: str, *statements: str) -> None:
    """Run statements on a database of the tests."""
    address = {**address_of(database_url), "database": database_url.rpartition("/")[2]}
    with closing(pymysql.connect(**address, autocommit=True)) as link, link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
