"""`firn doctor`: check the machine and the settings before or beside a running server."""

from __future__ import annotations

import asyncio
import errno
import inspect
import socket
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from homeserver.config import ConfigError, Settings
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.presentation.cli.context import live_settings
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Awaitable, Callable

    from homeserver.presentation.cli.context import Commands

    Check = Callable[[Settings], str | Awaitable[str]]

_EARLIEST_MS = 1_767_225_600_000  # 2026-01-01: older means that the clock was never set


class FailedCheckError(Exception):
    """A check that failed; the text says what is wrong and what to do."""


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("doctor", help="check the machine and the settings")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print a line per check; returns 1 where one failed."""
    try:
        settings = live_settings(args).current
    except ConfigError as error:
        say(f"failed  settings: {error}")
        return 1
    say("ok      settings")
    results = [asyncio.run(_outcome(name, check, settings)) for name, check in CHECKS.items()]
    return 0 if all(results) else 1


async def _outcome(name: str, check: Check, settings: Settings) -> bool:
    try:
        result = check(settings)
        detail = await result if inspect.isawaitable(result) else result
    except FailedCheckError as error:
        say(f"failed  {name}: {error}")
        return False
    say(f"ok      {name}: {detail}")
    return True


def check_python(_settings: Settings) -> str:
    """Python is 3.11 or later."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < (3, 11):  # noqa: UP036 (what a doctor is for)
        raise FailedCheckError(f"{version}; Firn needs 3.11 or later")
    return version


def check_data_dir(settings: Settings) -> str:
    """The data folder, or the folder it would be made in, can be written."""
    folder = Path(settings.data_dir).absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=there):
            return str(folder)
    except OSError as error:
        raise FailedCheckError(f"{there} cannot be written: {error.strerror}") from error


def check_clock(_settings: Settings) -> str:
    """The clock is set."""
    if SystemClock().now_ms() < _EARLIEST_MS:
        raise FailedCheckError("the system clock is years behind; set it")
    return "plausible"


def check_port(settings: Settings) -> str:
    """The port is free."""
    host, port = settings.listen_address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            reason = "in use" if error.errno == errno.EADDRINUSE else error.strerror
            raise FailedCheckError(f"{settings.listen}: {reason}") from error
    return f"{settings.listen} is free"


async def check_database(settings: Settings) -> str:
    """The database answers, and refuses what it cannot store (strict sql_mode)."""
    from homeserver.infrastructure.sql.health import (  # noqa: PLC0415 (loads the driver)
        UnhealthyDatabaseError,
        database_health,
    )

    try:
        return await database_health(settings.database.url)
    except UnhealthyDatabaseError as error:
        raise FailedCheckError(str(error)) from error


async def check_redis(settings: Settings) -> str:
    """Redis answers, runs scripts, and makes room where it is full."""
    if not settings.redis.url:
        return "not used (one worker)"
    from homeserver.infrastructure.redis.health import (  # noqa: PLC0415 (loads the driver)
        UnhealthyRedisError,
        redis_health,
    )

    try:
        return await redis_health(settings.redis.url)
    except UnhealthyRedisError as error:
        raise FailedCheckError(str(error)) from error


async def check_bus(settings: Settings) -> str:
    """Where there is a bus: its native library loads, and a broker answers."""
    if not settings.rocketmq.namesrv:
        return "none, for one worker"
    from homeserver.infrastructure.rocketmq.health import (  # noqa: PLC0415 (loads the driver)
        UnhealthyBusError,
        bus_health,
    )

    try:
        return await bus_health(settings.rocketmq.namesrv)
    except UnhealthyBusError as error:
        raise FailedCheckError(str(error)) from error


# Others add their part's check here; sync or async, returning a short detail.
CHECKS: dict[str, Check] = {
    "python": check_python,
    "data folder": check_data_dir,
    "clock": check_clock,
    "port": check_port,
    "database": check_database,
    "redis": check_redis,
    "bus": check_bus,
}
