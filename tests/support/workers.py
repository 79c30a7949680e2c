"""Several `firn serve` over one MariaDB, Redis and RocketMQ: a cluster without a gateway."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from tests.support.server import FirnProcess
from tests.support.services import require_service

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence
    from pathlib import Path

CLUSTER_KEY = "a key that only tests use"


def cluster_worker(folder: Path, name: str, database_url: str, **settings: str) -> FirnProcess:
    """A worker that is not started; `settings` (`FIRN__SECTION__KEY`) go before the usual ones."""
    own = folder / name
    own.mkdir(parents=True, exist_ok=True)
    usual = {
        "FIRN__WORKER__NAME": name,
        "FIRN__CLUSTER__KEY": CLUSTER_KEY,
        "FIRN__REDIS__URL": require_service("redis"),
        "FIRN__ROCKETMQ__NAMESRV": require_service("rocketmq"),
    }
    return FirnProcess(own, database_url, {**usual, **settings})


@asynccontextmanager
async def running_workers(
    folder: Path, database_url: str, *names: str, program: str = "homeserver", **settings: str
) -> AsyncIterator[Sequence[FirnProcess]]:
    """Workers of these names that run in the block, started one after another.

    `program` is the module that Python runs.
    """
    workers = [cluster_worker(folder, name, database_url, **settings) for name in names]
    try:
        for worker in workers:
            worker.program = program
            await worker.start()
        yield workers
    finally:
        await asyncio.gather(*(worker.stop() for worker in workers))
