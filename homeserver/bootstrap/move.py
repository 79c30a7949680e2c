"""`firn move` and the server's side of it."""

from __future__ import annotations

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from homeserver.bootstrap.maintenance import plain_errors
from homeserver.bootstrap.stores import (
    MYSQL_PORT,
    connect_mysql,
    data_folder,
    is_embedded,
    mysql_address,
    sqlite_path,
)
from homeserver.infrastructure.control.client import NoServerError, control
from homeserver.infrastructure.control.server import ControlServer
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.sql import migrate
from homeserver.infrastructure.sql.errors import StoreDownError
from homeserver.infrastructure.sql.lock_file import lock_file
from homeserver.infrastructure.sql.move import Move
from homeserver.infrastructure.sql.move_source import MoveSession, MovingStore
from homeserver.infrastructure.sql.moved import moved_to, write_moved_note
from homeserver.infrastructure.sql.sqlite_changes import Changes
from homeserver.infrastructure.sql.sqlite_database import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from homeserver.bootstrap.core import Core
    from homeserver.config import LiveSettings
    from homeserver.infrastructure.control.client import ControlClient
    from homeserver.infrastructure.sql.move import Moved, MovingServer


def build_control(core: Core) -> ControlServer | None:
    """What commands may ask of a running server; None for one on a shared store."""
    settings = core.settings.current
    if not isinstance(core.database, SqliteDatabase):
        return None
    store = MovingStore(sqlite_path(settings), core.database, core.writer)
    return ControlServer(data_folder(settings), lambda: MoveSession(store))


@plain_errors()
def move(
    settings: LiveSettings, url: str, *, read_only_seconds: float, tell: Callable[[str], None]
) -> Moved:
    """Move the embedded store to an empty MySQL database, also under a running server.

    `url` is the new `database.url`; a server is read-only for at most `read_only_seconds`.
    What fails leaves the embedded store and its server as they were. Raises CommandError.
    """
    return asyncio.run(_move(settings, url, read_only_seconds, tell))


async def _move(
    settings: LiveSettings, url: str, read_only_seconds: float, tell: Callable[[str], None]
) -> Moved:
    current = settings.current
    path, target = sqlite_path(current), _public_name(url)
    if not is_embedded(current):
        msg = "database.url is set: only the embedded store (SQLite) can be moved"
        raise StoreDownError(msg)
    if not path.exists():
        msg = f"{path} is not there"
        raise StoreDownError(msg)
    if moved_to(path) not in {None, target}:
        msg = f"this store was moved to {moved_to(path)}"
        raise StoreDownError(msg)
    async with _server_of(path, target, read_only_seconds) as server:
        await asyncio.to_thread(migrate.make_schema, migrate.mysql_url(url))
        database = await connect_mysql(url, 2)
        try:
            return await Move(server, path, database, SystemClock(), tell)(current.server_name)
        finally:
            await database.close()


def _public_name(url: str) -> str:
    """The database without account and password. Raises StoreDownError."""
    address = mysql_address(url)
    return f"mysql://{address.hostname}:{address.port or MYSQL_PORT}{address.path}"


@asynccontextmanager
async def _server_of(path: Path, target: str, seconds: float) -> AsyncIterator[MovingServer]:
    """The server that runs on a store, for as long as the move lasts, or the lock of it."""
    async with AsyncExitStack() as stack:
        try:
            client = await stack.enter_async_context(control(path.parent))
        except NoServerError:
            stack.callback(os.close, lock_file(path.with_suffix(".lock"), "uses this store"))
            yield _StoppedServer(path, target)
        else:
            await client.ask("begin to move")
            yield _RunningServer(client, target, seconds)


class _RunningServer:
    """A server that goes on during the move, over its control socket."""

    def __init__(self, client: ControlClient, target: str, seconds: float) -> None:
        self._client = client
        self._target = target
        self._seconds = seconds

    async def changes(self, most: int) -> Changes:
        keys, left = await self._client.ask("take changes", most=most)
        return Changes(keys, left)

    async def freeze(self) -> None:
        await self._client.ask("freeze", seconds=self._seconds)

    async def finish(self) -> None:
        await self._client.ask("finish the move", target=self._target)


class _StoppedServer:
    """Nobody writes: this command holds the store's lock."""

    def __init__(self, path: Path, target: str) -> None:
        self._path = path
        self._target = target

    async def changes(self, most: int) -> Changes:  # noqa: ARG002 (there are none)
        return Changes({}, 0)

    async def freeze(self) -> None:
        """It is."""

    async def finish(self) -> None:
        write_moved_note(self._path, self._target)
