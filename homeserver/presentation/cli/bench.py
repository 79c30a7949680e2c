"""`firn bench`: measure this machine with the benchmarks of the source tree."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from homeserver.presentation.cli.tree import run_module

if TYPE_CHECKING:
    from homeserver.presentation.cli.context import Commands

_MODULES = {
    "load": "tests.load.bench",
    "cluster": "tests.load.cluster.bench",
    "micro": "tests.load.micro",
    "big-account": "tests.load.big_account",
    "storage": "tests.load.storage",
    "bus-soak": "tests.load.bus_soak",
    "move": "tests.load.move",
}


def add_to(commands: Commands) -> None:
    """Add the command."""
    command = commands.add_parser("bench", help="measure (from a source checkout)")
    command.add_argument(
        "kind",
        choices=_MODULES,
        help="whole path; several workers; hot functions; great users and rooms; bytes on disk; "
        "an hour of the bus; moving a live server",
    )
    command.add_argument("arguments", nargs=argparse.REMAINDER, help="the benchmark's own options")
    command.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run a benchmark's `main` with its own arguments; returns the exit code."""
    return run_module(_MODULES[args.kind], args.arguments)
