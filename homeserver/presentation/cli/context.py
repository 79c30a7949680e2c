"""What every command needs: the type of its parser's parent, and the settings."""

from __future__ import annotations

import os
from functools import wraps
from typing import TYPE_CHECKING

from homeserver.config import LiveSettings, Loaded, load
from homeserver.presentation.cli.out import complain

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    # argparse has no public name for what add_subparsers() returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def live_settings(args: argparse.Namespace) -> LiveSettings:
    """Load the settings that the command line and the environment name."""

    def read() -> Loaded:
        return load(args.config, os.environ)

    return LiveSettings(read(), read)


STORE_PROBLEM = 3
"""Exit code where the store cannot be used."""


def on_store(run: Callable[[argparse.Namespace], int]) -> Callable[[argparse.Namespace], int]:
    """Let a command that works on the store say what is wrong with it in one line."""

    @wraps(run)
    def told(args: argparse.Namespace) -> int:
        from homeserver.bootstrap import StoreError  # noqa: PLC0415 (drivers load only where used)

        try:
            return run(args)
        except StoreError as error:
            complain(str(error))
            return STORE_PROBLEM

    return told
