"""The `firn` program: one file per command, found in `COMMANDS`."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from homeserver import __version__
from homeserver.config import ConfigError
from homeserver.presentation.cli import (
    backup,
    bench,
    config,
    docs,
    doctor,
    migrate,
    move,
    prove,
    restore,
    serve,
    user,
)
from homeserver.presentation.cli.out import CommandError, complain

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = (serve, migrate, config, docs, doctor, user, bench, prove, backup, restore, move)


def parser() -> argparse.ArgumentParser:
    """Build the parser; every command adds its own part and sets `run`."""
    top = argparse.ArgumentParser(prog="firn", description="A distributed Matrix homeserver.")
    top.add_argument("--version", action="version", version=f"firn {__version__}")
    top.add_argument("--config", metavar="FILE", help="settings file (default: firn.toml)")
    commands = top.add_subparsers(required=True, metavar="command")
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code (2 for a wrong setting or command line)."""
    args = parser().parse_args(arguments)
    try:
        code: int = args.run(args)
    except ConfigError as error:
        complain(str(error))
        return 2
    except CommandError as error:
        complain(str(error))
        return error.code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `firn config | head`; stdout must not complain at exit either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code
