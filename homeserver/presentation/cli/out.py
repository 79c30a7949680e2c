"""What a command says to the person at the terminal."""

from __future__ import annotations

import sys


def say(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"firn: {text}\n")
