"""Work on a store beside the running server: migrate, first accounts, backup and restore."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from homeserver.bootstrap.stores import data_folder, open_database, opened_store
from homeserver.infrastructure.control.wire import RefusedError
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.dump import PART_SUFFIX, dump, load
from homeserver.infrastructure.sql.errors import StoreDownError, StoreError
from homeserver.infrastructure.sql.restore import begin_generation
from homeserver.infrastructure.sql.slot import COMMANDS, Company, SlotBusyError
from homeserver.presentation.cli.out import CommandError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from homeserver.application.ports.clock import Clock
    from homeserver.application.ports.ids import Ids
    from homeserver.bootstrap.accounts import Accounts
    from homeserver.bootstrap.core import Core
    from homeserver.config import LiveSettings
    from homeserver.infrastructure.sql.database import Database

DUMP_FILE = "store.dump.gz"
PART_FILE = DUMP_FILE + PART_SUFFIX
KEY_FILES = ("signing.key",)
STORE_PROBLEM = 3
"""Exit code where the store cannot be used."""
TURN_SECONDS = 15.0
"""How long a command waits for another: longer than a killed one seems to live."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Say in one line what is wrong with a store, a folder, or a server. Raises CommandError."""
    try:
        yield
    except (StoreError, RefusedError) as error:
        raise CommandError(str(error), STORE_PROBLEM) from error
    except OSError as error:
        raise CommandError(f"{error.filename}: {error.strerror}", STORE_PROBLEM) from error


@plain_errors()
def migrate(settings: LiveSettings) -> None:
    """Bring the store to this version's schema. Raises CommandError."""
    asyncio.run(_migrate(settings))


async def _migrate(settings: LiveSettings) -> None:
    async with opened_store(settings.current, SystemClock(), SystemIds()):
        pass


@plain_errors()
def backup(settings: LiveSettings, target: Path) -> int:
    """Save store and keys into an empty folder; returns the number of rows.

    Consistent while a server writes to a shared store; the embedded store must be stopped
    first (its lock file says so). Raises CommandError.
    """
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(path.name != PART_FILE for path in target.iterdir()):  # a killed backup left that one
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


@plain_errors()
def restore(settings: LiveSettings, source: Path) -> int:
    """Put a backup in the place of the store; returns the number of rows.

    The store gets a new generation, so that clients with tokens from after the backup are
    answered from its floor (bad-inputs F14). Stop every server first. A backup that is not
    whole, or another server's, changes nothing. Raises CommandError.
    """
    if not (source / DUMP_FILE).exists():
        msg = f"{source} holds no backup"
        raise StoreDownError(msg)
    rows = asyncio.run(_load(settings, source / DUMP_FILE))
    _copy_keys(source, data_folder(settings.current))
    return rows


async def _load(settings: LiveSettings, path: Path) -> int:
    clock, ids = SystemClock(), SystemIds()
    async with opened_store(settings.current, clock, ids) as database:
        rows = await load(database, path, settings.current.server_name)
        await begin_generation(database, ids.random_bytes(8), clock.now_ms())
        return rows


def _copy_keys(source: Path, target: Path) -> None:
    for name in KEY_FILES:
        if (source / name).exists():
            shutil.copy2(source / name, target / name)


async def add_user(settings: LiveSettings, name: str, password: str, *, admin: bool) -> str:
    """Make an account; returns its user id. Raises MatrixError and CommandError."""
    async with _accounts(settings) as accounts:
        return await accounts.add_user(name, password, admin=admin)


async def lock_user(settings: LiveSettings, name: str, *, locked: bool) -> str:
    """Lock an account or unlock it; returns its user id. Raises MatrixError and CommandError."""
    async with _accounts(settings) as accounts:
        user_id = name if name.startswith("@") else f"@{name}:{settings.current.server_name}"
        await accounts.lock_account(user_id, locked=locked)
        return user_id


@asynccontextmanager
async def _accounts(settings: LiveSettings) -> AsyncIterator[Accounts]:
    """The accounts of the store, to be changed beside whatever server runs on it."""
    from homeserver.bootstrap.accounts import build_accounts  # noqa: PLC0415 (backups need none)
    from homeserver.bootstrap.http import build_limiter  # noqa: PLC0415 (backups need none)

    clock, ids = SystemClock(), SystemIds()
    with plain_errors():
        async with opened_store(settings.current, clock, ids) as database:
            core = await _core(settings, clock, ids, database)
            try:
                yield build_accounts(core, build_limiter(core))
            finally:
                await core.writer.stop()


async def _core(settings: LiveSettings, clock: Clock, ids: Ids, database: Database) -> Core:
    """Take the slot of commands as soon as no other one has it."""
    from homeserver.bootstrap.core import build_core  # noqa: PLC0415 (backups need none)

    deadline = clock.monotonic() + TURN_SECONDS
    while True:
        try:
            return await build_core(
                settings, clock, ids, database, worker=COMMANDS, company=Company.IN_TURN
            )
        except SlotBusyError:
            if clock.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
