"""What `make cluster` starts, for tests: workers under their supervisor, and the gateway."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from unittest import mock

import aiohttp

from deploy.cluster.launch import has_gateway, launch, stop
from deploy.cluster.layout import Layout
from deploy.cluster.plan import Plan
from deploy.cluster.settings import Stores
from deploy.services.addresses import read_addresses
from tests.support.bridge import Bridge
from tests.support.services import require_service, unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
PATIENCE_S = 50.0
_SETTINGS = {
    "FIRN__SERVER_NAME": "firn.test",
    "FIRN__REGISTRATION__OPEN": "true",
    "FIRN__RATE_LIMITS__ENABLED": "false",
    "PYTHONPATH": str(ROOT),
}


@dataclass(frozen=True)
class WholeCluster:
    """A cluster that runs, with the description of a bridge that it knows."""

    layout: Layout
    database_url: str
    bridge: Bridge

    @property
    def names(self) -> list[str]:
        """The workers' names, in the order of their addresses."""
        return list(Plan.read(self.layout.plan).workers)

    @property
    def workers(self) -> list[str]:
        """The workers' addresses."""
        return self._addresses["FIRN_WORKERS"].split(",")

    @property
    def gateway(self) -> str:
        """The gateway's address."""
        return self._addresses["FIRN_GATEWAY"]

    @property
    def pids(self) -> list[int]:
        """The workers' process ids, as they are now."""
        return [int(pid) for pid in self._addresses["FIRN_WORKER_PIDS"].split(",")]

    def index(self, address: str) -> int:
        """The worker at an address, with or without `http://`."""
        return self.workers.index(f"http://{address.removeprefix('http://')}")

    def kill(self, worker: int, number: int = signal.SIGKILL) -> int:
        """Send a signal to a worker; returns the id that its process had."""
        pid = self.pids[worker]
        os.kill(pid, number)
        return pid

    def kill_gateway(self) -> None:
        """Kill nginx; its own worker processes live on."""
        pid = self.layout.gateway.pid()
        assert pid is not None, "the gateway does not run"
        os.kill(pid, signal.SIGKILL)

    async def replaced(self, worker: int, pid: int) -> None:
        """Wait until another process is this worker, serves, and is asked by the gateway again."""
        url = f"{self.gateway}/_matrix/client/versions"
        address = self.workers[worker].removeprefix("http://")
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
            while self.pids[worker] == pid:
                await asyncio.sleep(0.05)
            while True:
                async with http.get(url) as answer:
                    if answer.headers["X-Served-By"] == address:
                        return
                await asyncio.sleep(0.02)

    @property
    def _addresses(self) -> dict[str, str]:
        return read_addresses(self.layout.addresses)


@contextmanager
def running_cluster(home: Path, database_url: str, count: int = 3) -> Iterator[WholeCluster]:
    """A cluster that runs in the block, over the services of the tests; skips without nginx."""
    layout = Layout(home)
    stores = Stores(database_url, require_service("redis"), require_service("rocketmq"))
    problem = has_gateway(layout)
    if problem:
        unavailable(f"no nginx: {problem}")
    bridge = Bridge("irc", home, {"receive_ephemeral": True})
    with mock.patch.dict(os.environ, {**_SETTINGS, "FIRN__APPSERVICES": bridge.file}):
        supervisor = launch(layout, stores, count)
    try:
        yield WholeCluster(layout, database_url, bridge)
    finally:
        stop(layout)
        assert supervisor.wait(5) == 0
        shutil.rmtree(layout.gateway.data)  # not always below `home`
