"""What a command says to the person at the terminal."""

from __future__ import annotations

import sys


class CommandError(Exception):
    """A command that cannot do its work; the text is the one line that is said about it."""

    def __init__(self, text: str, code: int = 1) -> None:
        """Say this and end with this exit code."""
        super().__init__(text)
        self.code = code


def say(text: str) -> None:
    """Write one line to standard output."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """Write one line to standard error."""
    sys.stderr.write(f"firn: {text}\n")
