"""What every command needs: the type of its parser's parent, and the settings."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from homeserver.config import LiveSettings, Loaded, load

if TYPE_CHECKING:
    import argparse

    # argparse has no public name for what add_subparsers() returns.
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]  # noqa: SLF001


def live_settings(args: argparse.Namespace) -> LiveSettings:
    """Load the settings that the command line and the environment name."""

    def read() -> Loaded:
        return load(args.config, os.environ)

    return LiveSettings(read(), read)
