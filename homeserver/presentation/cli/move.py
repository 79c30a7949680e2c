"""`firn move`: bring the embedded store to a shared database while its server goes on."""

from __future__ import annotations

import getpass
import sys
from typing import TYPE_CHECKING

from homeserver.presentation.cli.context import live_settings, on_store
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    import argparse

    from homeserver.presentation.cli.context import Commands

READ_ONLY_SECONDS = 60.0


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "move", help="move the embedded store to a shared database, without stopping the server"
    )
    command.add_argument(
        "url",
        nargs="?",
        help="the new database.url, of an empty database; without it, it is asked for, so that"
        " its password stays out of the list of processes",
    )
    command.add_argument(
        "--read-only",
        type=float,
        default=READ_ONLY_SECONDS,
        metavar="SECONDS",
        help="give up, and change nothing, where writes would have to wait for longer"
        f" (default: {READ_ONLY_SECONDS:g})",
    )
    command.set_defaults(run=run)


@on_store
def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit code."""
    settings = live_settings(args)
    url = args.url or _asked()
    from homeserver.bootstrap import move  # noqa: PLC0415 (drivers load only where used)

    moved = move(settings, url, read_only_seconds=args.read_only, tell=say)
    say(f"moved {moved.rows} rows; nothing could be written for {moved.read_only_seconds:.2f} s")
    say("Set database.url, give every worker this server's signing.key, start the workers;")
    say("then stop this server: it answers reads, and never writes again.")
    return 0


def _asked() -> str:
    if sys.stdin.isatty():
        return getpass.getpass("database.url: ")
    return sys.stdin.readline().strip()
