"""A whole Firn for tests, as its own process: what `firn serve` is for users."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import sys
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90.0
"""Much longer than a start takes on a machine that does nothing else."""
_PORTS = range(20_000, 32_000)


def free_port() -> int:
    """A loopback port that nobody listens on now, below those that connections are given.

    One of those may be some test's connection by the time that it is listened on.
    """
    while True:
        port = secrets.choice(_PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@dataclass
class FirnProcess:
    """One `firn serve`; it may be killed and started again on the same store and port."""

    folder: Path
    database_url: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=free_port)
    process: asyncio.subprocess.Process | None = None
    program: str = "homeserver"
    arguments: tuple[str, ...] = ()
    patience_s: float = READY_SECONDS

    @property
    def base(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_file(self) -> Path:
        """What it wrote."""
        return self.folder / "firn.log"

    @property
    def environ(self) -> dict[str, str]:
        """The environment that holds its settings."""
        return {
            **{k: v for k, v in os.environ.items() if not k.startswith("FIRN__")},
            "PYTHONPATH": str(ROOT),
            "FIRN__SERVER_NAME": "firn.test",
            "FIRN__LISTEN": f"127.0.0.1:{self.port}",
            "FIRN__DATA_DIR": str(self.folder / "data"),
            "FIRN__DATABASE__URL": self.database_url,
            "FIRN__REGISTRATION__OPEN": "true",
            "FIRN__RATE_LIMITS__ENABLED": "false",
            **self.settings,
        }

    async def start(self) -> None:
        """Start and wait until it answers."""
        with self.log_file.open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", self.program, *self.arguments, "serve"),
                cwd=self.folder,  # not where a firn.toml may lie
                env=self.environ,
                stdout=out,
                stderr=out,
            )
        await self._ready()

    async def _ready(self) -> None:
        async with aiohttp.ClientSession() as http, asyncio.timeout(self.patience_s):
            while True:
                if self.process is None or self.process.returncode is not None:
                    raise RuntimeError(self.log_file.read_text())
                try:
                    async with http.get(f"{self.base}/health/ready") as answer:
                        if answer.status == 200:
                            return
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)

    async def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(number)
        code = await self.process.wait()
        self.process = None
        return code

    async def restart(self, number: int = signal.SIGTERM) -> None:
        """Stop by a signal and start again."""
        await self.stop(number)
        await self.start()


@asynccontextmanager
async def running_firn(
    folder: Path, database_url: str = "", **settings: str
) -> AsyncIterator[FirnProcess]:
    """A server that runs in the block."""
    firn = FirnProcess(folder, database_url, settings)
    await firn.start()
    try:
        yield firn
    finally:
        await firn.stop()
