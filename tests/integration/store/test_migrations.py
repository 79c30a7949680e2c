"""Migrating an empty database gives the tables that the code speaks of, nothing else."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, select, text, update

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.migrate import (
    HEAD,
    VERSION_TABLE,
    migrate,
    mysql_url,
    sqlite_url,
)
from homeserver.infrastructure.sql.tables import device, metadata, store
from migrations.render import include_object

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import URL

IDENTITY: dict[str, Any] = {"server_name": "firn.test", "generation": b"8 octets", "now": 1}


@pytest.fixture(params=["sqlite", "mysql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> URL:
    """The address of a database without tables."""
    if request.param == "sqlite":
        return sqlite_url(tmp_path / "firn.db")
    return mysql_url(request.getfixturevalue("mysql_database_url"))


def test_the_migrations_make_exactly_the_tables_of_the_code(empty: URL) -> None:
    migrate(empty, **IDENTITY)
    engine = create_engine(empty)
    with engine.connect() as connection:
        opts = {"compare_type": True, "include_object": include_object}
        context = MigrationContext.configure(connection, opts=opts)
        found = compare_metadata(context, metadata)
    engine.dispose()
    assert found == []


def test_migrating_again_changes_nothing(empty: URL) -> None:
    migrate(empty, **IDENTITY)
    migrate(empty, **{**IDENTITY, "generation": b"another_", "now": 2})
    assert _identity(empty) == (b"firn.test", b"8 octets", 1)


def test_devices_of_the_first_schema_get_empty_inboxes_and_may_go_back(empty: URL) -> None:
    migrate(empty, **IDENTITY)
    _alembic(empty, "downgrade", "0001")
    engine = create_engine(empty)
    with engine.begin() as connection:
        old = "nid, user_nid, device_id, created_ts, issued, used, first_open, slot, pos"
        connection.execute(text(f"INSERT INTO device ({old}) VALUES (5, 1, 'D', 1, 0, 0, 0, 1, 1)"))
    migrate(empty, **IDENTITY)
    with engine.begin() as connection:
        assert connection.execute(select(device.c.nid, device.c.inbox_seq)).all() == [(5, 0)]
    engine.dispose()


def _alembic(url: URL, direction: str, revision: str) -> None:
    """Move the schema to another revision."""
    config = Config()
    config.set_main_option("script_location", str(files("migrations")))
    engine = create_engine(url)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        getattr(command, direction)(config, revision)
    engine.dispose()


def test_a_store_keeps_its_name(empty: URL) -> None:
    migrate(empty, **IDENTITY)
    with pytest.raises(StoreDownError, match="can never change"):
        migrate(empty, **{**IDENTITY, "server_name": "other.test"})
    assert _identity(empty)[0] == b"firn.test"


def test_F15_a_store_of_the_next_version_is_served_and_one_further_ahead_is_not(
    empty: URL,
) -> None:
    migrate(empty, **IDENTITY)
    for ahead in (1, 2):
        _set_revision(empty, f"{int(HEAD) + ahead:04}")
        if ahead == 1:
            migrate(empty, **IDENTITY)
            continue
        with pytest.raises(StoreDownError, match="not known to this version"):
            migrate(empty, **IDENTITY)


def _set_revision(url: URL, revision: str) -> None:
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(update(VERSION_TABLE).values(version_num=revision))
    engine.dispose()


def _identity(url: URL) -> tuple[bytes, bytes, int]:
    engine = create_engine(url)
    with engine.connect() as connection:
        row = connection.execute(
            select(store.c.server_name, store.c.generation, store.c.created_ts)
        ).one()
    engine.dispose()
    return bytes(row[0]), bytes(row[1]), int(row[2])
