"""The route table of a server that does not serve: what `firn docs routes` writes down."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from homeserver.bootstrap.api import build_api
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.http import all_routes, build_limiter
from homeserver.bootstrap.stores import opened_store
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
    async with opened_store(settings.current, clock, ids) as database:
        core = await build_core(settings, clock, ids, database)
        api = build_api(core, build_limiter(core))
        await core.writer.stop()
        return all_routes(core, api.routes)
