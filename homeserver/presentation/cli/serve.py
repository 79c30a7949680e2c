"""`firn serve`: start a process that serves clients, until SIGINT or SIGTERM."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

from homeserver.config import ConfigError, LiveSettings
from homeserver.presentation.cli.context import live_settings
from homeserver.presentation.cli.out import complain

if TYPE_CHECKING:
    import argparse

    from homeserver.presentation.cli.context import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("serve", help="serve clients; sets everything up when new")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Serve; returns the exit code."""
    import uvloop  # noqa: PLC0415 (the other commands start without it)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_serve(live_settings(args)))


async def _serve(settings: LiveSettings) -> int:
    from homeserver.bootstrap import serve  # noqa: PLC0415 (only this command composes a server)

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload, settings)
    return await serve(settings)


def reload(settings: LiveSettings) -> None:
    """Put changed dynamic settings in force, and say which others need a restart."""
    try:
        static = settings.reload()
    except ConfigError as error:
        complain(f"settings unchanged: {error}")
        return
    complain("settings reloaded")
    for name in static:
        complain(f"{name} has changed: it needs a restart")
