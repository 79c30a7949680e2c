"""A process from start to stop: `firn serve`."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING

import structlog

from homeserver.bootstrap.api import build_api
from homeserver.bootstrap.cluster import build_cluster
from homeserver.bootstrap.collector import settle_collector, tune_collector
from homeserver.bootstrap.core import build_core
from homeserver.bootstrap.delivery import start_delivery
from homeserver.bootstrap.http import build_http, build_limiter
from homeserver.bootstrap.move import build_control
from homeserver.bootstrap.redis import build_redis
from homeserver.bootstrap.stores import data_folder, opened_store, own_name
from homeserver.domain.shared.errors import MatrixError
from homeserver.infrastructure.crypto.ed25519 import load_or_create_signer
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.embedded.ids import SystemIds
from homeserver.infrastructure.sql.errors import StoreError
from homeserver.infrastructure.sql.slot import Company
from homeserver.infrastructure.telemetry.logs import configure_logs
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from homeserver.bootstrap.accounts import Accounts
    from homeserver.bootstrap.api import Api
    from homeserver.bootstrap.core import Core
    from homeserver.bootstrap.delivery import Cluster
    from homeserver.config import LiveSettings, Settings
    from homeserver.infrastructure.redis.link import RedisLink
    from homeserver.presentation.app import HttpServer

log = structlog.get_logger(__name__)

SIGNING_KEY_FILE = "signing.key"
BEAT_SECONDS = 2.0
SWEEP_SECONDS = 30.0
SOCKET_SECONDS = 5.0
STORE_PROBLEM = 3
"""Exit code where the store cannot be used."""
REPLACED = 4
"""Exit code of a process whose slot another one took."""


async def serve(settings: LiveSettings) -> int:
    """Serve until SIGINT or SIGTERM; set everything up where this is the first start."""
    tune_collector()
    configure_logs(settings)
    clock, ids = SystemClock(), SystemIds()
    current = settings.current
    try:
        with _start("data_dir"):
            load_or_create_signer(data_folder(current) / SIGNING_KEY_FILE)
        async with AsyncExitStack() as stack:
            stack.enter_context(own_name(current))
            database = await stack.enter_async_context(opened_store(current, clock, ids))
            core = await build_core(settings, clock, ids, database, company=_company(current))
            stack.push_async_callback(core.writer.stop)
            stopping = _stop_signal()
            beating = asyncio.create_task(_beat(core, stopping), name="beat")
            stack.callback(beating.cancel)
            control = build_control(core)
            if control is not None:
                with _start("data_dir"):
                    await stack.enter_async_context(control)
            redis = build_redis(core)
            if redis is not None:
                stack.push_async_callback(redis.close)
            await _serve(core, redis, build_cluster(core, redis), stopping)
    except StoreError as error:
        log.critical("store.unusable", reason=str(error))
        return STORE_PROBLEM
    except _CannotStartError as error:
        log.critical("server.cannot_start", reason=str(error))
        return 1
    return REPLACED if core.writer.fenced else 0


class _CannotStartError(Exception):
    """Something that a setting names cannot be used; the text is the one line about it."""


@contextmanager
def _start(setting: str) -> Iterator[None]:
    """Do what a setting asks of the machine."""
    try:
        yield
    except OSError as error:
        msg = f"{setting}: {error.strerror or error}"
        raise _CannotStartError(msg) from error


def _company(settings: Settings) -> Company:
    """Several workers need what carries news between them."""
    return Company.ANY if settings.is_clustered else Company.ALONE


async def _beat(core: Core, stopping: asyncio.Event) -> None:
    """Beat for the slot from the moment that it is ours; stop where it is lost."""
    while not core.writer.fenced:
        await asyncio.sleep(BEAT_SECONDS)
        try:
            await core.writer.beat()
        except StoreError as error:
            log.warning("slot.beat_failed", reason=str(error))
    stopping.set()


async def _serve(
    core: Core, redis: RedisLink | None, cluster: Cluster | None, stopping: asyncio.Event
) -> None:
    workers = cluster.routes.known_workers if cluster is not None else None
    limiter = build_limiter(core, redis, workers)
    api = build_api(core, limiter, cluster, redis)
    delivery = await start_delivery(core, cluster)
    server = build_http(core, api.routes, api.accounts.authenticator, limiter, api.accounts.act_as)
    await api.accounts.finish_deactivations()
    with _start("listen"):
        await server.listen(*core.settings.current.listen_address)
    await _greet(core, server, api.accounts)
    api.search.keep_filled.start()
    api.keep_told.start()
    api.delayed.keep_sending.start()
    api.push.start()
    api.purging.keep_purging.start()
    housekeeping = asyncio.create_task(_keep_house(core, api), name="housekeeping")
    settle_collector()
    try:
        await stopping.wait()
    finally:
        log.info("server.stopping")
        core.hub.drain()
        api.stream.sockets.drain()
        await asyncio.gather(server.stop(), api.stream.sockets.closed(SOCKET_SECONDS))
        await asyncio.gather(
            api.search.keep_filled.stop(),
            api.keep_told.stop(),
            api.delayed.keep_sending.stop(),
            api.push.stop(),
            api.purging.keep_purging.stop(),
        )
        await api.sync.inboxes.settle()
        await core.key_news.settle()
        await delivery.stop()
        api.sync.typing.close()
        api.sync.presence.close()
        housekeeping.cancel()


def _stop_signal() -> asyncio.Event:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    return stopping


async def _keep_house(core: Core, api: Api) -> None:
    """Forget what is over."""
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        api.sync.feeds.sweep()
        await _forget_transactions(core, api)


async def _forget_transactions(core: Core, api: Api) -> None:
    try:
        await api.to_device.forget_transactions(core.clock.now_ms())
    except (StoreError, MatrixError) as error:
        log.warning("transactions.not_forgotten", reason=str(error))


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
