"""Work on a store beside the running server: migrate, first accounts, backup and restore."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

from homeserver.bootstrap.stores import data_folder, migrate_store, open_database
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.dump import dump, load
from homeserver.infrastructure.sql.errors import StoreDownError, StoreError
from homeserver.infrastructure.sql.restore import begin_generation
from homeserver.presentation.cli.out import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from homeserver.config import LiveSettings

DUMP_FILE = "store.dump.gz"
KEY_FILES = ("signing.key",)
STORE_PROBLEM = 3
"""Exit code where the store cannot be used."""


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Say in one line what is wrong with a store or a folder."""
    try:
        yield
    except StoreError as error:
        raise CommandError(str(error), STORE_PROBLEM) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}", STORE_PROBLEM) from error


@_plain_errors()
def migrate(settings: LiveSettings) -> None:
    """Bring the store to this version's schema. Raises CommandError."""
    _migrate(settings)


def _migrate(settings: LiveSettings) -> None:
    migrate_store(settings.current, SystemClock(), SystemIds())


@_plain_errors()
def backup(settings: LiveSettings, target: Path) -> int:
    """Save store and keys into an empty folder; returns the number of rows.

    Consistent while a server writes to a shared store; the embedded store must be stopped
    first (its lock file says so). Raises CommandError.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(target.iterdir()):
        msg = f"{target} is not empty"
        raise StoreDownError(msg)
    rows = asyncio.run(_dump(settings, target / DUMP_FILE))
    _copy_keys(data_folder(settings.current), target)
    return rows


async def _dump(settings: LiveSettings, path: Path) -> int:
    database = await open_database(settings.current)
    try:
        return await dump(database, path)
    finally:
        await database.close()


@_plain_errors()
def restore(settings: LiveSettings, source: Path) -> int:
    """Put a backup in the place of the store; returns the number of rows.

    The store gets a new generation, so that clients with tokens from after the backup are
    answered from its floor (bad-inputs F14). Stop every server first. A backup that is not
    whole, or another server's, changes nothing. Raises CommandError.
    """
    if not (source / DUMP_FILE).exists():
        msg = f"{source} holds no backup"
        raise StoreDownError(msg)
    _migrate(settings)
    rows = asyncio.run(_load(settings, source / DUMP_FILE))
    _copy_keys(source, data_folder(settings.current))
    return rows


async def _load(settings: LiveSettings, path: Path) -> int:
    database = await open_database(settings.current)
    try:
        rows = await load(database, path, settings.current.server_name)
        await begin_generation(database, SystemIds().random_bytes(8), SystemClock().now_ms())
        return rows
    finally:
        await database.close()


def _copy_keys(source: Path, target: Path) -> None:
    for name in KEY_FILES:
        if (source / name).exists():
            shutil.copy2(source / name, target / name)


async def add_user(
    settings: LiveSettings,
    name: str,
    password: str,
    admin: bool,
) -> str:
    """Make an account; returns its user id. Raises MatrixError and CommandError."""
    with _plain_errors():
        return await _add_user(settings, name, password, admin=admin)


async def _add_user(settings: LiveSettings, name: str, password: str, *, admin: bool) -> str:
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
