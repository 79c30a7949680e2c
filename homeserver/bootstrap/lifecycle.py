"""A process from start to stop: `firn serve`."""

from __future__ import annotations

import asyncio
import gc
import signal
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import structlog

from homeserver.bootstrap.accounts import build_accounts
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.http import build_http, build_limiter
from homeserver.bootstrap.rooms import build_send, room_routes
from homeserver.bootstrap.stores import data_folder, migrate_store, open_database
from homeserver.bootstrap.stream import Sessions, build_stream
from homeserver.bootstrap.sync import build_sync
from homeserver.domain.shared.errors import UnavailableError
from homeserver.infrastructure.crypto.ed25519 import load_or_create_signer
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.errors import StoreError
from homeserver.infrastructure.sql.slot import beat
from homeserver.infrastructure.telemetry.logs import configure_logs
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    from homeserver.application.sync.feeds import Feeds
    from homeserver.bootstrap.accounts import Accounts
    from homeserver.bootstrap.core import Core
    from homeserver.config import LiveSettings
    from homeserver.presentation.app import HttpServer
    from homeserver.presentation.stream.sockets import Sockets

log = structlog.get_logger(__name__)

SIGNING_KEY_FILE = "signing.key"
BEAT_SECONDS = 2.0
SWEEP_SECONDS = 30.0
STORE_PROBLEM = 3
"""Exit code where the store cannot be used."""


async def serve(settings: LiveSettings) -> int:
    """Serve until SIGINT or SIGTERM; set everything up where this is the first start."""
    configure_logs(settings)
    clock, ids = SystemClock(), SystemIds()
    current = settings.current
    try:
        load_or_create_signer(data_folder(current) / SIGNING_KEY_FILE)
        await asyncio.to_thread(migrate_store, current, clock, ids)
        async with AsyncExitStack() as stack:
            database = await open_database(current)
            stack.push_async_callback(database.close)
            core = await build_core(settings, clock, ids, database)
            stack.push_async_callback(core.writer.stop)
            await _serve(core)
    except StoreError as error:
        log.critical("store.unusable", reason=str(error))
        return STORE_PROBLEM
    return 0


async def _serve(core: Core) -> None:
    limiter = build_limiter(core)
    accounts = build_accounts(core, limiter)
    sync, send = build_sync(core), build_send(core)
    sessions = Sessions(accounts.authenticator, accounts.authenticator)
    stream = build_stream(core, sessions, limiter, send, sync)
    accounts.authenticator.listeners.append(stream.sockets.sessions_changed)
    rooms = room_routes(core, accounts.people, send)
    routes = (*accounts.routes, *rooms, *sync.routes, *stream.routes)
    server = build_http(core, routes, accounts.authenticator, limiter)
    stopping = _stop_signal()
    await server.listen(*core.settings.current.listen_address)
    await _greet(core, server, accounts)
    housekeeping = asyncio.create_task(
        _keep_house(core, sync.feeds, stream.sockets), name="housekeeping"
    )
    # what start-up made lives as long as the process: no need to look at it again
    gc.collect()
    gc.freeze()
    try:
        await stopping.wait()
    finally:
        log.info("server.stopping")
        core.hub.drain()
        stream.sockets.drain()
        await server.stop()
        sync.typing.close()
        housekeeping.cancel()


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _keep_house(core: Core, feeds: Feeds, sockets: Sockets) -> None:
    """Beat for the slot, and forget users who went away; a worker without a slot serves nobody."""
    swept = core.clock.monotonic()
    while not core.writer.fenced:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await beat(core.database, core.writer.lease, core.clock.now_ms())
        except StoreError as error:
            log.warning("slot.beat_failed", reason=str(error))
        if core.clock.monotonic() - swept > SWEEP_SECONDS:
            feeds.sweep()
            swept = core.clock.monotonic()
    sockets.refuse(UnavailableError("This worker was replaced"))


async def _greet(core: Core, server: HttpServer, accounts: Accounts) -> None:
    """Say where the server is, and how the first user comes in."""
    host, _ = core.settings.current.listen_address
    address = core.settings.current.public_url or f"http://{host}:{server.port}"
    log.info("server.ready", address=address, server_name=core.server_name)
    token = await accounts.first_user.ensure_first_user_token()
    say(f"Firn serves {core.server_name} at {address}")
    if token is not None:  # to the terminal, never to the log
        say("Point a Matrix client there and register the first user, an administrator,")
        say(f"with this one-time registration token (good for a day): {token}")
