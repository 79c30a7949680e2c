"""`firn prove`: break a cluster of its own on purpose, and show that nothing is lost."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from homeserver.presentation.cli.tree import run_module

if TYPE_CHECKING:
    from homeserver.presentation.cli.context import Commands

_MODULE = "tests.prove.main"


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser(
        "prove",
        help="break a cluster on purpose: nothing is lost (from a source checkout)",
        add_help=False,  # the tool itself knows its options
        prefix_chars="+",  # so that they are not taken for this parser's
    )
    command.add_argument("arguments", nargs=argparse.REMAINDER)
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the tool with its own arguments; returns its exit code."""
    return run_module(_MODULE, args.arguments)
