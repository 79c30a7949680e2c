"""Tools that live with the tests of a source checkout, and are not installed with the program."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from homeserver.presentation.cli.out import complain

if TYPE_CHECKING:
    from collections.abc import Sequence

_TREE = str(Path(__file__).parents[3])


def run_module(name: str, arguments: Sequence[str]) -> int:
    """Run a module's `main` with these arguments; returns the exit code, 1 without the module."""
    if _TREE not in sys.path:  # the console script does not look beside the package
        sys.path.append(_TREE)
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is None:
        complain(f"this installation has no {name}: run it from a source checkout")
        return 1
    code: int = importlib.import_module(name).main(arguments)
    return code
