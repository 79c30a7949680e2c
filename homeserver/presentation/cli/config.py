"""`firn config`: show the settings in force, or the reference page of all settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from homeserver.config import load
from homeserver.config.reference import reference
from homeserver.config.tree import leaves
from homeserver.presentation.cli.out import say

if TYPE_CHECKING:
    import argparse

    from homeserver.presentation.cli.context import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("config", help="show the settings and where each was set")
    command.add_argument(
        "--reference", action="store_true", help="print docs/reference/settings.md"
    )
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Print; returns the exit code."""
    if args.reference:
        say(reference().rstrip("\n"))
        return 0
    loaded = load(args.config, os.environ)
    for leaf in leaves(loaded.settings):
        say(f"{leaf.name} = {leaf.shown}  ({loaded.origins.get(leaf.path, 'default')})")
    return 0
