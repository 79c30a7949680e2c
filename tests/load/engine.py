"""The application without HTTP: the same composition as `firn serve`, in this process."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.application.sync.feeds import Feeds
from homeserver.application.typing.board import TypingBoard
from homeserver.application.user_data.account_data import AccountData
from homeserver.bootstrap.core import Core, build_core
from homeserver.bootstrap.stores import migrate_store, open_database
from homeserver.bootstrap.sync import _sync
from homeserver.config import LiveSettings, Loaded
from homeserver.config.settings import Database, Settings
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.user_data_store import SqlUserDataStore
from tests.load.server import SERVER_NAME
from tests.support.world import CountingDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from homeserver.application.sync.sync import Sync
    from tests.load.places import Place


@dataclass(frozen=True)
class Engine:
    """A worker on a store; `database` counts its SELECTs."""

    core: Core
    sync: Sync
    database: CountingDatabase


@asynccontextmanager
async def opened(place: Place) -> AsyncIterator[Engine]:
    """Set a store up and run one worker on it."""
    settings = Settings(
        server_name=SERVER_NAME,
        data_dir=str(place.folder / "data"),
        database=Database(url=place.url),
    )
    clock, ids = SystemClock(), SystemIds()
    await asyncio.to_thread(migrate_store, settings, clock, ids)
    database = CountingDatabase(await open_database(settings))
    try:
        core = await build_core(LiveSettings(Loaded(settings, {})), clock, ids, database)
        try:
            yield Engine(core, _build_sync(core), database)
        finally:
            await core.writer.stop()
    finally:
        await database.close()


def _build_sync(core: Core) -> Sync:
    typing = TypingBoard(core.hub, core.clock)
    feeds = Feeds(core.hub, core.memberships, core.log, core.clock)
    return _sync(core, feeds, typing, AccountData(SqlUserDataStore(core.database)))
