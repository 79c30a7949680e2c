"""Workers over one store, and csload run against them."""

from __future__ import annotations

import asyncio
import os
import subprocess
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.load.client import LoadError, run_step
from tests.load.cluster.listeners import redis_pids, rocketmq_pids
from tests.load.rest import settle
from tests.load.server import SERVER_NAME, raise_file_limit
from tests.support.services import adopt_services
from tests.support.workers import running_workers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from tests.load.client import Line, Step
    from tests.load.places import Place
    from tests.support.server import FirnProcess

WORKERS, STORE, REDIS, BROKER = "workers", "MariaDB", "Redis", "RocketMQ"
RESTING = (WORKERS, STORE)
"""What goes on working after a load."""
COUNTED = (*RESTING, REDIS)
"""What the CPU time of an operation is the sum of; the broker is shown beside it."""


@dataclass(frozen=True)
class Services:
    """Where Redis and the name server of RocketMQ are."""

    redis: str
    namesrv: str

    @classmethod
    def running(cls) -> Services:
        """Those of `make services`. Raises LoadError."""
        adopt_services()
        redis = os.environ.get("FIRN_TEST_REDIS_URL")
        namesrv = os.environ.get("FIRN_TEST_ROCKETMQ_NAMESRV")
        if not redis or not namesrv:
            raise LoadError("no Redis or no RocketMQ (`make services` starts both)")
        return cls(redis, namesrv)


@dataclass(frozen=True)
class Fleet:
    """Running workers; `pids` are the processes by what they are (`COUNTED`, `BROKER`)."""

    csload: Path
    place: Place
    workers: Sequence[FirnProcess]
    pids: Mapping[str, Sequence[int]]
    resting: Sequence[str] = RESTING
    """Which of them must rest before the next phase."""

    async def run(
        self,
        step: Step,
        *,
        to: Sequence[int] = (0,),
        streams: Sequence[int] = (),
        stdin: int = subprocess.DEVNULL,
    ) -> list[Line]:
        """Run a phase with requests to these workers (by room), and streams from those.

        Returns when they rest again (`resting`), so that one phase does not pay for another.
        """
        if streams:
            step = step.also("-streams", self._bases(streams))
        flat = [pid for pids in self.pids.values() for pid in pids]
        lines = await asyncio.to_thread(
            run_step,
            self.csload,
            step,
            folder=self.place.folder,
            pids=flat,
            base=self._bases(to),
            stdin=stdin,
        )
        await asyncio.to_thread(settle, [pid for kind in self.resting for pid in self.pids[kind]])
        return [line | cpu_by_kind(line, self.pids) for line in lines]

    def _bases(self, numbers: Sequence[int]) -> str:
        return ",".join(self.workers[number].base for number in numbers)


def cpu_by_kind(line: Line, pids: Mapping[str, Sequence[int]]) -> Line:
    """CPU milliseconds per operation: `cpu` of the counted together, and each kind by name."""
    if "pid_cpu_ms_per_op" not in line:
        return {}
    each = iter(line["pid_cpu_ms_per_op"])
    found = {kind: sum(next(each) for _ in of) for kind, of in pids.items()}
    return {"cpu": sum(found[kind] for kind in COUNTED), **found}


@asynccontextmanager
async def running_fleet(
    csload: Path, place: Place, services: Services, count: int, **others: str
) -> AsyncIterator[Fleet]:
    """So many workers that run in the block; `others` are for `running_workers`."""
    raise_file_limit()
    names = [f"bench{number}" for number in range(count)]
    settings = {
        "FIRN__SERVER_NAME": SERVER_NAME,
        "FIRN__LOG__LEVEL": "warning",
        "FIRN__REDIS__URL": services.redis,
        "FIRN__ROCKETMQ__NAMESRV": services.namesrv,
        **others,
    }
    async with running_workers(place.folder, place.url, *names, **settings) as workers:
        pids = {
            WORKERS: [worker.process.pid for worker in workers if worker.process is not None],
            STORE: place.pids,
            REDIS: redis_pids(services.redis),
            BROKER: rocketmq_pids(services.namesrv),
        }
        yield Fleet(csload, place, workers, pids)
