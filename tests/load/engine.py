"""The application without HTTP: the same composition as `firn serve`, in this process."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from homeserver.bootstrap.core import Core, build_core
from homeserver.bootstrap.stores import opened_store
from homeserver.bootstrap.sync import build_sync
from homeserver.config import LiveSettings, Loaded
from homeserver.config.settings import Database, Settings
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
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
    async with opened_store(settings, clock, ids) as store:
        database = CountingDatabase(store)
        core = await build_core(LiveSettings(Loaded(settings, {})), clock, ids, database)
        try:
            yield Engine(core, build_sync(core).sync, database)
        finally:
            await core.writer.stop()
