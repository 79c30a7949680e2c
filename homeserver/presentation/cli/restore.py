"""`firn restore`: bring back the database, the keys and the media."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from homeserver.presentation.cli.context import live_settings, on_store
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    import argparse

    from homeserver.presentation.cli.context import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("restore", help="bring back the database, keys and media")
    command.add_argument("source", type=Path, help="folder that `firn backup` wrote")
    command.set_defaults(run=run)


@on_store
def run(args: argparse.Namespace) -> int:
    """Do it; returns the exit code."""
    settings = live_settings(args)
    from homeserver.bootstrap import restore  # noqa: PLC0415 (drivers load only where used)

    restore(settings, args.source)
    say(f"restored from {args.source}")
    return 0
