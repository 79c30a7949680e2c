"""The `firn` command line as a user runs it."""

from __future__ import annotations

import asyncio
import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest import mock

from homeserver.presentation.cli.main import main

if TYPE_CHECKING:
    from tests.support.server import FirnProcess


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


async def run_firn(firn: FirnProcess, *arguments: str, text: str = "", seconds: float = 60) -> Ran:
    """Run one command with a server's settings as a process; it must end in time."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "homeserver", *arguments),
        env=firn.environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(seconds):
        out, err = await process.communicate(text.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())


def run_here(firn: FirnProcess, *arguments: str, text: str = "") -> Ran:
    """Run one command with a server's settings in this process: a tenth of the time."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, firn.environ, clear=True),
        mock.patch("sys.stdin", io.StringIO(text)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = main(arguments)
    return Ran(code, out.getvalue(), err.getvalue())
