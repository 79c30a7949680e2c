"""`firn user`: make, lock and unlock accounts from the command line."""

from __future__ import annotations

import asyncio
import getpass
import sys
from typing import TYPE_CHECKING, Any

from homeserver.domain.shared.errors import MatrixError
from homeserver.presentation.cli.context import live_settings, on_store
from homeserver.presentation.cli.out import complain, say

if TYPE_CHECKING:
    import argparse
    from collections.abc import Coroutine

    from homeserver.presentation.cli.context import Commands


def add_to(commands: Commands) -> None:
    """Add the command."""
    actions = commands.add_parser("user", help="manage accounts").add_subparsers(
        required=True, metavar="action"
    )
    command = actions.add_parser("add", help="make an account; the password is asked for")
    command.add_argument("name", help="the local part (`alice`)")
    command.add_argument("--admin", action="store_true", help="may use the admin API")
    command.set_defaults(run=run_add)
    for action, effect in (("lock", "refuse all its requests"), ("unlock", "let it in again")):
        command = actions.add_parser(action, help=f"{effect}; its sessions stay")
        command.add_argument("name", help="the local part or the user id")
        command.set_defaults(run=run_lock, locked=action == "lock")


@on_store
def run_add(args: argparse.Namespace) -> int:
    """Make the account; returns the exit code."""
    settings = live_settings(args)
    password = _password()
    if not password:
        complain("the password is empty, or the two differ")
        return 1
    from homeserver.bootstrap import add_user  # noqa: PLC0415 (drivers load only where used)

    return _told(add_user(settings, args.name, password, admin=args.admin))


@on_store
def run_lock(args: argparse.Namespace) -> int:
    """Lock or unlock the account; returns the exit code."""
    from homeserver.bootstrap import lock_user  # noqa: PLC0415 (drivers load only where used)

    return _told(lock_user(live_settings(args), args.name, locked=args.locked))


def _told(work: Coroutine[Any, Any, str]) -> int:
    """Do it and say whose account it was, or what was wrong."""
    from homeserver.bootstrap import StoreError  # noqa: PLC0415 (drivers load only where used)

    try:
        say(asyncio.run(work))
    except StoreError:  # `on_store` tells it
        raise
    except MatrixError as error:
        complain(error.message or error.errcode)
        return 1
    return 0


def _password() -> str:
    """Ask twice at a terminal; else read one line (never an argument: `ps` shows those)."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    first = getpass.getpass("Password: ")
    return first if getpass.getpass("Again: ") == first else ""
