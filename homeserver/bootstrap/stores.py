"""Which store the settings name; a driver is imported only where it is used."""

from __future__ import annotations

import asyncio
import logging
import os
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlsplit

from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.lock_file import lock_file
from homeserver.infrastructure.sql.moved import check_still_here

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from urllib.parse import SplitResult

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.config import Settings
    from homeserver.infrastructure.sql.database import Database
    from homeserver.infrastructure.sql.mysql_database import MySqlDatabase

SQLITE_FILE = "firn.db"
MYSQL_PORT = 3306


def data_folder(settings: Settings) -> Path:
    """The folder of keys, SQLite store and media; made where it is missing."""
    folder = Path(settings.data_dir)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def sqlite_path(settings: Settings) -> Path:
    """The file of the embedded store."""
    return data_folder(settings) / SQLITE_FILE


@contextmanager
def own_name(settings: Settings) -> Iterator[None]:
    """Be the only process with this worker name and data folder. Raises StoreDownError.

    Another one would take the slot of the first, which would have to stop.
    """
    name = settings.worker.name
    file = data_folder(settings) / f"worker-{quote(name, safe='')}.lock"
    handle = lock_file(file, f"is worker {name} of this data folder")
    try:
        yield
    finally:
        os.close(handle)


def is_embedded(settings: Settings) -> bool:
    """Whether the store is the SQLite file."""
    return not settings.database.url


@asynccontextmanager
async def opened_store(settings: Settings, clock: Clock, ids: Ids) -> AsyncIterator[Database]:
    """Open the store in this version's schema, closed at the end. Raises StoreDownError.

    The SQLite file is locked before anything in it changes. One that was moved away is refused.
    """
    database = await open_database(settings)
    try:
        if is_embedded(settings):
            check_still_here(sqlite_path(settings))
        await asyncio.to_thread(migrate_store, settings, clock, ids)
        yield database
    finally:
        await database.close()


async def open_database(settings: Settings) -> Database:
    """Connect to the store. Raises StoreDownError."""
    if is_embedded(settings):
        from homeserver.infrastructure.sql.sqlite_database import (  # noqa: PLC0415 (a driver)
            SqliteDatabase,
        )

        return SqliteDatabase(sqlite_path(settings))
    return await connect_mysql(settings.database.url, settings.database.pool_size)


async def connect_mysql(url: str, pool_size: int) -> MySqlDatabase:
    """Connect to a shared store. Raises StoreDownError."""
    from homeserver.infrastructure.sql.mysql_database import MySqlDatabase  # noqa: PLC0415 (a driver)

    address = mysql_address(url)
    return await MySqlDatabase.connect(
        host=address.hostname or "",
        port=address.port or MYSQL_PORT,
        user=unquote(address.username or ""),
        password=unquote(address.password or ""),
        db=address.path.strip("/"),
        pool_size=pool_size,
    )


def mysql_address(url: str) -> SplitResult:
    """The parts of a `database.url`. Raises StoreDownError, which does not show it."""
    try:
        address = urlsplit(url)
        fit = address.scheme == "mysql" and address.hostname and address.port != 0
    except ValueError:
        fit = False
    if not fit or not address.path.strip("/"):
        msg = "database.url must be like mysql://user:password@host:3306/database"
        raise StoreDownError(msg)
    return address


def migrate_store(settings: Settings, clock: Clock, ids: Ids) -> None:
    """Bring the store to this version's schema; make it where there is none.

    Raises StoreDownError.
    """
    logging.getLogger("alembic").setLevel(logging.WARNING)
    from homeserver.infrastructure.sql import migrate  # noqa: PLC0415 (alembic is slow to load)

    url = (
        migrate.sqlite_url(sqlite_path(settings))
        if is_embedded(settings)
        else migrate.mysql_url(mysql_address(settings.database.url).geturl())
    )
    migrate.migrate(
        url,
        server_name=settings.server_name,
        generation=ids.random_bytes(8),
        now=clock.now_ms(),
    )
