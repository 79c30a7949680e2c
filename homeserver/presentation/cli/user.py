"""`firn user add`: make an account from the command line."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING

from homeserver.domain.shared.errors import MatrixError
from homeserver.presentation.cli.context import live_settings, on_store
from homeserver.presentation.cli.out import complain, say

if TYPE_CHECKING:
    import argparse

    from homeserver.config import LiveSettings
    from homeserver.presentation.cli.context import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    actions = commands.add_parser("user", help="manage accounts").add_subparsers(
        required=True, metavar="action"
    )
    command = actions.add_parser("add", help="make an account; the password is asked for")
    command.add_argument("name", help="the local part (`alice`)")
    command.add_argument("--admin", action="store_true", help="may use the admin API")
    command.set_defaults(run=run)


@on_store
def run(args: argparse.Namespace) -> int:
    """Make the account; returns the exit code."""
    settings = live_settings(args)
    password = _password()
    if not password:
        complain("the password is empty, or the two differ")
        return 1
    try:
        user_id = asyncio.run(_add(settings, args, password))
    except MatrixError as error:
        complain(error.message or error.errcode)
        return 1
    say(user_id)
    return 0


async def _add(settings: LiveSettings, args: argparse.Namespace, password: str) -> str:
    from homeserver.bootstrap import add_user  # noqa: PLC0415 (drivers load only where used)

    return await add_user(settings, args.name, password, args.admin)


def _password() -> str:
    """Ask twice at a terminal; else read one line (never an argument: `ps` shows those)."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    return first if getpass.getpass("Again: ") == first else ""
