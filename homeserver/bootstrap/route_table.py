"""The route table of a server that does not serve: what `firn docs routes` writes down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from homeserver.bootstrap.accounts import build_accounts
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.http import all_routes, build_limiter
from homeserver.bootstrap.rooms import build_send, room_routes
from homeserver.bootstrap.stores import migrate_store, open_database
from homeserver.bootstrap.stream import Sessions, build_stream
from homeserver.bootstrap.sync import build_sync
from homeserver.config import LiveSettings, Loaded, Settings
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds

if TYPE_CHECKING:
    from homeserver.presentation.routing import Route


def route_table() -> tuple[Route, ...]:
    """Compose a server with the default settings on a throw-away store; give its routes."""
    with TemporaryDirectory() as folder:
        return asyncio.run(_compose(folder))


async def _compose(folder: str) -> tuple[Route, ...]:
    settings = LiveSettings(Loaded(replace(Settings(), data_dir=folder), {}))
    clock, ids = SystemClock(), SystemIds()
    await asyncio.to_thread(migrate_store, settings.current, clock, ids)
    database = await open_database(settings.current)
    core = await build_core(settings, clock, ids, database)
    limiter, sync, send = build_limiter(core), build_sync(core), build_send(core)
    accounts = build_accounts(core, limiter)
    rooms = room_routes(core, accounts.people, send)
    sessions = Sessions(accounts.authenticator, accounts.authenticator)
    stream = build_stream(core, sessions, limiter, send, sync)
    routes = (*accounts.routes, *rooms, *sync.routes, *stream.routes)
    await core.writer.stop()
    await database.close()
    return all_routes(core, routes)
