"""Redis in tests: the shared service under a prefix of its own, or a server to be killed."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
import subprocess
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deploy.services.service import program
from deploy.services.user import run_user
from homeserver.infrastructure.embedded.clock import SystemClock
from homeserver.infrastructure.redis.link import RedisDownError, RedisLink

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class PrivateRedis:
    """A Redis server of this test alone, which keeps its port over its deaths."""

    def __init__(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self._spawn()
        link = RedisLink(self.url, b"", SystemClock())
        try:
            async with asyncio.timeout(10):
                while not await _answers(link):
                    await asyncio.sleep(0.02)
        finally:
            await link.close()

    def _spawn(self) -> None:
        user = run_user(Path(__file__).parents[2], "redis")
        arguments = f"--bind 127.0.0.1 --port {self.port} --appendonly no --save"
        self._process = subprocess.Popen(
            [str(program("redis-server")), *arguments.split(), ""],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd="/",
            user=None if user is None or user.pw_uid == os.getuid() else user.pw_uid,
        )

    async def flush(self) -> None:
        """Forget everything, as an operator's FLUSHALL does."""
        link = open_link(self.url, b"")
        await link.call("FLUSHALL")
        await link.close()

    def pause(self) -> None:
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        if self._process is not None:
            self._signal(signal.SIGKILL)
            self._process.wait(10)
            self._process = None

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        os.kill(self._process.pid, number)


@asynccontextmanager
async def private_redis() -> AsyncIterator[PrivateRedis]:
    """Run a server of one's own; whoever asks has asked `require_service("redis")`."""
    server = PrivateRedis()
    await server.start()
    try:
        yield server
    finally:
        server.kill()


def new_generation() -> bytes:
    """A prefix that no other test has."""
    return secrets.token_bytes(8)


def open_link(url: str, generation: bytes) -> RedisLink:
    """A link with patience, for what does not test its haste: the machine may be busy."""
    return RedisLink(url, generation, SystemClock(), call_seconds=2.0)


async def eventually(holds: Callable[[], object], seconds: float) -> float:
    """Wait for something (called, and awaited where it can be); give how long it took."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        result = holds()
        if asyncio.iscoroutine(result):
            result = await result
        took = loop.time() - began
        if result:
            return took
        assert took < seconds, f"not within {seconds} s"
        await asyncio.sleep(0.02)


async def _answers(link: RedisLink) -> bool:
    try:
        return bool(await link.call("PING", probe=True))
    except RedisDownError:
        return False
