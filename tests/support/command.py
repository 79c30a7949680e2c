"""The `firn` command line as a user runs it."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.server import FirnProcess


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str


async def run_firn(firn: FirnProcess, *arguments: str, text: str = "") -> Ran:
    """Run one command with the settings of a server; it must end within a minute."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "homeserver", *arguments),
        env=firn.environ,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(text.encode())
    assert process.returncode is not None
    return Ran(process.returncode, out.decode(), err.decode())
