"""Work on a store beside the running server: migrate, first accounts, backup and restore."""

from __future__ import annotations

import asyncio
import shutil
from typing import TYPE_CHECKING

from homeserver.bootstrap.stores import data_folder, migrate_store, open_database
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.dump import dump, load
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.restore import begin_generation

if TYPE_CHECKING:
    from pathlib import Path

    from homeserver.config import LiveSettings

DUMP_FILE = "store.dump.gz"
KEY_FILES = ("signing.key",)


def migrate(settings: LiveSettings) -> None:
    """Bring the store to this version's schema. Raises StoreDownError."""
    migrate_store(settings.current, SystemClock(), SystemIds())


def backup(settings: LiveSettings, target: Path) -> int:
    """Save store and keys into an empty folder; returns the number of rows.

    Consistent while a server writes to a shared store; the embedded store must be stopped
    first (its lock file says so). Raises StoreDownError.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(target.iterdir()):
        msg = f"{target} is not empty"
        raise StoreDownError(msg)
    for name in KEY_FILES:
        key = data_folder(settings.current) / name
        if key.exists():
            shutil.copy2(key, target / name)
    return asyncio.run(_dump(settings, target / DUMP_FILE))


async def _dump(settings: LiveSettings, path: Path) -> int:
    database = await open_database(settings.current)
    try:
        return await dump(database, path)
    finally:
        await database.close()


def restore(settings: LiveSettings, source: Path) -> int:
    """Put a backup in the place of the store; returns the number of rows.

    The store gets a new generation, so that clients with tokens from after the backup are
    answered from its floor (bad-inputs F14). Stop every server first. Raises StoreDownError.
    """
    if not (source / DUMP_FILE).exists():
        msg = f"{source} holds no backup"
        raise StoreDownError(msg)
    migrate(settings)
    for name in KEY_FILES:
        if (source / name).exists():
            shutil.copy2(source / name, data_folder(settings.current) / name)
    return asyncio.run(_load(settings, source / DUMP_FILE))


async def _load(settings: LiveSettings, path: Path) -> int:
    database = await open_database(settings.current)
    try:
        rows = await load(database, path)
        await begin_generation(database, SystemIds().random_bytes(8), SystemClock().now_ms())
        return rows
    finally:
        await database.close()


async def add_user(
    settings: LiveSettings,
    name: str,
    password: str,
    admin: bool,
) -> str:
    """Make an account; returns its user id. Raises MatrixError and StoreDownError."""
    from homeserver.bootstrap.accounts import build_accounts  # noqa: PLC0415
    from homeserver.bootstrap.core import build_core  # noqa: PLC0415
    from homeserver.bootstrap.http import build_limiter  # noqa: PLC0415

    clock, ids = SystemClock(), SystemIds()
    await asyncio.to_thread(migrate_store, settings.current, clock, ids)
    database = await open_database(settings.current)
    try:
        core = await build_core(settings, clock, ids, database)
        try:
            accounts = build_accounts(core, build_limiter(core))
            return await accounts.add_user(name, password, admin=admin)
        finally:
            await core.writer.stop()
    finally:
        await database.close()
