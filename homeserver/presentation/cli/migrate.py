"""`firn migrate`: bring the database to the schema of this version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from homeserver.presentation.cli.context import live_settings, on_store
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    import argparse

    from homeserver.presentation.cli.context import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("migrate", help="bring the database to this version's schema")
    command.set_defaults(run=run)


@on_store
def run(args: argparse.Namespace) -> int:
    """Migrate; returns the exit code."""
    settings = live_settings(args)
    from homeserver.bootstrap import migrate  # noqa: PLC0415 (drivers load only where used)

    migrate(settings)
    say("the database is up to date")
    return 0
